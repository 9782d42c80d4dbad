"""Pointing at a pixel and at a box on Explore, with pointer and keys."""

import re

from playwright.sync_api import Page, expect

from tests.browser.browsing import settle, shoot


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text, exact=True)).to_be_visible()


def test_a_pixel(page: Page) -> None:
    page.goto("/?model=scenes_fcn&picture=spiral-and-star")
    heading(page, "Why “spiral”?")
    settle(page)
    stage = page.get_by_role("application", name=re.compile("Picture to point at"))
    box = stage.bounding_box()
    assert box
    stage.hover(position={"x": 0.74 * box["width"], "y": 0.38 * box["height"]})
    expect(page.locator(".pointing .read")).to_have_text("star")
    stage.click(position={"x": 0.74 * box["width"], "y": 0.38 * box["height"]})
    heading(page, "Why “star”?")
    expect(page).to_have_url(re.compile(r"at=\d+%2C\d+"))
    shoot(page, "pixel")
    stage.focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".pointing .read")).to_have_text("ground")
    page.keyboard.press("Enter")
    heading(page, "Why “ground”?")
    settle(page)  # the address follows at the end
    page.go_back()
    heading(page, "Why “star”?")
    settle(page)
    # Another picture: another pixel.
    page.get_by_role("radio", name="Drawn star").click()
    settle(page)
    expect(page).not_to_have_url(re.compile("at="))


def test_a_box(page: Page) -> None:
    page.goto("/?model=scenes_fcos&picture=spiral-and-star")
    settle(page)
    boxes = page.locator(".pointing button")
    expect(boxes).to_have_count(2)
    page.get_by_role("button", name=re.compile("^star, 8")).click()
    heading(page, "Why “star”?")
    expect(page.get_by_role("button", name=re.compile("^star, 8"))).to_have_attribute("aria-pressed", "true")
    shoot(page, "box")
    page.get_by_role("button", name=re.compile("^spiral, 8")).focus()
    page.keyboard.press("Enter")
    heading(page, "Why “spiral”?")
    page.get_by_role("radio", name=re.compile("^star 8")).click()  # the bars choose, too
    heading(page, "Why “star”?")
