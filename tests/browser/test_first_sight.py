"""What a page shows before anybody scrolls: on a phone and on a projector."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browsing import settle

PAGES = {
    "explore": "/",
    "backtrack": "/backtrack",
    "compare": "/compare",
    "sketch": "/sketch?sheet=cat",
    "captions": "/captions",
    "series": "/signals",
    "clip": "/signals?kind=clip",
    "batch": "/batch?samples=True",
    "lesson": "/?lesson=two-animals-one-picture&lesson_step=1",
    "lesson that asks for taps": "/?lesson=two-animals-one-picture&lesson_step=2",
    "lesson on another page": "/?lesson=from-score-to-pixels&lesson_step=2",
}
# Tops of pictures, in pixels; thumbnails are smaller, and what is laid out off screen is further left.
TOPS = """(side) => {
    const tops = [];
    const search = (root) => {
        for (const one of root.querySelectorAll("*")) {
            if (one.shadowRoot) search(one.shadowRoot);
            const box = one.getBoundingClientRect();
            const drawn = ["CANVAS", "IMG", "svg"].includes(one.tagName);
            if (drawn && box.width >= side && box.height >= 80 && box.left >= 0) tops.push(box.top);
        }
    };
    search(document.querySelector('[data-testid="stMain"]'));
    return tops;
}"""


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 720)])
@pytest.mark.parametrize("name", PAGES)
def test_the_first_picture_is_seen_without_scrolling(
    server: str, new_page: Callable[..., Page], name: str, width: int, height: int
) -> None:
    page = new_page(server, width, height)
    page.goto(PAGES[name])
    settle(page)
    page.wait_for_function(f"({TOPS})(150).length > 0")
    assert min(page.evaluate(TOPS, 150)) < height - 130


def test_the_menu_of_a_phone_closes_when_a_page_is_chosen(server: str, new_page: Callable[..., Page]) -> None:
    page = new_page(server, 390, 844)
    page.goto("/models")
    settle(page)
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Batch").click()
    settle(page)
    expect(page).to_have_url(f"{server}/batch")
    expect(page.get_by_test_id("stExpandSidebarButton")).to_be_visible()
    expect(page.get_by_role("button", name="Try it with the sample pictures")).to_be_in_viewport()


@pytest.mark.parametrize("name", ["explore", "backtrack", "signals"])
def test_an_audience_sees_the_answer_alone_in_large_type(page: Page, name: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(PAGES.get(name, f"/{name}"))
    settle(page)
    usual = page.evaluate("getComputedStyle(document.documentElement).fontSize")
    page.get_by_role("button", name="Present", exact=True).click()
    expect(page.get_by_test_id("stHeader")).to_be_hidden()
    settle(page)
    expect(page).to_have_url(re.compile("display=presenter"))
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") > usual
    expect(page.get_by_role("button", name="Present", exact=True)).to_be_hidden()
    expect(page.get_by_text("Everything is computed on the machine")).to_be_hidden()
    assert min(page.evaluate(TOPS, 150)) < 500
    page.reload()
    settle(page)
    expect(page.get_by_test_id("stHeader")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stHeader")).to_be_visible()
    settle(page)
    expect(page).not_to_have_url(re.compile("display="))
    expect(page.get_by_role("button", name="Present", exact=True)).to_be_visible()
