"""The Compare page in a real browser: drawing, pinning, linking, stopping, and sixteen cells."""

import csv
import re
import time
import warnings
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from cnnfix_core.cli.main import main
from cnnfix_core.images.samples import load_sample
from tests.browser.browsing import PATIENCE, hear_late, settle, shoot, shown

CAT = "/compare?picture=cat"


def stages(page: Page) -> Locator:
    return page.get_by_role("application")


def opened(page: Page, address: str, cells: int) -> Page:
    """Open the page and wait for its maps.

    On a busy machine, once in some hundred times, none has come even after two minutes, and why is not known. So the
    run's warnings say what the page shows after one, and it is loaded again.
    """
    page.goto(address)
    done = page.locator("figure.cell[data-state='done']")
    try:
        expect(done).to_have_count(cells, timeout=PATIENCE / 2)
    except AssertionError:
        states = page.locator("figure.cell").evaluate_all("all => all.map((one) => one.dataset.state)")
        warnings.warn(f"Compare did not open: {states}, {shown(page)}", stacklevel=2)
        page.reload()
        expect(done).to_have_count(cells)
    settle(page)
    return page


def tool(page: Page, name: str) -> None:
    page.get_by_text(name, exact=True).click()
    settle(page)


def drag(page: Page, stage: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    box = stage.bounding_box()
    assert box
    (x0, y0), (x1, y1) = ((box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in (start, end))
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move(x1, y1, steps=5)
    page.mouse.up()


def numbers(page: Page) -> list[str]:
    """The rows of the first table."""
    return page.get_by_test_id("stTable").first.locator("tbody tr").all_inner_texts()


def test_a_box_is_drawn_a_cell_pinned_and_the_address_keeps_both(page: Page) -> None:
    opened(page, f"{CAT}&methods=fixations,gradcam&boxes=cat:300.200.380.280", 2)
    before = numbers(page)
    assert len(before) == 4  # two methods, two baselines
    tool(page, "Draw a box")
    drag(page, stages(page).first, (0.1, 0.1), (0.3, 0.9))
    expect(page).to_have_url(re.compile("boxes=cat"))
    settle(page)
    after = numbers(page)
    assert after != before
    tool(page, "Look")
    stages(page).nth(1).focus()
    page.keyboard.press("p")
    expect(page).to_have_url(re.compile("pins=gradcam"))
    expect(stages(page)).to_have_count(3)
    settle(page)
    shoot(page, "compare")
    page.reload()
    expect(page.locator("figure.cell[data-state='done']")).to_have_count(3)
    settle(page)
    methods = [row.split("\n")[0] for row in numbers(page)]
    assert methods == ["Grad-CAM", "Fixations", "Grad-CAM", "Centre", "Random"]


def test_the_cursor_is_in_all_cells_and_a_class_redoes_its_row(page: Page) -> None:
    opened(page, f"{CAT}&methods=gradcam,saliency&rows=picture:coffee", 4)
    stages(page).first.hover()
    expect(page.locator(".read:not(:empty)")).to_have_count(4)
    head = page.get_by_role("button", name=re.compile("^espresso"))
    head.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # a menu closes when the page scrolls
    head.click()
    page.get_by_role("menu").get_by_text("coffee mug", exact=True).click()
    expect(page).to_have_url(re.compile("coffee(%3A|:)504"))
    settle(page)
    expect(page.get_by_role("button", name=re.compile("^coffee mug"))).to_be_visible()


def test_another_class_in_the_first_row_is_the_question_of_the_page(page: Page) -> None:
    opened(page, f"{CAT}&methods=gradcam&rows=change:forget-last", 2)
    head = page.get_by_role("button", name=re.compile("^Egyptian cat")).first
    head.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    head.click()
    page.get_by_role("menu").get_by_text("tiger cat", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("tiger cat"))).to_be_visible()
    expect(page).to_have_url(re.compile("class=282"))
    settle(page)
    # The rows below ask the same with one thing changed.
    expect(page.get_by_role("button", name=re.compile("^tiger cat"))).to_have_count(2)


def test_the_files_hold_the_numbers_of_the_command_and_all_maps(page: Page, tmp_path: Path) -> None:
    asked = "methods=gradcam,saliency&rows=picture:coffee&boxes=cat:300.200.380.280:10.20.30.40&cuts=True"
    opened(page, f"{CAT}&{asked}", 4)
    expect(page.get_by_text(re.compile("[Cc]ut-out \\d"))).to_have_count(4)
    expect(page.get_by_role("cell", name=re.compile("^(waiting|0 %)$"))).to_have_count(0)
    settle(page)
    kept = []
    for button in ("CSV", "Figure"):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=button, exact=True).click()
        kept.append(Path(waiting.value.path()))
    with kept[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["gradcam", "saliency"] * 2 + ["centre", "random"] * 2
    assert [row["picture"] for row in rows] == ["Cat", "Cat", "Coffee", "Coffee", "Cat", "Cat", "Coffee", "Coffee"]
    (tmp_path / "cat.jpg").write_bytes(load_sample("cat").read())
    options = ["--methods", "gradcam,saliency", "--boxes", "300,200,380,280", "10,20,30,40", "--cut-outs"]
    assert main(["compare", str(tmp_path / "cat.jpg"), *options, "--csv", str(tmp_path / "numbers.csv")]) == 0
    with (tmp_path / "numbers.csv").open(encoding="utf-8", newline="") as file:
        wanted = list(csv.DictReader(file))
    assert all(float(row["cut_out_area"]) > 0 for row in wanted)
    of_the_cat = [row for row in rows if row["picture"] == "Cat"]
    for one, other in zip(of_the_cat, wanted, strict=True):
        for name in set(one) - {"seconds", "picture", "model"}:
            if re.fullmatch(r"[\d.e-]+", one[name]):  # the last digit depends on how many threads computed it
                near = 1e-3 if name.startswith("cut_out") else 1e-4  # a place at the edge is in or out
                assert float(one[name]) == pytest.approx(float(other[name]), rel=near), name
            else:
                assert one[name] == other[name], name
    with Image.open(kept[1]) as figure:
        assert figure.format == "PNG"
        assert figure.width == 1600


def test_cut_outs_are_outlined_when_they_are_asked_for(page: Page) -> None:
    opened(page, f"{CAT}&methods=gradcam,centre", 2)
    outlines = page.locator("path.edge.cut")
    expect(outlines).to_have_count(0)
    page.get_by_role("button", name=re.compile("More")).click()
    page.get_by_text("Show cut-outs").click()
    expect(outlines).to_have_count(2)
    expect(page.get_by_text("Cut out from the map")).to_be_visible()
    expect(page).to_have_url(re.compile("cuts=True"))
    page.keyboard.press("Escape")
    page.get_by_text("Difference", exact=True).click()
    expect(outlines).to_have_count(0)


def test_robustness_is_measured_and_shows_how_far_it_is(page: Page) -> None:
    opened(page, f"{CAT}&methods=gradcam", 1)
    rows = page.get_by_test_id("stTable").last.locator("tbody tr")
    page.get_by_text("Measure ROAD").click()
    page.get_by_text("Measure sensitivity to noise").click()
    expect(rows.first).to_have_text(re.compile(r"Grad-CAM\s*[−-]?\d\.\d\d\s*\d\.\d\d"))
    expect(page.get_by_text(re.compile("Best by ROAD: Grad-CAM"))).to_be_visible()


def test_no_click_is_lost_while_the_page_runs(page: Page) -> None:
    opened(page, f"{CAT}&methods=gradcam", 1)
    road, noise = (page.get_by_role("switch", name=name) for name in ("Measure ROAD", "Measure sensitivity to noise"))
    for number, gap in enumerate(range(0, 400, 25)):  # milliseconds; some fall into each part of a run
        page.evaluate(
            """async ([gap, ...names]) => {
              for (const name of names) {
                document.querySelector(`input[aria-label="${name}"]`).click()
                await new Promise((done) => setTimeout(done, gap))
              }
            }""",
            [gap, "Measure ROAD", "Measure sensitivity to noise"],
        )
        on = number % 2 == 0
        expect(page).to_have_url(re.compile("road=True&sensitivity=True$" if on else "methods=gradcam$"))
        settle(page)
        expect(road).to_be_checked(checked=on)
        expect(noise).to_be_checked(checked=on)


def test_columns_are_known_by_name_over_a_slow_network(page: Page) -> None:
    hear_late(page, 400)
    opened(page, f"{CAT}&methods=gradcam,gradcampp,layercam,saliency", 4)
    stages(page).evaluate_all(
        """stages => {
          for (const number of [0, 0, 1]) { // of the columns as they were: twice, since nothing seems to happen
            stages[number].focus()
            stages[number].dispatchEvent(new KeyboardEvent("keydown", { key: "Delete", bubbles: true }))
          }
        }"""
    )
    settle(page)
    expect(page).to_have_url(re.compile("methods=layercam%2Csaliency$"))
    expect(stages(page)).to_have_count(2)


def test_what_was_removed_comes_back(page: Page) -> None:
    opened(page, f"{CAT}&methods=gradcam,saliency", 2)
    stages(page).first.focus()
    page.keyboard.press("Delete")
    expect(stages(page)).to_have_count(1)
    settle(page)
    page.get_by_role("button", name=re.compile("^Undo")).click()
    expect(stages(page)).to_have_count(2)
    expect(page.get_by_role("button", name="Grad-CAM", exact=True)).to_be_visible()


def test_slow_methods_show_progress_and_can_be_stopped(page: Page) -> None:
    opened(page, f"{CAT}&methods=gradcam", 1)
    page.get_by_role("button", name="Add a method").click()
    page.get_by_role("menuitem", name=re.compile("^RISE")).click()
    running = page.locator("figure.cell[data-state='running']")
    expect(running).to_have_count(1)
    running.get_by_role("button", name="Stop").click()
    stopped = page.locator("figure.cell[data-state='stopped']")
    expect(stopped).to_have_count(1)
    stopped.get_by_role("button", name="Resume").click()
    expect(running).to_have_count(1)
    page.get_by_role("button", name=re.compile("^Stop")).first.click()
    expect(stopped).to_have_count(1)


def test_what_is_brushed_over_is_a_row_of_its_own(page: Page) -> None:
    opened(page, f"{CAT}&methods=gradcam", 1)
    tool(page, "Hide a part")
    drag(page, stages(page).first, (0.4, 0.4), (0.6, 0.5))
    expect(page.locator("figure.cell[data-state='done']")).to_have_count(2)
    expect(page.get_by_text(re.compile("Brushed over")).first).to_be_visible()


def test_sixteen_cells_stay_responsive(page: Page) -> None:
    rows = ",".join(f"wanted:{number}" for number in (281, 282, 285))
    opened(page, f"{CAT}&methods=gradcam,gradcampp,layercam,saliency&rows={rows}", 16)
    stages(page).first.hover()
    started = time.perf_counter()
    stages(page).nth(5).hover()
    expect(page.locator(".read:not(:empty)")).to_have_count(16)
    assert time.perf_counter() - started < 10
    started = time.perf_counter()
    tool(page, "Slider")
    assert time.perf_counter() - started < 20
    shoot(page, "compare-sixteen")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_never_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, f"{CAT}&methods=fixations,gradcam,saliency", 3)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shoot(page, f"compare-{width}")
