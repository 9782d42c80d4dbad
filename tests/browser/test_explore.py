"""The whole way of a visitor through Explore."""

import io
import json
import re
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.browsing import hear_late, send, settle, shoot

QUESTION = "Why “African chameleon”?"


@pytest.fixture
def explore(page: Page) -> Page:
    page.goto("/")
    settle(page)
    return page


def stripes(size: tuple[int, int] = (300, 200), kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image = Image.new("RGB", size, "white")
    for x in range(0, size[0], 20):
        image.paste("black", (x, 0, x + 10, size[1]))
    image.save(buffer, kind)
    return buffer.getvalue()


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text, exact=True)).to_be_visible()


def sentence(page: Page) -> str:
    return page.get_by_text("Half of the evidence").inner_text()


def test_a_visit(explore: Page) -> None:
    page = explore
    heading(page, QUESTION)
    shoot(page, "explore")
    page.get_by_role("radio", name="Coffee").click()
    settle(page)
    heading(page, "Why “espresso”?")
    expect(page).to_have_url(re.compile("picture=coffee"))
    page.get_by_role("radio", name="coffee mug").click()
    settle(page)
    heading(page, "Why “coffee mug”?")
    expect(page.get_by_role("radio", name="coffee mug")).to_be_checked()
    expect(page).to_have_url(re.compile("class=504"))
    page.reload()
    settle(page)
    heading(page, "Why “coffee mug”?")
    # Another picture is another question.
    page.get_by_role("radio", name="Red panda").click()
    settle(page)
    heading(page, "Why “lesser panda”?")
    expect(page).not_to_have_url(re.compile("class"))
    page.go_back()
    settle(page)
    heading(page, "Why “coffee mug”?")


def test_no_choice_is_lost_over_a_slow_network(page: Page) -> None:
    hear_late(page, 400)
    page.goto("/")
    settle(page)
    for gap in range(0, 1000, 100):  # milliseconds between two clicks
        for name in ("Coffee", "Red panda"):
            page.get_by_role("radio", name=name).click()
            page.wait_for_timeout(gap)
        settle(page)
        expect(page.get_by_role("radio", name="Red panda")).to_be_checked()
        heading(page, "Why “lesser panda”?")
        expect(page).to_have_url(re.compile("picture=red-panda$"))
    page.go_back()
    settle(page)
    heading(page, "Why “espresso”?")
    expect(page).to_have_url(re.compile("picture=coffee$"))


def test_neither_a_choice_nor_the_page_is_lost_over_a_slow_network(page: Page) -> None:
    hear_late(page, 400)
    for gap in (0, 200):  # milliseconds between two clicks
        page.goto("/?picture=coffee")
        settle(page)
        page.get_by_role("radio", name="coffee mug").click()
        page.wait_for_timeout(gap)
        page.get_by_text("The 2019 paper", exact=True).click()
        settle(page)
        heading(page, "Why “coffee mug”?")
        expect(page).to_have_url(re.compile("picture=coffee&class=504&preset=published$"))
        page.get_by_text("Our method", exact=True).click()
        page.wait_for_timeout(gap)
        page.get_by_role("link", name="Backtrack").click()
        page.wait_for_timeout(gap)
        page.get_by_role("radio", name="Points").evaluate_all("all => all[0]?.click()")  # if the page before is there
        settle(page)
        heading(page, "How does the score lead back to the picture?")
        heading(page, "Why “coffee mug”?")
        expect(page).to_have_url(re.compile("/backtrack.picture=coffee&class=504"))
        page.locator(".rail [aria-current]").focus()
        for _ in range(4):
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(60)
        page.get_by_role("link", name="Learn").click()
        page.wait_for_timeout(gap)
        settle(page)
        heading(page, "What does a network look at?")
        expect(page).to_have_url(re.compile("/learn$"))


