"""The grid of the Compare page on its own, in a real browser; its maps are made up, some of them of known values."""

import json
import math
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import settle, shoot

DEMO = "compare_demo.py"

WIDTH, HEIGHT = 900, 506  # of the photograph
YELLOW, BLUE, ORANGE = [255, 243, 163], [47, 143, 232], [240, 138, 29]

# Where the crosshair is, in parts of the cell.
CROSS = """stages => stages.map(stage => {
  const line = (name, side) => parseFloat(getComputedStyle(stage.querySelector(".cross"), name)[side]);
  return [line("::before", "left") / stage.clientWidth, line("::after", "top") / stage.clientHeight];
})"""
# The colour of the map at parts of the cell: red, green, blue, opacity.
COLOUR = """(stage, [u, v]) => {
  const canvas = stage.querySelector("canvas.map.own");
  const [x, y] = [Math.floor(u * canvas.width), Math.floor(v * canvas.height)];
  return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
}"""
MIDDLES = "all => all.map(one => (one.offsetLeft + one.offsetWidth / 2) / one.parentNode.clientWidth)"
FOCUSED = """() => {
  let one = document.activeElement;
  while (one.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  return one.getAttribute("aria-label") || one.textContent;
}"""
VIEWS = "svgs => svgs.map(svg => svg.getAttribute('viewBox'))"
# How long a redraw of everything takes, in ms, each time after zooming.
REDRAWS = """async () => {
  const found = [];
  const grid = [...document.querySelectorAll("*")].find(node => node.shadowRoot?.querySelector(".compare")).shadowRoot;
  for (let n = 0; n < 6; n++) {
    grid.querySelector(".group .tool:last-child").click();
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    found.push(performance.getEntriesByName("cnnfix:redraw").at(-1).duration);
  }
  return found;
}"""


@pytest.fixture
def visit(demo: str, new_page: Callable[..., Page]) -> Callable[..., Page]:
    def visit(query: str, **options: object) -> Page:
        page = new_page(demo, **options)
        page.goto(f"/?{query}")
        settle(page)  # the first visit imports a lot
        expect(stages(page).first).to_be_visible()
        return page

    return visit


def stages(page: Page) -> Locator:
    return page.get_by_role("application")


def done(page: Page, **act: object) -> None:
    expect(page.get_by_text(re.compile("^Last:"))).to_have_text(f"Last: {json.dumps(act)}")


def last(page: Page, *so_far: str) -> dict[str, Any]:
    """What Python heard last, when it has heard this much."""
    expect(page.get_by_text(re.compile("^Acts:"))).to_have_text(f"Acts: {json.dumps(so_far)}")
    act: dict[str, Any] = json.loads(page.get_by_text(re.compile("^Last:")).inner_text().removeprefix("Last: "))
    return act


def acts(page: Page) -> list[str]:
    found: list[str] = json.loads(page.get_by_text(re.compile("^Acts:")).inner_text().removeprefix("Acts: "))
    return found


def place(stage: Locator, u: float, v: float) -> tuple[int, int, int, int]:
    """A whole pixel of the screen near this part of the cell, and the photograph's pixel that is there."""
    box = stage.bounding_box()
    assert box
    x, y = round(box["x"] + u * box["width"]), round(box["y"] + v * box["height"])
    across, down = (x - box["x"]) / box["width"], (y - box["y"]) / box["height"]
    return x, y, math.floor(across * WIDTH), math.floor(down * HEIGHT)


def drag(page: Page, start: tuple[int, ...], end: tuple[int, ...], release: bool = True) -> None:
    page.mouse.move(*start[:2])
    page.mouse.down()
    page.mouse.move(*end[:2], steps=4)
    if release:
        page.mouse.up()


def colour(page: Page, cell: int, u: float, v: float) -> list[int]:
    found: list[int] = stages(page).nth(cell).evaluate(COLOUR, [u, v])
    return found


def boxes(page: Page, cell: int, kind: str = "truth") -> list[list[int]]:
    script = "all => all.map(one => ['x', 'y', 'width', 'height'].map(side => +one.getAttribute(side)))"
    found = stages(page).nth(cell).locator(f"rect.edge.{kind}").evaluate_all(script)
    return [[x, y, x + width - 1, y + height - 1] for x, y, width, height in found]


