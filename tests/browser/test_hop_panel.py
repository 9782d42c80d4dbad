import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import settle, shoot

DEMO = "hop_demo.py"

Opener = Callable[..., Page]
KINDS = ("window", "edge", "window 1", "window 7", "window 11", "mean", "dense", "maximum", "sum", "joined", "gated")
KINDS += ("scaled", "function", "moved", "other", "input", "none", "nothing")


@pytest.fixture
def opened(demo: str, new_page: Opener) -> Opener:
    """`opened(kind, width=..., dark=..., large=...)`: the demo with the answer of one kind."""

    def open_(kind: str, large: bool = False, **look: Any) -> Page:
        page = new_page(demo, **look)
        page.goto(f"/?kind={kind}&large={str(large).lower()}")
        settle(page)
        return page

    return open_


def went(page: Page) -> Any:
    settle(page)
    return json.loads(page.get_by_text("Went: ").inner_text().removeprefix("Went: "))


def cell(page: Page, table: str, row: int, column: int) -> Locator:
    return page.get_by_role("grid", name=table).get_by_role("row").nth(row).get_by_role("gridcell").nth(column)


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def lit(page: Page) -> list[tuple[str | None, str | None]]:
    cells = page.locator(".grid-cell.lit").all()
    return [(one.get_attribute("data-row"), one.get_attribute("data-column")) for one in cells]


def assert_arithmetic(sentence: str) -> None:
    a, b, product = map(number, re.findall(r"−?\d+(?:\.\d+)?", sentence.split(":")[1])[:3])
    assert abs(a * b - product) <= 0.011 * max(abs(product), 0.05)


@pytest.mark.parametrize("kind", ["window", "window 11"])
def test_a_cell_lights_the_same_cell_of_all_tables(opened: Opener, kind: str) -> None:
    page = opened(kind)
    size = page.get_by_role("grid", name="Filter").get_by_role("row").count()
    reading = page.locator(".grid-reading")
    expect(reading).to_contain_text("largest part of the evidence went here")  # before anything is pointed at
    for table in ("Input", "Filter", "Product"):
        cell(page, table, size - 1, 1).hover()
        assert lit(page) == [(str(size - 1), "1")] * 3
        assert_arithmetic(reading.inner_text())
    page.locator(".hop-question").hover()
    assert lit(page) == []