def test_any_class_by_search_and_rather_than(explore: Page) -> None:
    page = explore
    page.get_by_role("combobox", name="Why this class?").click()
    page.get_by_role("combobox", name="Why this class?").fill("hen")
    page.get_by_role("option", name="hen", exact=True).click()
    settle(page)
    heading(page, "Why “hen”?")
    page.get_by_role("combobox", name="Rather than").click()
    page.get_by_role("combobox", name="Rather than").fill("peacock")
    page.get_by_role("option", name="peacock", exact=True).click()
    settle(page)
    heading(page, "Why “hen” rather than “peacock”?")


def test_one_cursor_reads_both_panels(explore: Page) -> None:
    page = explore
    stages, reads = page.locator(".stage"), page.locator(".read")
    expect(stages).to_have_count(2)
    stages.first.hover(position={"x": 120, "y": 90})
    for number in range(2):
        expect(reads.nth(number)).to_contain_text("the average")
    expect(page.locator(".about").first).to_be_hidden()  # what is read stands there
    same = [reads.nth(number).inner_text().split(":")[0] for number in range(2)]
    assert same[0] == same[1]
    page.mouse.move(5, 5)
    expect(reads.first).to_be_empty()
    expect(page.locator(".about").first).to_be_visible()
    figure, about = (page.locator(one).first.bounding_box() for one in ("figure:has(.about)", ".about"))
    assert figure
    assert about
    assert figure["y"] + figure["height"] <= about["y"] + about["height"] + 2  # no gap below it
    # By keyboard.
    stages.nth(1).focus()
    page.keyboard.press("ArrowRight")
    expect(reads.nth(1)).to_contain_text("At ")
    before = reads.nth(1).inner_text()
    page.keyboard.press("Shift+ArrowDown")
    expect(reads.nth(1)).not_to_have_text(before)
    page.keyboard.press("Escape")
    expect(reads.nth(1)).to_be_empty()


def test_the_map_fades_from_depth_to_depth(explore: Page) -> None:
    page = explore
    slider = page.get_by_role("slider", name="Depth")
    expect(slider).to_have_attribute("aria-valuetext", "All depths")
    before = sentence(page)
    slider.focus()
    page.keyboard.press("ArrowRight")
    # At once, before the server knows.
    expect(slider).to_have_attribute("aria-valuetext", "7 × 7")
    overlays = page.locator(".stage").first.locator(".overlay")
    expect(overlays).to_have_count(7)
    expect(overlays.nth(1)).to_have_css("opacity", "1")
    expect(overlays.first).to_have_css("opacity", "0")
    expect(page).to_have_url(re.compile("depth=32"))
    settle(page)
    assert sentence(page) != before
    page.keyboard.press("End")
    expect(page).to_have_url(re.compile(r"depth=1\b"))
    settle(page)
    page.reload()
    settle(page)
    expect(slider).to_have_attribute("aria-valuetext", "Pixels")
    shoot(page, "explore-depth")
    # A network that has no such feature map shows its default; the published method has its own.
    page.goto("/?preset=published&depth=5")
    settle(page)
    expect(slider).to_have_attribute("aria-valuetext", "Pixels")


def test_other_depths_are_loaded_when_somebody_reaches_for_the_slider(explore: Page) -> None:
    overlays = explore.locator(".stage").first.locator(".overlay")
    assert [one.get_attribute("src") is not None for one in overlays.all()] == [True] + [False] * 6
    explore.get_by_role("slider", name="Depth").hover()
    for one in overlays.all():
        expect(one).to_have_attribute("src", re.compile("data:image/png"))