def fits(page: Page) -> None:
    """Nothing is wider than the page."""
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.locator('[data-testid="stMain"]').evaluate("main => main.scrollWidth - main.clientWidth") <= 0


def views(page: Page) -> set[str]:
    return set(page.locator("svg.marks").evaluate_all(VIEWS))


def test_one_cursor_for_all_and_what_it_reads(visit: Callable[..., Page]) -> None:
    page = visit("methods=half,quarter,zero&rows=1")
    x, y, *_ = place(stages(page).first, 0.75, 0.75)
    page.mouse.move(x, y)
    read = page.locator(".read")
    expect(read).to_have_text(["2.0 × average · among the strongest 50 %", "the map is 0 here", "the map is 0 here"])
    crosses = stages(page).evaluate_all(CROSS)
    assert all(cross == pytest.approx([0.75, 0.75], abs=0.01) for cross in crosses)
    page.mouse.move(*place(stages(page).last, 0.75, 0.25)[:2])  # over another cell
    expect(read).to_have_text(
        ["2.0 × average · among the strongest 50 %", "4.0 × average · among the strongest 25 %", "the map is 0 here"]
    )
    page.mouse.move(5, 5)
    expect(read).to_have_text(["", "", ""])


def test_zoom_and_pan_are_one_for_all_and_outlive_new_data(visit: Callable[..., Page]) -> None:
    page = visit("methods=3&rows=2&across=1&every=1")
    top = page.locator('[data-testid="stMain"]')
    x, y, *_ = place(stages(page).nth(1), 0.25, 0.5)
    page.mouse.move(x, y)
    page.mouse.wheel(0, 200)  # without Control the page scrolls
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop > 50")
    level = page.get_by_role("button", name="Zoom 1.0 times")
    expect(level).to_have_attribute("aria-disabled", "true")
    top.evaluate("main => main.scrollTo(0, 0)")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    expect(page.get_by_role("button", name="Zoom 1.9 times")).to_be_visible()
    seen = [[float(part) for part in view.split()] for view in views(page)]
    relative = {(round(x / w, 3), round(y / h, 3)) for x, y, w, h in seen}
    assert len(relative) == 1  # the same part of pictures of other sizes
    cross = stages(page).nth(1).evaluate_all(CROSS)[0]
    assert cross == pytest.approx([0.25, 0.5], abs=0.01)  # what is below the cursor stays there
    before = views(page)
    sent = page.get_by_text(re.compile("^Sent")).inner_text()
    expect(page.get_by_text(sent)).to_have_count(0)  # newer data came
    assert views(page) == before
    drag(page, (x, y), (x - 60, y - 20))
    assert views(page) != before
    assert all(float(after.split()[0]) > 0 for after in views(page))
    page.mouse.dblclick(x, y)
    expect(level).to_be_visible()
    stages(page).first.focus()
    page.keyboard.press("+")
    expect(page.get_by_role("button", name="Zoom 1.4 times")).to_be_visible()
    page.keyboard.press("0")
    expect(level).to_be_visible()


def test_pin_swap_add_remove(visit: Callable[..., Page]) -> None:
    page = visit("methods=3&rows=2")
    stages(page).nth(4).hover()
    page.get_by_role("button", name="Pin CNN Fixations, as published, Egyptian cat").click()
    done(page, do="pin", cell="published|1")
    pinned = page.get_by_role("region", name="Pinned maps")
    expect(pinned.get_by_role("application")).to_have_accessible_name(re.compile("^Reference. CNN Fixations, as"))
    pinned.get_by_role("application").focus()
    page.keyboard.press("p")
    done(page, do="unpin", cell="published|1")
    expect(pinned).to_be_hidden()

    page.get_by_role("button", name="Grad-CAM", exact=True).click()
    menu = page.get_by_role("menu")
    expect(menu.get_by_role("menuitemradio", name="Grad-CAM", exact=True)).to_be_focused()
    greyed = menu.get_by_role("menuitemradio", name=re.compile("^CAM"))
    expect(greyed).to_have_attribute("title", re.compile("^CAM needs a global average"))
    greyed.click(force=True)
    expect(menu).to_be_visible()
    menu.get_by_role("group", name="Perturbation").get_by_role("menuitemradio", name="RISE").click()
    done(page, do="swap", column="gradcam", method="rise")
    expect(page.get_by_role("button", name="RISE", exact=True)).to_be_focused()
    page.get_by_role("button", name="Add a method").click()
    menu.get_by_role("menuitem", name="Occlusion").click()
    done(page, do="add", method="occlusion")
    expect(stages(page)).to_have_count(8)
    page.get_by_role("button", name="RISE", exact=True).click()
    menu.get_by_role("menuitem", name="Remove this column").click()
    done(page, do="remove", column="rise")
    stages(page).nth(1).focus()
    page.keyboard.press("Delete")
    done(page, do="remove", column="published")
    expect(stages(page).nth(1)).to_be_focused()
    page.get_by_role("button", name=re.compile("^Egyptian cat")).click()
    menu.get_by_role("menuitemradio", name="Giant panda").click()
    done(page, do="ask", row="Egyptian cat", **{"class": 3})
    page.get_by_role("button", name=re.compile("^Egyptian cat")).click()
    menu.get_by_role("menuitem", name="Remove this row").click()
    done(page, do="remove_row", row="Egyptian cat")
    expect(stages(page)).to_have_count(2)
    assert acts(page) == ["pin", "unpin", "swap", "add", "remove", "remove", "ask", "remove_row"]


