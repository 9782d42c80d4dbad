import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import hear_late, settle, shoot

DEMO = "choices_demo.py"


@pytest.fixture
def page(demo: str, new_page: Callable[..., Page]) -> Page:
    page = new_page(demo)
    page.goto("/")
    settle(page)
    return page


def tiles(page: Page) -> Locator:
    return page.get_by_role("radiogroup", name="Sample pictures")


def bars(page: Page) -> Locator:
    return page.get_by_role("radiogroup", name="What the network says")


def test_click_chooses(page: Page) -> None:
    expect(bars(page).get_by_role("radio", name="Egyptian cat")).to_be_checked()
    bars(page).get_by_role("radio", name="tabby 21.0%").click()
    settle(page)
    expect(page.get_by_text("Target: 1")).to_be_visible()
    expect(bars(page).get_by_role("radio", checked=True)).to_have_text(["tabby21.0%"])


def test_callback_may_set_a_widget(page: Page) -> None:
    tiles(page).get_by_role("radio", name="Astronaut").click()
    settle(page)
    expect(page.get_by_label("Note")).to_have_value("picture 4")


def test_a_refused_choice_is_unmarked(page: Page) -> None:
    for _ in range(2):
        tiles(page).get_by_role("radio", name="Dog").click()
        settle(page)
        expect(tiles(page).get_by_role("radio", name="Dog")).not_to_be_checked()
        expect(tiles(page).get_by_role("radio", name="Sample 11")).to_be_checked()


def test_what_was_picked_last_counts_and_stays_marked_over_a_slow_network(
    demo: str, new_page: Callable[..., Page]
) -> None:
    page = new_page(demo)
    hear_late(page, 400)
    page.goto("/")
    settle(page)
    for name, wait in (("Sample 9", 150), ("Sample 8", 350)):
        tiles(page).get_by_role("radio", name=name).click()
        page.wait_for_timeout(wait)
        expect(tiles(page).get_by_role("radio", name=name)).to_be_checked(timeout=1)
    tiles(page).get_by_role("radio", name="Sample 9").click()  # just when the first answer has come
    settle(page)
    expect(page.get_by_text("Picture: 9")).to_be_visible()


def test_keyboard(page: Page) -> None:
    radios = bars(page).get_by_role("radio")
    radios.nth(0).focus()
    page.keyboard.press("ArrowUp")  # around the end
    expect(radios.nth(3)).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(radios.nth(1)).to_be_focused()
    expect(radios.nth(0)).to_be_checked()  # moving is not choosing
    shoot(page, "choices-focus")
    page.keyboard.press("Enter")
    settle(page)
    expect(page.get_by_text("Target: 1")).to_be_visible()
    expect(radios.nth(1)).to_be_focused()  # still there after the run
    page.keyboard.press("End")
    page.keyboard.press("Space")
    settle(page)
    expect(page.get_by_text("Target: 3")).to_be_visible()


def test_tab_reaches_the_chosen_one_only(page: Page) -> None:
    page.get_by_label("Note").focus()
    page.keyboard.press("Tab")
    expect(tiles(page).get_by_role("radio", name="Sample 11")).to_be_focused()
    page.keyboard.press("Tab")
    expect(bars(page).get_by_role("radio", name="Egyptian cat")).to_be_focused()
    page.keyboard.press("Tab")  # nothing chosen there: the first one
    expect(page.get_by_role("radio", name="Nothing chosen")).to_be_focused()


def test_labels_are_text(page: Page) -> None:
    expect(tiles(page).get_by_role("radio", name="<img src=x onerror=alert(1)>")).to_be_visible()
    expect(tiles(page).locator("img[src=x]")).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_look(demo: str, new_page: Callable[..., Page], dark: bool, width: int) -> None:
    page = new_page(demo, width=width, dark=dark)
    page.goto("/")
    settle(page)
    shoot(page, f"choices-{width}-{'dark' if dark else 'light'}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for radio in page.get_by_role("radio").all():
        box = radio.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44
    expect(tiles(page).get_by_role("radio", name=re.compile("Sample 11"))).to_be_in_viewport(ratio=1)


def test_nothing_jumps(page: Page) -> None:
    before = page.get_by_text("Target:").bounding_box()
    bars(page).get_by_role("radio", name="tiger cat").click()
    tiles(page).get_by_role("radio", name="Sample 9").click()
    settle(page)
    assert page.get_by_text("Target:").bounding_box() == before
