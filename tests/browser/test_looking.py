"""Where would you look? on Explore: tap, reveal, again, back; on a desktop and on a phone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browsing import send, settle, shoot

ADDRESS = "/?model=scenes_resnet&picture=drawn-star"


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text, exact=True)).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_tap_and_reveal(server: str, new_page: Callable[..., Page], width: int, dark: bool) -> None:
    page = new_page(server, width=width, height=900, dark=dark)
    page.goto(ADDRESS)
    heading(page, "Why “star”?")
    settle(page)
    page.get_by_role("button", name="Where would you look?").click()
    heading(page, "Where would you look?")
    settle(page)
    stage = page.get_by_role("application", name=re.compile("Picture to tap"))
    box = stage.bounding_box()
    assert box
    for across, down in ((0.4, 0.5), (0.6, 0.4)):
        stage.click(position={"x": across * box["width"], "y": down * box["height"]})
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("You and the network agree")).to_be_visible()
    settle(page)
    expect(page).to_have_url(re.compile(r"ask=look%3A\d+%2C\d+-\d+%2C\d+"))
    expect(page.locator(".place")).to_have_count(4)  # two on each map
    shoot(page, f"looking-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Again").click()
    expect(page.get_by_role("application", name=re.compile("Picture to tap"))).to_be_visible()
    settle(page)
    expect(page.locator(".place")).to_have_count(0)
    page.goto(f"{ADDRESS}&ask=look:40,40")
    expect(page.get_by_role("button", name="Again")).to_be_visible()
    settle(page)
    page.get_by_role("radio", name="Coffee").click()  # the places were on the other picture
    expect(page.get_by_role("application", name=re.compile("Picture to tap"))).to_be_visible()
    settle(page)
    expect(page).to_have_url(re.compile("ask=look$"))
    page.go_back()
    expect(page.get_by_role("button", name="Again")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Back to the answer").click()
    heading(page, "Why “star”?")
    settle(page)
    expect(page).not_to_have_url(re.compile("ask="))


def test_a_table_of_gaze(page: Page) -> None:
    page.goto(f"{ADDRESS}&ask=look")
    heading(page, "Where would you look?")
    settle(page)
    page.get_by_text("Or measure a table of gaze or clicks").click()
    send(page, "gaze.csv", b"x,y,observer\n0.5,0.4,a\n0.45,0.5,b\n", which=1)
    expect(page.get_by_text("The observers and the network agree")).to_be_visible()
    expect(page.get_by_role("img", name="Observers", exact=True)).to_be_visible()