def test_boxes_are_whole_pixels(visit: Callable[..., Page]) -> None:
    page = visit("methods=2&rows=1&tool=box", width=1440)
    one, two = stages(page).first, stages(page).nth(1)
    start, end = place(one, 0.7, 0.8), place(one, 0.3, 0.2)
    first = [end[2], end[3], start[2], start[3]]
    drag(page, start, end, release=False)
    assert boxes(page, 0) == boxes(page, 1) == [first]  # in both at once
    assert acts(page) == []
    page.mouse.up()
    done(page, do="boxes", on="red-panda", boxes=[first])
    drag(page, place(two, 0.9, 0.9), place(two, 1.2, 1.3))  # beyond the picture
    second = last(page, "boxes", "boxes")["boxes"][1]
    assert second[2:] == [WIDTH - 1, HEIGHT - 1]

    box = two.bounding_box()
    assert box
    across, down = box["width"] / WIDTH, box["height"] / HEIGHT
    corner = box["x"] + (first[2] + 1) * across, box["y"] + (first[3] + 1) * down
    drag(page, corner, (corner[0] - 50 * across, corner[1] - 30 * down))
    changed = [first[0], first[1], first[2] - 50, first[3] - 30]
    done(page, do="boxes", on="red-panda", boxes=[changed, second])
    drag(page, place(one, 0.4, 0.4), place(one, 0.5, 0.5), release=False)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(one.locator("rect.edge.truth")).to_have_count(2)
    assert acts(page) == ["boxes"] * 3
    page.mouse.click(*place(one, 0.95, 0.95)[:2])
    page.keyboard.press("Delete")
    done(page, do="boxes", on="red-panda", boxes=[changed])
    page.mouse.click(*place(one, 0.4, 0.4)[:2])
    page.get_by_role("button", name="Remove the box").locator("visible=true").click()
    done(page, do="boxes", on="red-panda", boxes=[])
    page.keyboard.press("Control+z")
    done(page, do="boxes", on="red-panda", boxes=[changed])


