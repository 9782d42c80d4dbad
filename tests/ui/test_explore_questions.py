"""The questions of Explore: one is open at most, the address restores it, and one button leads back."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnnfix_ui.components.taps.component import NOTHING, Taps
from cnnfix_ui.explore.question import Open
from cnnfix_ui.explore.questions import QUESTIONS, SETTINGS
from tests.ui.visiting import headings, page

SMALL = {"model": "scenes_resnet", "picture": "drawn-star"}
SETTING = SETTINGS["ask"]
NAMED = {one.name: one for one in QUESTIONS}


def explore(**address: str) -> AppTest:
    """The page with this address."""
    return page("explore", **SMALL, **address)


def opened(app: AppTest) -> set[str]:
    """The questions that are drawn."""
    return headings(app) & {one.words for one in QUESTIONS}


@pytest.mark.parametrize("name", NAMED)
def test_each_is_opened_written_to_the_address_and_left_by_one_button(name: str) -> None:
    app = explore()
    app.button(key=f"ask.{name}").click().run()
    assert opened(app) == {NAMED[name].words}
    assert app.query_params["ask"] in (name, [name])
    assert opened(explore(ask=name)) == {NAMED[name].words}
    app.button(key="ask.back").click().run()
    assert not opened(app)
    assert "ask" not in app.query_params


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("look", NOTHING),
        ("look", Taps(((3, 4), (10, 20)))),
        ("hide", NOTHING),
        ("hide", Taps(((3, 4), (10, 20)))),
        ("hide", Taps(box=(1, 2, 3, 4))),
        ("cut", True),
        ("propose", 5),
        ("propose", 20),
    ],
)
def test_the_address_restores_what_was_answered(name: str, answer: Any) -> None:
    found = Open(NAMED[name], answer)
    assert SETTING.parse(SETTING.text(found)) == found


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("hide:{}", ("x", "1", "1,2,3", "-1,2", "1,2-1,2-1,2-1,2-1,2-1,2", "1,2,3,4-1,2")),
        ("look:{}", ("1,2,3,4", "own", "a,b", "-5,2")),
        ("propose:{}", ("0", "51", "many")),
        ("cut:{}", ("False", "1")),
        ("{}", ("", "nothing", "Look", "look;hide")),
    ],
)
def test_what_no_address_says(text: str, names: tuple[str, ...]) -> None:
    for name in names:
        with pytest.raises(ValueError, match=r".*"):
            SETTING.parse(text.format(name))


@pytest.mark.parametrize(
    ("older", "name"),
    [
        ({"look": "ask"}, "look"),
        ({"look": "40,40-60,60"}, "look"),
        ({"hide": ""}, "hide"),
        ({"hide": "5,5,9,9"}, "hide"),
        ({"cut": "True"}, "cut"),
        ({"propose": "5"}, "propose"),
        ({"look": "ask", "hide": "5,5,9,9"}, "look"),
    ],
)
def test_older_addresses_open_one_question(older: dict[str, str], name: str) -> None:
    app = explore(**older)
    assert opened(app) == {NAMED[name].words}
    assert set(app.query_params) == {*SMALL, "ask"}


@pytest.mark.parametrize("address", [{"hide": "5,5,9"}, {"ask": "hide:5,5,9"}, {"ask": "nothing"}])
def test_nonsense_shows_the_answer(address: dict[str, str]) -> None:
    app = explore(**address)
    assert not opened(app)
    assert any(one.startswith("Why") for one in headings(app))


@pytest.mark.parametrize("given", ["look:9999,5", "hide:9999,5", "hide:1,1,9999,9"])
def test_places_outside_of_the_picture_are_left_out(given: str) -> None:
    app = explore(ask=given)
    assert opened(app) == {NAMED[given.partition(":")[0]].words}
    assert app.session_state["ask"].answer == NOTHING
