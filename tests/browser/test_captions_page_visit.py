"""A visit to the Captions page."""

import re

from playwright.sync_api import Page, expect

from tests.browser.browsing import settle, shoot


def test_words_are_clicked_and_changed(page: Page) -> None:
    page.goto("/captions?caption=a+brown+dog&map=whole")
    settle(page, 60)
    words = page.get_by_role("radiogroup", name="Words of the caption. Choose one to explain it.")
    expect(words.get_by_role("radio")).to_have_count(4)
    words.get_by_role("radio", name="brown").click()
    settle(page, 60)
    expect(page.get_by_role("heading", name="Why “brown”?")).to_be_visible()
    expect(page).to_have_url(re.compile("word=2"))
    shoot(page, "captions")
    others = page.get_by_role("radiogroup", name="Other words at this place")
    other = others.get_by_role("radio", checked=False).first
    name = other.locator(".label").inner_text()
    other.click()
    settle(page, 60)
    if name != "(end)":
        expect(words.get_by_role("radio").nth(1)).to_have_text(re.compile(rf"^{re.escape(name)}"))
    page.go_back()
    settle(page, 60)
    expect(words.get_by_role("radio").nth(1)).to_have_text(re.compile("^brown"))