def test_a_box_by_keys(visit: Callable[..., Page]) -> None:
    page = visit("methods=half&rows=1&tool=box")
    stages(page).first.focus()
    page.keyboard.press("Enter")  # in the middle
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowDown")
    assert acts(page) == []
    page.keyboard.press("Enter")
    x0, y0, x1, y1 = last(page, "boxes")["boxes"][0]
    assert [x0, y0, x1] == [WIDTH // 2, HEIGHT // 2, WIDTH // 2 + WIDTH // 10]
    assert y1 - y0 == pytest.approx(0.02 * WIDTH, abs=1)
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(page.locator(".told")).to_contain_text("Box 1 of 1")
    page.keyboard.press("Delete")
    done(page, do="boxes", on="red-panda", boxes=[])


def test_brush(visit: Callable[..., Page]) -> None:
    page = visit("methods=2&rows=1&tool=brush")
    one, two = stages(page).first, stages(page).nth(1)
    start, end = place(one, 0.2, 0.3), place(one, 0.8, 0.3)
    drag(page, start, end, release=False)
    brushed = [stage.locator(".brushed").get_attribute("d") for stage in (one, two)]
    assert brushed[0] == brushed[1] != ""
    assert acts(page) == []
    page.mouse.up()
    strokes = last(page, "strokes")["strokes"]
    assert [strokes[0][:2], strokes[-1][0]] == [
        [pytest.approx(start[2], abs=1), pytest.approx(start[3], abs=1)],
        pytest.approx(end[2], abs=20),
    ]
    gaps = [b[0] - a[0] for a, b in pairwise(strokes)]
    assert {stroke[2] for stroke in strokes} == {40}
    assert all(10 < gap < 33 for gap in gaps)  # neither gaps nor heaps
    for row in range(5):  # a lot of it
        drag(page, place(two, 0.01, 0.1 + 0.2 * row), place(two, 0.99, 0.12 + 0.2 * row))
    assert 100 < len(last(page, *["strokes"] * 6)["strokes"]) <= 400
    page.get_by_role("button", name="Remove all brush strokes").click()
    done(page, do="strokes", on="red-panda", strokes=[])


def test_colours_are_one_scale_unless_it_says_so(visit: Callable[..., Page]) -> None:
    page = visit("methods=half,quarter,flat&rows=1")
    legend = page.locator(".legend")
    expect(legend).to_contain_text("90 %75 %50 %25 %10 %")
    assert [colour(page, cell, 0.75, 0.25)[:3] for cell in range(3)] == [YELLOW] * 3
    assert [colour(page, cell, 0.25, 0.75)[3] for cell in range(2)] == [0, 0]

    page.get_by_role("radio", name="density").click()
    expect(legend).to_contain_text("4.0 ×")
    expect(page.get_by_text("own maximum")).to_have_count(0)
    half, quarter, flat = (colour(page, cell, 0.75, 0.25) for cell in range(3))
    assert quarter[:3] == YELLOW
    assert quarter[3] > half[3] > flat[3] > 100  # 4, 2 and 1 times the average
    page.get_by_role("radio", name="own").click()
    expect(legend).to_contain_text("Own maximum: brightness cannot be compared between cells")
    expect(page.locator(".idle")).to_have_text([f"own maximum: {n} × average" for n in ("2.0", "4.0", "1.0")])
    assert [colour(page, cell, 0.75, 0.25)[:3] for cell in range(3)] == [YELLOW] * 3

    page.get_by_role("radio", name="difference").click()
    expect(legend).to_contain_text("−2.0 ×0+2.0 ×")  # quarter: 4 where half has 2, 0 below
    expect(legend).to_contain_text("The right half, Red panda")
    assert colour(page, 1, 0.75, 0.25)[:3] == ORANGE
    assert colour(page, 1, 0.75, 0.75)[:3] == BLUE
    assert colour(page, 1, 0.25, 0.5)[3] == colour(page, 0, 0.75, 0.25)[3] == 0
    assert colour(page, 2, 0.25, 0.5)[:3] == ORANGE  # 1 where half has 0
    assert colour(page, 2, 0.75, 0.5)[:3] == BLUE
    page.mouse.move(*place(stages(page).first, 0.75, 0.25)[:2])
    expect(page.locator(".read").nth(1)).to_have_text("+2.0 × average (4.0 against 2.0)")


def test_slider_by_keys_and_by_dragging(visit: Callable[..., Page]) -> None:
    page = visit("methods=half,quarter,flat&rows=1&view=slider")
    slider = page.get_by_role("slider", name="Divider")
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("60")
    expect(slider).to_have_attribute("aria-valuetext", "60 % reference, 40 % each cell's own map")
    dividers = page.locator(".divider:visible")
    expect(dividers).to_have_count(2)  # not in the reference itself
    expect(page.locator(".side:visible")).to_have_text(
        ["The right half", "A quarter", "The right half", "The same everywhere"]
    )
    stage = stages(page).nth(1)
    drag(page, place(stage, 0.6, 0.5), place(stage, 0.25, 0.5))
    expect(slider).to_have_value("25")
    assert dividers.evaluate_all(MIDDLES) == pytest.approx([0.25, 0.25], abs=0.01)


def test_states_and_stopping(visit: Callable[..., Page]) -> None:
    page = visit("methods=4&rows=2&busy=1")
    heights = stages(page).evaluate_all("all => all.map(one => one.clientHeight)")
    assert len(set(heights)) == 1
    expect(page.get_by_text("The network gave no score for this class <i>at all</i>.").first).to_be_visible()
    expect(page.locator("img[src=x]")).to_have_count(0)
    running = page.locator('[data-state="running"]').first
    expect(running.get_by_text("37 %")).to_be_visible()
    running.get_by_role("button", name=re.compile("^Stop CNN Fixations, Red")).click()
    done(page, do="stop", cell="fixations|0")
    stopped = page.locator('[data-state="stopped"]').first
    stopped.get_by_role("button", name="Resume CNN Fixations, Red panda").click()
    done(page, do="again", cell="fixations|0")
    assert stages(page).evaluate_all("all => all.map(one => one.clientHeight)") == heights
    page.get_by_role("button", name="Stop all").click()
    done(page, do="stop")
    shoot(page, "compare-states")


def test_keys_alone_reach_everything(visit: Callable[..., Page]) -> None:
    page = visit("methods=3&rows=2", dark=True)
    page.get_by_role("radio", name="look").focus()
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        label = page.evaluate(FOCUSED)
        reached.append(label)
        if label.startswith("CNN Fixations, Red panda"):
            break
    assert len(reached) == 3  # the bar, the heads, the cells
    expect(stages(page).first).to_be_focused()
    page.keyboard.press("Control+ArrowRight")
    expect(stages(page).nth(1)).to_be_focused()
    page.keyboard.press("Control+ArrowDown")
    expect(stages(page).nth(4)).to_be_focused()
    page.keyboard.press("PageUp")
    expect(stages(page).nth(3)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".told")).to_contain_text("At x 468, y 253 px:")
    crosses = stages(page).evaluate_all(CROSS)
    assert all(cross == pytest.approx([0.52, 0.5], abs=0.01) for cross in crosses)
    page.keyboard.press("Escape")
    expect(page.locator(".read").first).to_have_text("")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitemradio", checked=True)).to_have_text("CNN Fixations, as published")
    field = page.get_by_role("searchbox")
    page.keyboard.type("gradients guid")  # the family, and a part of the name
    expect(field).to_have_value("gradients guid")
    expect(page.get_by_role("menuitemradio")).to_have_text(["Guided backpropagation"])
    page.keyboard.type("z")
    expect(page.get_by_text("Nothing fits.")).to_be_visible()
    page.keyboard.press("Backspace")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitemradio", name="Guided backpropagation")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="CNN Fixations, as published", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("rise")
    page.keyboard.press("Enter")
    done(page, do="swap", column="published", method="rise")
    # A short menu has no field: a letter goes to what begins with it.
    page.get_by_role("button", name=re.compile("^Red panda")).click()
    expect(field).to_be_hidden()
    page.keyboard.press("p")
    expect(page.get_by_role("menuitemradio", name="Polecat")).to_be_focused()


