"""Drawing on the Sketch page, with pointer and keys."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import hear_late, settle, shoot


@pytest.fixture
def empty(page: Page) -> Page:
    page.goto("/sketch?sheet=empty")
    settle(page)
    expect(page.get_by_text("Draw something")).to_be_visible()
    return page


def sheet(page: Page) -> Locator:
    return page.get_by_role("application", name=re.compile("Sheet to draw on"))


def lines(page: Page, count: int) -> None:
    expect(sheet(page).locator("polyline")).to_have_count(count)


def draw(page: Page, *points: tuple[float, float]) -> None:
    box = sheet(page).bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def test_an_envelope_stroke_by_stroke(empty: Page) -> None:
    page = empty
    draw(page, (0.15, 0.3), (0.85, 0.3), (0.85, 0.75), (0.15, 0.75), (0.15, 0.3))
    lines(page, 1)
    expect(page.get_by_text("Evidence on ink", exact=True)).to_be_visible()
    draw(page, (0.15, 0.3), (0.5, 0.56), (0.85, 0.3))
    lines(page, 2)
    expect(page.get_by_role("heading", name="Why “envelope”?")).to_be_visible()
    settle(page)
    expect(page.get_by_role("heading", name="Which stroke decided?")).to_be_visible()
    expect(sheet(page).locator("polyline title").first).to_have_text(
        re.compile("Stroke 1: .* of the evidence on strokes")
    )
    shoot(page, "sketch")
    page.get_by_role("button", name="Undo").click()
    lines(page, 1)
    settle(page)
    expect(page.get_by_role("heading", name="Which stroke decided?")).to_have_count(0)
    page.get_by_role("button", name="Clear").click()
    lines(page, 0)
    expect(page.get_by_text("Draw something")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    lines(page, 1)
    expect(page.get_by_text("Evidence on ink", exact=True)).to_be_visible()


def test_no_setting_changes_by_itself_over_a_slow_network(page: Page) -> None:
    hear_late(page, 300)
    page.goto("/sketch?sheet=empty")
    settle(page)
    across = [(0.15, 0.3), (0.85, 0.3)], [(0.15, 0.5), (0.85, 0.5)], [(0.15, 0.7), (0.85, 0.7)]
    for number, press in enumerate(("Undo", "Clear", "Undo")):
        for gap in (50, 150):  # milliseconds between two strokes
            draw(page, *across[number])
            page.wait_for_timeout(gap)
        page.get_by_role("button", name=press).click()
    lines(page, 1)
    for name in ("Signals", "Sketch"):
        page.get_by_role("link", name=name).click()
        page.wait_for_timeout(400)
    settle(page)
    lines(page, 1)
    expect(page.get_by_role("combobox", name="How much to show")).to_have_value("Balanced")
    expect(page.get_by_role("radio", name="Both")).to_be_checked()
    expect(page).to_have_url(re.compile("sketch.sheet=empty$"))


@pytest.mark.parametrize("name", ["cat", "sun"])
def test_no_two_numbers_of_strokes_overlap(page: Page, name: str) -> None:
    page.goto(f"/sketch?sheet={name}")
    settle(page)
    numbers = sheet(page).locator("text")
    expect(numbers).to_have_count(sheet(page).locator("polyline").count())
    boxes = [
        numbers.nth(n).evaluate("one => { const { x, y, width } = one.getBBox(); return [x, y, width] }")
        for n in range(numbers.count())
    ]
    for n, (x, y, width) in enumerate(boxes):
        for other_x, other_y, other_width in boxes[:n]:
            beside = x >= other_x + other_width or other_x >= x + width
            assert beside or abs(y - other_y) > 0.025, n + 1  # as high as a digit


def test_drawing_by_keys(empty: Page) -> None:
    page = empty
    sheet(page).focus()
    page.keyboard.press("Space")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Space")
    lines(page, 1)
    expect(page.get_by_text("Evidence on ink", exact=True)).to_be_visible()
    settle(page)
    sheet(page).focus()
    page.keyboard.press("Backspace")
    lines(page, 0)
    expect(page.get_by_text("Draw something")).to_be_visible()


def test_another_sheet_is_another_drawing(empty: Page) -> None:
    page = empty
    draw(page, (0.2, 0.2), (0.8, 0.8))
    lines(page, 1)
    expect(page.get_by_text("Evidence on ink", exact=True)).to_be_visible()
    settle(page)
    page.get_by_role("radio", name="Envelope").click()
    expect(page.get_by_role("heading", name="Why “envelope”?")).to_be_visible()
    lines(page, 4)
    expect(page).to_have_url(re.compile("sheet=envelope"))
    settle(page)
    draw(page, (0.2, 0.9), (0.8, 0.9))
    lines(page, 5)
    settle(page)
    page.go_back()
    lines(page, 1)
    page.go_forward()
    lines(page, 5)
    expect(page.get_by_role("radio", name="Envelope", exact=True)).to_be_checked()