def test_cells_by_keyboard(opened: Opener) -> None:
    page = opened("window")
    grid = page.get_by_role("grid", name="Filter")
    assert grid.locator('[tabindex="0"]').count() == 1
    grid.locator('[tabindex="0"]').focus()
    for key in ("Home", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowLeft"):  # to the corner, where it ends
        page.keyboard.press(key)
    expect(cell(page, "Filter", 0, 0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(cell(page, "Filter", 1, 1)).to_be_focused()
    assert lit(page) == [("1", "1")] * 3
    reading = page.locator(".grid-reading")
    assert reading.inner_text().startswith("row 12, column 7: ")
    assert cell(page, "Filter", 1, 1).get_attribute("aria-label") in reading.inner_text().replace(" – ", ", ")
    shoot(page, "hop-cell-focus")
    page.keyboard.press("Tab")
    expect(cell(page, "Product", 1, 1)).to_be_focused()  # its own entry: the winner


def test_cells_outside_the_picture_say_so(opened: Opener) -> None:
    page = opened("edge")
    cell(page, "Input", 0, 2).hover()
    expect(page.locator(".grid-reading")).to_have_text("row −1, column 8: outside the picture, contributes nothing")
    expect(cell(page, "Input", 0, 2)).to_have_accessible_name(
        "row −1, column 8: outside the picture, contributes nothing"
    )
    expect(page.locator(".grid-keys")).to_contain_text("outside the picture")


@pytest.mark.parametrize("kind", ["window", "edge", "window 1", "mean", "dense", "scaled"])
def test_the_row_of_numbers_adds_up(opened: Opener, kind: str) -> None:
    page = opened(kind)
    operands = [operand.inner_text().split() for operand in page.locator(".hop-operand").all()]
    total, result = 0.0, 0.0
    for first, *rest in operands:
        shown = number(first if not rest or first not in "+−×=" else rest[0])
        match first:
            case "=":
                result = shown
            case "×":
                total *= shown
            case "−":
                total -= shown
            case _:
                total += shown
    assert result != 0
    assert abs(total - result) < 0.06
    if kind == "edge":  # a channel has 6 inputs within the picture
        expect(page.locator(".hop-equation")).to_contain_text("the other 23 channels")


def test_bars_name_what_was_followed(opened: Opener) -> None:
    page = opened("dense")
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(13)
    expect(rows.nth(1)).to_contain_text("largest part")
    expect(rows.nth(2)).to_contain_text("explains why it is low")
    expect(rows.get_by_role("button", name=re.compile("Go to unit"))).to_have_count(3)
    rows.nth(2).get_by_role("button").click()
    step = went(page)
    assert step["step"] == 31
    assert step["chosen"]["step"] == 31
    assert step["chosen"]["element"] == rows.nth(2).get_by_role("cell").first.inner_text().split()[1]


def test_going_on_needs_no_mouse_and_keeps_the_focus(opened: Opener) -> None:
    page = opened("function")
    button = page.get_by_role("button", name=re.compile("Go to"))
    button.focus()
    page.keyboard.press("Enter")
    assert went(page) == {"step": 31, "chosen": {"step": 31, "element": "83.12.7"}}
    expect(button).to_be_focused()
    expect(page.locator(".hop-question")).to_have_text("Why is channel 83 at row 12, column 7 low?")


def test_elements_by_keyboard(opened: Opener) -> None:
    page = opened("window")
    radios = page.get_by_role("radiogroup").get_by_role("radio")
    expect(radios.nth(0)).to_be_checked()
    radios.nth(0).focus()
    page.keyboard.press("ArrowRight")
    expect(radios.nth(1)).to_be_focused()
    assert went(page) is None  # moving is not choosing
    page.keyboard.press("Enter")
    assert went(page) == {"step": 30, "chosen": {"step": 30, "element": "12.11.7"}}
    expect(radios.nth(1)).to_be_checked()
    expect(radios.nth(1)).to_be_focused()  # drawn anew, and still there


def test_texts_are_no_markup(opened: Opener) -> None:
    page = opened("dense")
    expect(page.locator(".hop-question")).to_contain_text("<b>bold</b>")


def test_a_map_is_laid_over_the_photograph_and_taken_off(opened: Opener) -> None:
    page = opened("window")
    button = page.get_by_role("button", name=re.compile("channel 7 "))
    photo = page.locator(".photo")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    assert went(page) == {"step": 30, "chosen": {"step": 30, "channel": 7}}
    expect(button).to_have_attribute("aria-pressed", "true")  # also after Python's answer
    expect(photo).to_have_attribute("data-laid", re.compile(r"channel 7 of blocks.3.0.conv_dw on 0.0625,0,0.9375,1"))
    shoot(page, "hop-map-laid")
    button.click()
    assert went(page) == {"step": 30, "chosen": None}
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(photo).to_have_attribute("data-laid", "nothing")


def test_maps_by_keyboard(opened: Opener) -> None:
    page = opened("window")
    buttons = page.get_by_role("group", name="The strongest channels").get_by_role("button")
    buttons.nth(0).focus()
    page.keyboard.press("ArrowLeft")  # around the end
    expect(buttons.nth(11)).to_be_focused()
    page.keyboard.press("Space")
    expect(buttons.nth(11)).to_have_attribute("aria-pressed", "true")
    assert went(page)["chosen"] == {"step": 30, "channel": 91}
    expect(buttons.nth(11)).to_be_focused()


def test_maps_share_one_scale(opened: Opener) -> None:
    page = opened("mean")  # from 0 to 5.1: the map's brightest cell is the brightest of all
    brightest = page.locator(".maps-canvas").evaluate_all(
        """all => all.map(canvas => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
          return Math.max(...Array.from({ length: data.length / 4 }, (_, n) => data[4 * n] + data[4 * n + 1]))
        })"""
    )
    assert brightest[0] > max(brightest[6:])
    expect(page.locator(".maps-ends")).to_have_text("05.10")


def test_without_an_answer_or_maps_there_is_a_sentence(opened: Opener) -> None:
    expect(opened("nothing").locator(".hop")).to_contain_text("Nothing chosen yet.")
    expect(opened("none").locator(".hop")).to_contain_text("This walk does not pass through this layer.")
    expect(opened("dense").locator(".maps")).to_contain_text("has no feature maps")


@pytest.mark.parametrize(("width", "large"), [(390, False), (390, True), (900, True)])
def test_every_kind_fits(opened: Opener, width: int, large: bool) -> None:
    page = opened(KINDS[0], width=width, large=large)
    for kind in KINDS:
        page.goto(f"/?kind={kind}&large={str(large).lower()}")
        settle(page)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        beyond = page.locator(".hop, .maps").evaluate_all(
            """all => all.flatMap(section => [...section.querySelectorAll("*")]
                .filter(node => !node.closest(".hop-elements") && !node.closest("svg"))
                .filter(node => node.getBoundingClientRect().right > section.getBoundingClientRect().right + 10)
                .map(node => node.className))"""
        )
        assert (wide, beyond) == (0, []), kind


CONTRAST = """node => {
  const rgb = colour => {
    const canvas = new OffscreenCanvas(1, 1), pen = canvas.getContext("2d")
    pen.fillStyle = colour
    pen.fillRect(0, 0, 1, 1)
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3)
  }
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    return 0.2126 * x + 0.7152 * y + 0.0722 * z + 0.05
  }
  const style = getComputedStyle(node)
  const [a, b] = [light(rgb(style.color)), light(rgb(style.backgroundColor))]
  return Math.max(a, b) / Math.min(a, b)
}"""


@pytest.mark.parametrize("dark", [False, True])
def test_numbers_can_be_read_on_their_colours(opened: Opener, dark: bool) -> None:
    page = opened("window", dark=dark)
    shoot(page, f"hop-window-{'dark' if dark else 'light'}")
    cells = page.locator(".grid-cell:not(.outside)").all()
    assert len(cells) == 27
    assert min(one.evaluate(CONTRAST) for one in cells) >= 4.5
