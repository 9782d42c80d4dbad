"""A visit to the Captions page."""

import re

from playwright.sync_api import Page, expect

from tests.browser.browsing import hear_late, settle, shoot


def test_words_are_clicked_and_changed(page: Page) -> None:
    page.goto("/captions?caption=a+brown+dog&map=whole")
    settle(page)
    words = page.get_by_role("radiogroup", name="Words of the caption. Choose one to explain it.")
    expect(words.get_by_role("radio")).to_have_count(4)
    words.get_by_role("radio", name="brown").click()
    settle(page)
    expect(page.get_by_role("heading", name="Why “brown”?")).to_be_visible()
    expect(page).to_have_url(re.compile("word=2"))
    shoot(page, "captions")
    others = page.get_by_role("radiogroup", name="Other words at this place")
    other = others.get_by_role("radio", checked=False).first
    name = other.locator(".label").inner_text()
    other.click()
    settle(page)
    if name != "(end)":
        expect(words.get_by_role("radio").nth(1)).to_have_text(re.compile(rf"^{re.escape(name)}"))
    page.go_back()
    settle(page)
    expect(words.get_by_role("radio").nth(1)).to_have_text(re.compile("^brown"))


def test_a_box_is_drawn_and_captioned(page: Page) -> None:
    page.goto("/captions?picture=cat-and-dog")
    settle(page)
    parts = page.get_by_role("radiogroup", name=re.compile("Parts of the picture"))
    expect(parts.get_by_role("radio")).to_have_count(1)
    page.get_by_role("button", name="Draw a box").click()
    settle(page)
    stage = page.get_by_role("application", name=re.compile("Picture to draw a box on"))
    stage.scroll_into_view_if_needed()
    at = stage.bounding_box()
    assert at
    page.mouse.move(at["x"] + 0.2 * at["width"], at["y"] + 0.05 * at["height"])
    page.mouse.down()
    page.mouse.move(at["x"] + 0.8 * at["width"], at["y"] + 0.48 * at["height"], steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Caption this box").click()
    settle(page)
    expect(parts.get_by_role("radio")).to_have_count(2)
    expect(parts.get_by_role("radio", checked=True)).to_have_text(re.compile("^Box 1: "))
    expect(page).to_have_url(re.compile(r"boxes=\d+%2C\d+%2C\d+%2C\d+&box=1"))
    expect(page.locator(".stage > .seen").first).to_be_visible()
    shoot(page, "captions-box")
    page.reload()
    settle(page)
    expect(parts.get_by_role("radio", checked=True)).to_have_text(re.compile("^Box 1: "))
    parts.get_by_role("radio", name=re.compile("Whole picture")).click()
    settle(page)
    expect(page).not_to_have_url(re.compile("box=1"))
    expect(page.locator(".stage > .seen").first).to_be_hidden()


def test_leaving_and_going_back_at_once_over_a_slow_network(page: Page) -> None:
    page.goto("/models")  # so that it is quick below: the run of it must have ended before the next begins
    settle(page)
    hear_late(page, 700)
    page.goto("/captions")
    settle(page)
    words = page.get_by_role("radiogroup", name="Words of the caption").get_by_role("radio")
    for number in range(3):
        words.nth(number).click()
        expect(page).to_have_url(re.compile(f"word={number + 1}"))
        settle(page)
    page.get_by_role("link", name="Models").first.click()
    page.wait_for_timeout(400)
    page.go_back()
    page.wait_for_timeout(2_000)
    settle(page)
    expect(words.nth(1)).to_be_checked()
