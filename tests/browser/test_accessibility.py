"""Nobody is shut out: axe finds missing names, weak contrast, headings out of order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.browsing import settle
from tests.browser.test_rooms import Class, device, join, school

__all__ = ["device", "school"]  # fixtures

LESSON = "lesson=two-animals-one-picture"
# Streamlit's own: its uploader, and its tables, which browsers let the keyboard scroll.
OF_STREAMLIT = ("presentation-role-conflict", "scrollable-region-focusable")
THEMES = ("light", "dark")


def faults(page: Page) -> list[str]:
    """What axe finds in both themes, each with the first element that has it."""
    found = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of its words
        for one in Axe().run(page).response["violations"]:
            if one["id"] not in OF_STREAMLIT:
                found.append(f"{theme}: {one['help']}: {one['nodes'][0]['html'][:200]}")
    return found


@pytest.mark.parametrize(
    "address",
    [
        *("/", "/compare", "/sketch", "/captions", "/signals", "/batch", "/models"),
        *("/learn", f"/?{LESSON}&lesson_step=1", f"/?{LESSON}&lesson_step=1&answers=1:2", "/backtrack?step=30"),
    ],
)
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page(server: str, new_page: Callable[..., Page], address: str, width: int) -> None:
    page = new_page(server, width, 800)
    page.goto(address)
    settle(page)
    assert faults(page) == []


@pytest.mark.slow
def test_a_class(device: Callable[..., Page]) -> None:
    course = Class(device)
    phone = join(device(), course.code)
    assert [faults(one) for one in (course.desk, course.board, phone)] == [[], [], []]
    course.to_question()
    expect(phone.get_by_role("application")).to_be_visible()
    assert [faults(one) for one in (course.desk, course.board, phone)] == [[], [], []]
    for name in ("Close answers", "Reveal"):
        course.press(name)
    assert [faults(one) for one in (course.desk, course.board, phone)] == [[], [], []]
