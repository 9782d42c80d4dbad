"""Explore's cut-out and its list of boxes, as a page without a browser."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.ui.visiting import headings, page


def explore(**address: str) -> AppTest:
    """The page with this address."""
    return page("explore", network="scenes_resnet", picture="drawn-star", **address)


def test_the_object_is_cut_out_and_offered() -> None:
    app = explore(ask="cut")
    assert not app.exception
    assert "Cut the object out" in headings(app)
    assert any("of the picture" in one.value for one in app.markdown)
    app.button(key="ask.back").click().run()
    assert "Cut the object out" not in headings(app)


def test_boxes_are_ranked() -> None:
    app = explore(ask="propose:5")
    assert not app.exception
    assert "Where may objects be?" in headings(app)
    table = app.dataframe[0].value
    assert list(table["Rank"]) == list(range(1, len(table) + 1))
    app.button(key="ask.back").click().run()
    assert "Where may objects be?" not in headings(app)
