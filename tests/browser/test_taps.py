"""Marking a picture: with a pointer, a finger and keys; and showing what was marked."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import settle, shoot

DEMO = "taps_demo.py"


@pytest.fixture
def page(demo: str, new_page: Callable[..., Page]) -> Page:
    page = new_page(demo)
    page.goto("/")
    settle(page)
    return page


def component(page: Page, number: int) -> Locator:
    return page.locator(".taps").nth(number)


def tap(stage: Locator, across: float, down: float) -> None:
    box = stage.bounding_box()
    assert box
    stage.click(position={"x": across * box["width"], "y": down * box["height"]})


def test_places(page: Page) -> None:
    one = component(page, 0)
    stage, status, places = one.get_by_role("application"), one.locator(".status"), one.locator(".place")
    reveal = one.get_by_role("button", name="Reveal")
    expect(reveal).to_be_disabled()
    for across in (0.2, 0.5, 0.8, 0.9):
        tap(stage, across, 0.5)
    expect(places).to_have_text(["1", "2", "3"])
    expect(status).to_have_text("All 3 are placed: tap one to take it away.")
    tap(stage, 0.5, 0.5)
    expect(places).to_have_count(2)
    expect(status).to_have_text("2 of 3 places.")
    one.get_by_role("button", name="Undo").click()
    tap(stage, 0.6, 0.25)
    expect(page.get_by_text("places: 0 points")).to_be_visible()  # nothing was sent yet
    reveal.click()
    expect(page.get_by_text("places: 2 points, box None")).to_be_visible()
    settle(page)
    expect(places).to_have_count(2)
    page.get_by_role("button", name="Again with places").click()
    expect(places).to_have_count(0)


def test_places_by_keys(page: Page) -> None:
    one = component(page, 0)
    stage = one.get_by_role("application")
    page.keyboard.press("Tab")
    while not stage.evaluate("node => node.matches(':focus')"):
        page.keyboard.press("Tab")
    expect(one.locator(".cursor")).to_be_visible()
    page.keyboard.press("Shift+ArrowLeft")
    expect(one.locator(".status")).to_contain_text("Cursor 42 % from the left, 50 % down.")
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Space")
    expect(one.locator(".place")).to_have_count(2)
    shoot(page, "taps-keys")
    page.keyboard.press("Backspace")
    expect(one.locator(".place")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("places: 1 points")).to_be_visible()


def test_a_box(page: Page) -> None:
    one = component(page, 1)
    one.get_by_role("button", name="One box").click()
    expect(one.locator(".status")).to_have_text("Drag a box.")
    box = one.get_by_role("application").bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"], steps=4)
    page.mouse.up()
    expect(one.locator(".box")).to_be_visible()
    one.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("boxes: 0 points, box (")).to_be_visible()
    one.get_by_role("button", name="Places").click()
    expect(one.locator(".box")).to_have_count(0)


def test_a_box_by_keys(page: Page) -> None:
    one = component(page, 1)
    one.get_by_role("button", name="One box").press("Enter")
    page.keyboard.press("Tab")
    for key in ("Enter", "Shift+ArrowRight", "Shift+ArrowDown", "Enter", "ArrowLeft"):
        page.keyboard.press(key)
    expect(one.locator(".status")).to_contain_text("Box of 3")
    page.keyboard.press("Escape")
    expect(one.locator(".box")).to_have_count(0)


def test_what_was_marked_is_only_shown(page: Page) -> None:
    shown = component(page, 2)
    expect(shown.get_by_role("img", name="Two places on two maps")).to_be_visible()
    expect(shown.locator(".place")).to_have_count(2)
    expect(shown.get_by_role("button", name="Reveal")).to_have_count(0)
    tap(shown.get_by_role("img", name="Two places on two maps"), 0.9, 0.9)
    expect(shown.locator(".place")).to_have_count(2)
    layers = shown.locator(".layers img")
    expect(layers.nth(0)).to_be_visible()
    shown.get_by_role("button", name="<b>Grad-CAM</b>").click()  # names are text
    expect(layers.nth(0)).to_be_hidden()
    expect(layers.nth(1)).to_be_visible()
    expect(component(page, 3).locator(".box")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_look(demo: str, new_page: Callable[..., Page], dark: bool, width: int) -> None:
    page = new_page(demo, width=width, dark=dark)
    page.goto("/")
    settle(page)
    tap(component(page, 0).get_by_role("application"), 0.4, 0.3)
    shoot(page, f"taps-{width}-{'dark' if dark else 'light'}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.locator(".taps button:visible").all():
        box = button.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44