def test_sixteen_cells_are_quick_and_fit_any_width(visit: Callable[..., Page]) -> None:
    page = visit("methods=16&rows=1", width=1440, height=1600)
    taken = page.evaluate(REDRAWS)
    print(f"redraws of 16 cells, ms: {taken}")
    assert 0 < min(taken) < 100
    for width in (1440, 1024, 390):
        page.set_viewport_size({"width": width, "height": 1600})
        fits(page)
    widths = stages(page).evaluate_all("all => all.map(one => one.clientWidth)")
    assert all(150 < width < 200 for width in widths)  # two side by side on a phone


def test_a_matrix_scrolls_in_itself(visit: Callable[..., Page]) -> None:
    page = visit("methods=8&rows=2", width=390, height=844)
    fits(page)
    page.locator(".maps > .body").evaluate("body => body.scrollTo(500, 0)")
    head, cell = page.get_by_role("button", name="LayerCAM", exact=True), stages(page).nth(4)
    expect(head).to_be_in_viewport()
    lefts = [one.evaluate("one => one.getBoundingClientRect().left") for one in (head, cell)]
    assert lefts[0] + 6 == pytest.approx(lefts[1], abs=1)
    page.locator('[data-testid="stMain"]').evaluate("main => main.scrollTo(0, 450)")
    expect(head).to_be_in_viewport()  # while the rows go on below it
