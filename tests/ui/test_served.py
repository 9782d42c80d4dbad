"""What a browser loads by its address: once, as long as a page shows it, and drawn only if somebody looks at it."""

from __future__ import annotations

import gc
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from cnnfix_core import EVIDENCE, open_picture
from cnnfix_core.images import list_samples
from cnnfix_core.visualization import photo_of
from cnnfix_ui import served
from cnnfix_ui.components.panels.component import Layer, Panel, panel_data, photo_uri
from cnnfix_ui.server import results
from cnnfix_ui.widgets import depths

MAIN = Path(__file__).parents[2] / "cnnfix_ui" / "main.py"


@pytest.fixture
def browser() -> TestClient:
    return TestClient(Starlette(routes=[served.route]))


def sent(app: AppTest) -> list[str]:
    """The data of the page's components."""
    found = (one.proto for one in app.main if one.type == "bidi_component")
    return [proto.json or proto.mixed.json for proto in found]  # type: ignore[attr-defined]


def addresses(app: AppTest) -> set[str]:
    return set(re.findall(r"shown/\w+", " ".join(sent(app))))


def test_a_run_sends_addresses_of_photographs_and_the_next_run_the_same() -> None:
    app = AppTest.from_file(str(MAIN), default_timeout=60).run()
    first = addresses(app)
    assert len(first) > len(list_samples())  # a thumbnail each, the photograph, and depths of the map
    assert "data:image/jpeg" not in " ".join(sent(app))
    assert addresses(app.run()) == first


def test_a_visitors_file_is_not_kept_by_the_browser_and_goes_when_nobody_shows_it(browser: TestClient) -> None:
    file, lasting = served.served(b"one", "image/jpeg"), served.served(b"two", "image/png", lasting=True)
    answer = browser.get(file.url)
    assert (answer.content, answer.headers["content-type"], answer.headers["cache-control"]) == (
        b"one",
        "image/jpeg",
        "no-store",
    )
    assert "immutable" in browser.get(lasting.url).headers["cache-control"]
    assert served.served(b"one", "image/jpeg") is file
    address = file.url
    del file
    gc.collect()
    assert browser.get(address).status_code == browser.get("shown/nothing").status_code == 404


def test_a_page_keeps_what_it_shows_for_one_more_run() -> None:
    def script() -> None:
        import streamlit as st

        from cnnfix_ui import served

        served.begin_page()
        name = st.session_state.get("name", "a")
        st.text(served.shown_at(served.served(name.encode(), "text/plain")))

    app, browser = AppTest.from_function(script).run(), TestClient(Starlette(routes=[served.route]))
    address = app.text[0].value
    app.session_state["name"] = "b"
    app.run()
    assert browser.get(address).status_code == 200
    for _ in range(2):  # the test's own session state is kept a run longer
        app.run()
    gc.collect()
    assert browser.get(address).status_code == 404


def counted(calls: list[int], number: int) -> Callable[[], NDArray[np.floating]]:
    def made() -> NDArray[np.floating]:
        calls.append(number)
        return np.random.default_rng(number).random((30, 40))

    return made


def test_of_several_maps_one_is_drawn_and_the_others_when_the_browser_asks(browser: TestClient) -> None:
    calls: list[int] = []
    picture = open_picture(np.zeros((60, 80, 3), np.uint8))
    panel = Panel("Map", [Layer(counted(calls, number)) for number in range(3)], shown=1)

    def layers() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = panel_data(picture, [panel], points="", opacity=1, alt="")["panels"][0]["layers"]
        return found

    first = layers()
    assert calls == [1]
    assert [bool(one["drawn"]) for one in first] == [not one["address"] for one in first] == [False, True, False]
    for _ in range(2):
        drawn = browser.get(first[2]["address"]).json()
    assert calls == [1, 2]
    panel = replace(panel, shown=2)
    assert layers()[2]["drawn"] == drawn
    panel = replace(panel, shown=1)
    assert [one["address"] for one in layers()] == [one["address"] for one in first]


def test_an_answer_computes_the_map_that_is_shown_alone() -> None:
    network = results.Network("scenes_resnet", results.loaded("scenes_resnet"))
    picture = open_picture(np.random.default_rng(3).integers(0, 255, (64, 64, 3), np.uint8))
    chosen = depths.usual(results.explained(network, picture, None, EVIDENCE))
    assert len(chosen.layers) > 1
    before = chosen.nbytes
    assert chosen.nbytes - before == 0 < chosen.map.nbytes
    assert chosen.nbytes - before == chosen.map.nbytes


def test_a_photograph_is_drawn_once_for_all_pages(browser: TestClient) -> None:
    picture = open_picture(np.random.default_rng(4).integers(0, 255, (90, 120, 3), np.uint8))
    address = photo_uri(picture)
    assert photo_uri(picture) == address
    assert Image.open(io.BytesIO(browser.get(address).content)).size == photo_of(picture, 1024).size
