"""The first visit: the photograph alone, one tap, and the maps; once, and never in anybody's way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import settle, shoot

SIZES = [(1280, 720, False), (390, 844, True), (820, 1180, False)]


def asking(page: Page) -> Locator:
    """The first visit's question."""
    return page.get_by_role("dialog", name="Where would you look?")


@pytest.fixture
def visitor(new_page: Callable[..., Page], server: str) -> Page:
    """A page of somebody who does not mind motion."""
    page = new_page(server, 1280, 720)
    page.emulate_media(reduced_motion="no-preference")
    return page


@pytest.mark.parametrize(("width", "height", "dark"), SIZES)
def test_one_tap_reveals_the_maps_at_that_place(visitor: Page, width: int, height: int, dark: bool) -> None:
    visitor.set_viewport_size({"width": width, "height": height})
    visitor.emulate_media(color_scheme="dark" if dark else "light")
    visitor.goto("/")
    expect(asking(visitor)).to_be_visible()
    stage = asking(visitor).get_by_role("application")
    for one in (stage, asking(visitor).get_by_role("button", name="Skip")):
        expect(one).to_be_in_viewport(ratio=1)
    visitor.get_by_text("Tap the place that you would look at.").wait_for()
    shoot(visitor, f"hook-{width}")
    box = stage.bounding_box()
    assert box
    stage.click(position={"x": box["width"] * 0.5, "y": box["height"] * 0.5})
    expect(asking(visitor)).to_be_hidden()
    expect(visitor.locator(".read").first).to_contain_text("times as strong as the average")
    expect(visitor.get_by_role("slider", name="Depth")).to_have_attribute("aria-valuetext", "All depths")
    shoot(visitor, f"hook-revealed-{width}")
    settle(visitor)
    visitor.reload()
    settle(visitor)
    expect(asking(visitor)).to_have_count(0)


@pytest.mark.parametrize("leave", ["Escape", "Skip"])
def test_it_can_be_skipped_and_is_remembered(visitor: Page, leave: str) -> None:
    visitor.goto("/")
    expect(asking(visitor)).to_be_visible()
    if leave == "Skip":
        asking(visitor).get_by_role("button", name="Skip").click()
    else:
        visitor.keyboard.press("Escape")
    expect(asking(visitor)).to_have_count(0)
    settle(visitor)
    visitor.reload()
    settle(visitor)
    expect(asking(visitor)).to_have_count(0)


def test_it_can_be_answered_by_keyboard(visitor: Page) -> None:
    visitor.goto("/")
    expect(asking(visitor)).to_be_visible()
    visitor.keyboard.press("Tab")
    expect(asking(visitor).get_by_role("application")).to_be_focused()
    visitor.keyboard.press("ArrowLeft")
    visitor.keyboard.press("Enter")
    expect(visitor.locator(".read").first).to_contain_text("times as strong as the average")


@pytest.mark.parametrize(
    "address", ["/?picture=cat", "/?lesson=two-animals-one-picture&lesson_step=1", "/?display=presenter"]
)
def test_a_link_shows_what_it_links_to(visitor: Page, address: str) -> None:
    visitor.goto(address)
    settle(visitor)
    expect(asking(visitor)).to_have_count(0)


def test_who_wants_less_motion_sees_the_answer(page: Page) -> None:
    page.goto("/")
    settle(page)
    expect(asking(page)).to_have_count(0)
    expect(page.get_by_role("heading", name="Why “African chameleon”?")).to_be_visible()
