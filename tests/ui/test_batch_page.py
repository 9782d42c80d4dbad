"""The Batch page, without a browser."""

from __future__ import annotations

import io
import time
from functools import partial

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import cnnfix_core as cnnfix
from cnnfix_core.batch.row import BatchRow
from cnnfix_core.synthetic import HELD_OUT, compose
from cnnfix_ui.batch import state
from cnnfix_ui.errors import escaped
from tests.ui.visiting import page

visit = partial(page, "batch")


def ended(app: AppTest) -> AppTest:
    """The page when all pictures have been asked about."""
    end = time.monotonic() + 120
    while any("pictures" in bar.text for bar in app.get("progress") if hasattr(bar, "text")) or not app.header:
        assert time.monotonic() < end
        time.sleep(0.3)
        app.run()
    return app


def file(number: int) -> bytes:
    content = io.BytesIO()
    Image.fromarray(compose(HELD_OUT + number).picture.pixels).save(content, "PNG")
    return content.getvalue()


def send(app: AppTest, *files: tuple[str, bytes]) -> None:
    uploader = app.file_uploader(key="batch.upload")
    for name, content in files:
        uploader.upload(name, content)
    app.run()


def names(app: AppTest) -> list[str]:
    found: list[str] = app.dataframe[0].value["picture"].tolist()
    return found


def test_an_empty_page_says_what_to_do() -> None:
    app = visit()
    assert not app.exception
    assert "Upload up to 200 pictures" in app.info[0].value
    assert not app.dataframe


def test_pictures_become_rows_and_broken_ones_are_listed() -> None:
    app = visit(model="scenes_resnet")
    send(app, ("a.png", file(0)), ("b.png", file(1)), ("c.png", b"none"))
    ended(app)
    assert not app.exception
    assert names(app) == ["a.png", "b.png"]
    assert app.header[0].value == "2 pictures"
    assert app.expander[0].label == "1 file was skipped"
    assert any("not a supported picture format" in one.value for one in app.markdown)
    first = app.dataframe[0].value.iloc[0]
    assert 0 <= first["spread"] <= 100
    assert first["image"].startswith("data:image/jpeg")


def test_sorting_and_filtering() -> None:
    app = visit(model="scenes_resnet", order="confidence")
    send(app, *((f"{n}.png", file(n)) for n in range(10)))
    ended(app)
    rows = app.dataframe[0].value
    assert rows["confidence"].is_monotonic_increasing
    assert len(rows) == 10
    app.text_input(key="words").set_value("3.png").run()
    assert names(app) == ["3.png"]
    app.text_input(key="words").set_value("").run()
    middle = int(rows["spread"].median())
    app.slider(key="spread").set_value((middle, 100)).run()
    assert sorted(names(app)) == sorted(rows["picture"][rows["spread"] >= middle])
    assert any("of 10 pictures match" in one.value for one in app.caption)


def test_a_link_restores_the_filter_and_what_it_cannot_mean_is_no_fault() -> None:
    app = visit(model="scenes_resnet", words="3.png", spread="10-90", border="90-10", order="score")
    send(app, *((f"{n}.png", file(n)) for n in range(4)))
    ended(app)
    assert not app.exception
    assert app.text_input(key="words").value == "3.png"
    assert app.slider(key="spread").value == (10, 90)
    assert app.slider(key="border").value == state.ALL
    assert app.selectbox(key="order").value == "sent"  # there is no unit
    assert set(names(app)) <= {"3.png"}


def test_an_archive_that_is_refused_loses_nothing() -> None:
    app = visit(model="scenes_resnet")
    send(app, ("a.png", file(0)))
    ended(app)
    send(app, ("x.zip", b"PK\x03\x04 nothing"))
    assert "damaged or has a password" in app.error[0].value
    assert names(ended(app)) == ["a.png"]


@pytest.mark.parametrize("order", [order for order in state.ORDERS if order != "sent"])
def test_what_has_no_number_comes_last(order: str) -> None:
    rows = [BatchRow(picture="none"), BatchRow(picture="low", **{order: 0.1}), BatchRow(picture="high", **{order: 0.9})]
    found = [row.picture for row in sorted(rows, key=state.sorted_by(order))]
    assert found[-1] == "none"
    assert found[0] == ("low" if order == "confidence" else "high")


def test_an_address_from_elsewhere() -> None:
    app = visit(model="nothing", order="nothing", samples="maybe")
    assert not app.exception
    assert app.session_state["order"] == "sent"


def test_a_unit_orders_pictures_by_how_much_they_excite_it() -> None:
    app = visit(model="scenes_resnet")
    send(app, *((f"{n}.png", file(n)) for n in range(4)))
    ended(app)
    app.text_input(key="unit.text").set_value("5.path.0").run()
    assert "is no unit" in next(one.value for one in app.error)
    assert app.header[0].value == "4 pictures"  # nothing else has changed
    app.text_input(key="unit.text").set_value("5.path.0:3").run()
    ended(app)
    app.selectbox(key="order").set_value("score").run()
    assert app.header[0].value == f"4 pictures: how much each excites {escaped('5.path.0:3')}"
    rows = app.dataframe[0].value
    assert rows["score"].is_monotonic_decreasing
    model, unit = cnnfix.load_model("scenes_resnet"), cnnfix.Unit("5.path.0", 3)
    expected = {f"{n}.png": cnnfix.explain(model, cnnfix.open_picture(file(n)), unit).target.score for n in range(4)}
    assert dict(zip(rows["picture"], rows["score"], strict=True)) == pytest.approx(expected, rel=1e-5)
    assert set(rows["open"]) == {"Backtrack"}


def test_a_unit_that_the_network_lacks() -> None:
    app = visit(model="scenes_resnet", unit="layer9:1", samples="True")
    end = time.monotonic() + 60
    while not app.error:
        assert time.monotonic() < end
        time.sleep(0.3)
        app.run()
    assert "layer9" in app.error[0].value