def test_a_fixation_says_its_evidence_and_channel(explore: Page) -> None:
    page = explore
    page.get_by_role("radio", name="Points", exact=True).or_(page.get_by_role("button", name="Points")).first.click()
    settle(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="JSON").click()
    result = json.loads(waiting.value.path().read_text())
    x, y, evidence = result["fixations"][0]
    stage = page.locator(".stage").first
    box = stage.bounding_box()
    assert box
    stage.hover(
        position={
            "x": (x + 0.5) / result["image"]["width"] * box["width"],
            "y": (y + 0.5) / result["image"]["height"] * box["height"],
        }
    )
    read = page.locator(".read").first
    expect(read).to_contain_text(f"Fixation at x {x}, y {y} px: {100 * evidence:#.2g} % of the evidence")
    expect(read).to_contain_text("of its colour values,")


def test_uploads(explore: Page) -> None:
    page = explore
    send(page, "stripes.webp", stripes(kind="WEBP"))
    expect(page.get_by_role("radio", name="Your picture")).to_be_checked()
    before = sentence(page)
    for name, content, complaint in [
        ("holiday.jpg", b"Dear diary", "not a supported picture format"),
        ("cut.png", stripes()[:200], "damaged or incomplete"),
        ("logo.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        ("nothing.png", b"", "empty"),
    ]:
        send(page, name, content)
        expect(page.get_by_role("alert")).to_contain_text(complaint)
        assert sentence(page) == before  # the last good result stays
    shoot(page, "bad-upload")
    send(page, "tall.png", stripes((30, 900)))
    expect(page.get_by_role("alert")).to_have_count(0)
    shoot(page, "tall")
    # An address cannot bring the picture back in another session; it falls back to the first sample.
    assert "picture=own" in page.url


@pytest.mark.parametrize(("button", "beginning"), [("Figure", b"\x89PNG"), ("JSON", b'{"model"'), ("CSV", b"x,y,evi")])
def test_downloads(explore: Page, button: str, beginning: bytes) -> None:
    with explore.expect_download() as waiting:
        explore.get_by_role("button", name=button).click()
    content = waiting.value.path().read_bytes()
    assert content.startswith(beginning)
    assert waiting.value.suggested_filename.startswith("fixations-African-chameleon.")


def test_share_has_the_link_the_figure_and_the_animation(explore: Page) -> None:
    explore.get_by_role("button", name="Share", exact=True).click()
    shared = explore.get_by_role("dialog", name="Share")
    expect(shared.get_by_text("This link opens the page as it is now.")).to_be_visible()
    for button, beginning in (("Figure", b"\x89PNG"), ("Animation", b"GIF8")):
        with explore.expect_download() as waiting:
            shared.get_by_role("button", name=button).click()
        assert waiting.value.path().read_bytes().startswith(beginning)


def test_as_published_shows_the_five_crops(explore: Page) -> None:
    page = explore
    page.get_by_text("The 2019 paper", exact=True).click()
    settle(page)
    expect(page.get_by_role("combobox", name="How much to show")).to_be_disabled()
    page.get_by_text("What the network saw").click()
    settle(page)
    for name in ("top left", "top right", "bottom left", "bottom right", "centre"):
        expect(
            page.get_by_text(f"{name}: 224 × 224 pixels").or_(page.get_by_text(f"{name}, not followed"))
        ).to_be_visible()
    shoot(page, "published")


def test_the_bars_work_by_keyboard(explore: Page) -> None:
    page = explore
    page.get_by_role("radio", name="African chameleon").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    settle(page)
    heading(page, "Why “custard apple”?")


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False), (390, True), (1900, False)])
def test_it_fits(server: str, new_page: Callable[..., Page], width: int, dark: bool) -> None:
    page = new_page(server, width=width, height=900, dark=dark)
    page.goto("/?picture=cat-and-dog&focus=sharp")
    settle(page)
    heading(page, "Why “cocker spaniel”?")
    expect(page.get_by_role("combobox", name="Network")).to_be_visible()
    overflow = page.get_by_test_id("stMain").evaluate("node => node.scrollWidth - node.clientWidth")
    assert overflow <= 0
    for stage in page.locator(".stage").all():
        box = stage.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["width"] > 250
    shoot(page, f"fits-{width}-{'dark' if dark else 'light'}")
