"""The whole way of a visitor through Backtrack, with the network and the sample pictures that come with it."""

import io
import json
import re
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, WebSocket, expect

from tests.browser.browsing import settle, shoot
from tests.browser.test_backtrack_component import at, points, slider, stage

# Of the points drawn at the picture: how much of each one's evidence is on the line, 0 to 255.
LIT = "() => [...atob(Object.values(window.cnnfixAnswer.lit).at(-1))].map((letter) => letter.charCodeAt(0))"
CONTRAST = "Contrast with other classes"  # ends the operations behind the last block
END = re.compile(r"^step (\d+) of \1: ")
# Counts the milliseconds from the next key press until the hop panel speaks of another layer.
TIME_A_STEP = """hop => {
  const heading = () => hop.querySelector(".hop-head").textContent; // another node each time
  const before = heading();
  window.addEventListener("keydown", () => {
    const began = performance.now();
    const look = () => {
      if (heading() === before) requestAnimationFrame(look);
      else window.stepTook = performance.now() - began;
    };
    look();
  }, { once: true, capture: true });
}"""

Visit = Callable[..., Page]


@pytest.fixture
def visit(server: str, new_page: Visit) -> Visit:
    """`visit("picture=cat", width=..., dark=...)`: the page with this in its address, when it has come to rest."""

    def visit(query: str = "", **look: object) -> Page:
        page = new_page(server, **look)
        page.goto(f"/backtrack?{query}")
        settle(page)
        expect(slider(page)).to_be_visible()
        return page

    return visit


def press(page: Page, *keys: str) -> None:
    """Press keys on the path, and wait for the hop panel."""
    page.locator(".rail [aria-current]").focus()
    for key in keys:
        page.keyboard.press(key)
    rest(page)


def rest(page: Page) -> None:
    settle(page)
    expect(page.locator(".hop")).to_have_attribute("aria-busy", "false")


def keep(page: Page, name: str) -> None:
    """A screenshot of all that there is to scroll to."""
    height = page.get_by_test_id("stMain").evaluate("node => node.scrollHeight")
    width = page.evaluate("window.innerWidth")
    page.set_viewport_size({"width": width, "height": height})
    page.mouse.move(0, 0)
    settle(page)
    shoot(page, name)


def layer(page: Page) -> str:
    """The layer that the hop panel speaks of: what the network's code calls it, or its kind."""
    head = page.locator(".hop-head")
    return head.locator(".own").text_content() or head.locator("h3").text_content() or ""


def follows(page: Page, words: str | re.Pattern[str]) -> None:
    expect(page.locator(".followed")).to_have_text(words)


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def step_size(text: str) -> float:
    """What the last of the displayed digits stands for."""
    return 10.0 ** -len(text.partition(".")[2])


def operands(page: Page) -> list[tuple[str, float, float]]:
    """Of the equation: the words under each number, the number with its sign, and what its last digit stands for."""
    found = []
    for piece in page.locator(".hop-equation .hop-operand").all():
        shown, label = piece.locator("b").inner_text(), piece.locator("small").inner_text()
        minus = piece.locator(".hop-sign").filter(has_text="−").count()
        found.append((label, (-1 if minus else 1) * number(shown), step_size(shown)))
    return found


def assert_adds_up(page: Page) -> list[str]:
    """The numbers before the last add up to it, as far as the displayed digits go; returns their names."""
    parts = operands(page)
    *summands, (_, value, _) = parts
    tolerance = sum(digit for _, _, digit in parts) / 2
    assert len(summands) > 1
    assert abs(value) > 2 * tolerance
    assert abs(sum(shown for _, shown, _ in summands) - value) <= tolerance * 1.001
    return [label for label, _, _ in parts]


def numbers(page: Page, table: str) -> list[tuple[float, float] | None]:
    """The cells of a table: number and what its last digit stands for; None outside the picture."""
    texts = page.get_by_role("grid", name=table).get_by_role("gridcell").all_text_contents()
    return [(number(text), step_size(text)) if text else None for text in texts]


def assert_multiplies(page: Page) -> int:
    """Each cell of the product is input times filter, as far as the displayed digits go; how many are not 0."""
    products = 0
    for left, right, both in zip(*(numbers(page, table) for table in ("Input", "Filter", "Product")), strict=True):
        if left is None or both is None:
            assert left is both is None
            continue
        assert right is not None
        (a, a_digit), (b, b_digit), (product, digit) = left, right, both
        tolerance = (digit + abs(a) * b_digit + abs(b) * a_digit + a_digit * b_digit) / 2
        assert abs(a * b - product) <= tolerance * 1.001
        products += product != 0
    return products


def assert_reads_a_product(sentence: str) -> None:
    a, b, product = re.findall(r"−?\d+(?:\.\d+)?", sentence.split(": ")[1])[:3]
    assert number(a) * number(b) == pytest.approx(number(product), rel=0.012)  # three digits each


def test_plays_from_the_score_to_the_picture(visit: Visit) -> None:
    page = visit()
    expect(page.get_by_role("heading", name="Why “African chameleon”?", exact=True)).to_be_visible()
    at(page, re.compile("^step 1 of .*classifier$"))
    one = points(page)
    page.get_by_role("radio", name="Fast").check()
    page.get_by_role("button", name="Play", exact=True).click()
    at(page, re.compile("^step 1[0-9] of "))
    assert "step=" not in page.url  # Python is not asked on the way
    expect(slider(page)).to_have_attribute("aria-valuetext", END)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    rest(page)
    assert layer(page) == "Picture"
    assert points(page)["spread"] > one["spread"] + 0.3
    end = page.url
    assert re.search(r"[?&]step=\d+", end)
    page.get_by_role("button", name="To the score").click()
    rest(page)
    assert layer(page) == "classifier"
    assert "step=" not in page.url
    press(page, "End")
    assert page.url == end


def test_it_ends_with_the_map_and_leads_to_compare(visit: Visit) -> None:
    page = visit("picture=cat&class=285&step=144")
    last = page.locator(".stage .last")
    expect(page.get_by_role("button", name="Now compare")).to_be_hidden()
    expect(last).to_have_css("opacity", "0")
    page.keyboard.press("Space")
    expect(slider(page)).to_have_attribute("aria-valuetext", END)
    expect(last).to_have_css("opacity", "0.85")
    expect(page.get_by_text("darkest to brightest")).to_be_visible()
    expect(page.locator(".photo")).to_have_css("filter", "none")  # in the picture's own colours
    keep(page, "real-end")
    page.get_by_role("button", name="Final map").click()
    expect(last).to_have_css("opacity", "0")
    page.get_by_role("button", name="Final map").click()
    page.get_by_role("button", name="Play again").click()
    at(page, re.compile("^step [1-9] of "))
    page.keyboard.press("End")
    page.get_by_role("button", name="Now compare").click()
    page.wait_for_url(re.compile("/compare"))
    settle(page)
    expect(page).to_have_url(re.compile("picture=cat"))
    expect(page).to_have_url(re.compile("class=285"))


def test_an_audience_sees_picture_and_player_in_one_screen(visit: Visit) -> None:
    usual = grid_type(visit("step=146", height=720))
    page = visit("step=146&display=presenter", height=720)
    for part in (
        stage(page),
        page.get_by_role("button", name="Play", exact=True),
        page.locator(".where"),
        page.locator(".hop-question"),
    ):
        expect(part).to_be_in_viewport(ratio=1)
    assert grid_type(page) > usual
    expect(page.locator(".grid-cells.bare")).to_have_count(0)
    box = stage(page).bounding_box()
    assert box
    assert box["height"] > 250


def grid_type(page: Page) -> float:
    """The size of the numbers in the grids, in CSS pixels."""
    rest(page)
    sizes: list[float] = page.locator(".grid-cell").evaluate_all(
        "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))"
    )
    return min(sizes)


def test_no_type_is_too_small_to_read(visit: Visit) -> None:
    page = visit("step=146&both=True")
    rest(page)
    small = page.locator(".playback").evaluate(
        """root => [...root.querySelectorAll("*")]
            .filter(node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim()))
            .filter(node => parseFloat(getComputedStyle(node).fontSize) < 13 && !node.closest(".bare"))
            .map(node => node.textContent)"""
    )
    assert small == []


def test_steps_by_keyboard_and_opens_a_block(visit: Visit) -> None:
    page = visit()
    for key, name in [("ArrowRight", CONTRAST), ("ArrowRight", "blocks.6.0.bn3"), ("ArrowLeft", CONTRAST)]:
        press(page, key)
        assert layer(page) == name
        at(page, re.compile(f"{re.escape(name)}$"))
        expect(page.locator(".where .full strong, .where .own").last).to_have_text(name)
    expect(page.locator(".hop-question")).to_have_text(re.compile(r"^Why is channel \d+ at row \d, column \d high\?$"))
    closed = int(slider(page).get_attribute("max") or 0)
    press(page, "ArrowRight")
    page.get_by_role("button", name="Open block 17").click()
    assert int(slider(page).get_attribute("max") or 0) > closed
    press(page, "ArrowDown")
    assert layer(page) == "blocks.6.0.conv_pwl"
    expect(page.locator(".where")).to_contain_text("Convolution")
    press(page, "ArrowDown", "ArrowDown", "ArrowDown")
    assert layer(page) == "blocks.6.0.conv_dw"
    press(page, "ArrowUp")  # closed at its output
    assert layer(page) == "blocks.6.0.bn3"
    press(page, "Enter")
    expect(page.get_by_role("button", name="Open block 17")).to_be_visible()
    assert int(slider(page).get_attribute("max") or 0) == closed
    # Where a decision points is a step within the next block, which opens.
    page.locator(".hop-go").first.click()
    rest(page)
    assert layer(page) == "blocks.6.0.conv_pwl"


def test_follows_a_fixation_up(visit: Visit) -> None:
    page = visit()
    press(page, "ArrowRight")
    early = points(page)["count"]
    press(page, "End")
    everything = points(page)["count"]
    stage(page).focus()
    page.keyboard.press("ArrowDown")  # the strongest
    words = page.locator(".words")
    expect(words).to_have_text(re.compile(r"^Row \d+, column \d+ of \d+: .* % of the evidence\.$"))
    row, column = re.findall(r"\d+", words.inner_text())[:2]
    page.keyboard.press("Enter")
    rest(page)
    follows(
        page,
        re.compile(
            rf"^Following .* at row {row}, column {column} of the picture\. It holds [\d.]+ % of the evidence\.$"
        ),
    )
    assert f"{row}.{column}" in page.url
    expect(page.locator(".hop-element").first).to_contain_text(f"at row {row}, column {column}")
    assert 0 < points(page)["count"] < everything / 4
    press(page, "Home", "ArrowRight")
    follows(page, re.compile(rf"^Following .* at row {row}, column {column} of "))
    assert layer(page) == CONTRAST
    assert page.locator(".hop-element").count() > 1
    expect(page.locator(".hop-question")).to_be_visible()
    assert 0 < points(page)["count"] < early
    keep(page, "real-following-up")
    press(page, "Home")
    expect(page.locator(".hop-question")).to_have_text("Why is the score of “African chameleon” high?")
    press(page, "Escape")
    follows(page, re.compile("^Choose a point"))
    expect(page).not_to_have_url(re.compile("chosen"))


def test_follows_a_channel_down(visit: Visit) -> None:
    page = visit("step=14")
    assert layer(page) == "blocks.5.3"
    maps = page.get_by_role("group", name="The strongest channels of blocks.5.3").get_by_role("button")
    channel = maps.nth(1).inner_text().split()[1]
    maps.nth(1).click()
    rest(page)
    pixels = re.compile(
        rf"^Following channel {channel} of blocks\.5\.3\. It holds [\d.]+ % of the evidence; "
        r"[\d.]+ % reached ([\d,]+) pixels? through it\.$"
    )
    follows(page, pixels)
    expect(page.locator(".laid")).to_have_text(f"channel {channel} of blocks.5.3")
    expect(page.get_by_role("button", name=f"channel {channel} ", pressed=True)).to_be_visible()
    keep(page, "real-channel")
    before = page.locator(".followed").inner_text()
    press(page, "End")
    follows(page, before)
    assert layer(page) == "Picture"
    assert points(page)["count"] > 0
    lit = page.evaluate(LIT)
    reached = pixels.match(before)
    assert reached
    assert 0 < sum(share > 0 for share in lit) <= number(reached[1])
    assert sum(lit) < 255 * len(lit) / 2  # most of the evidence came another way
    keep(page, "real-channel-pixels")


def test_the_address_restores_step_and_choice(visit: Visit) -> None:
    page = visit("picture=cat&class=281")
    press(page, "ArrowRight", "ArrowRight", "ArrowRight")
    first = (page.url, layer(page))
    page.locator(".hop-element").nth(1).click()
    rest(page)
    chosen = page.locator(".hop-question").inner_text()
    press(page, "ArrowRight")
    words, second = page.locator(".followed").inner_text(), (page.url, layer(page))
    assert words.startswith("Following channel")
    assert "chosen=" in page.url
    page.reload()
    rest(page)
    assert (page.url, layer(page)) == second
    expect(page.get_by_role("heading", name="Why “tabby”?")).to_be_visible()
    follows(page, words)
    page.go_back()
    rest(page)
    assert layer(page) == first[1]
    expect(page.locator(".where .own")).to_have_text(first[1])
    expect(page.locator(".hop-question")).to_have_text(chosen)
    page.go_back()
    rest(page)
    assert (page.url, layer(page)) == first
    follows(page, re.compile("^Choose a point"))
    page.go_forward()
    rest(page)
    follows(page, words)
    opened = page.url
    press(page, "ArrowRight")
    assert page.url != opened


def test_the_numbers_are_right(visit: Visit) -> None:
    page = visit()
    labels = assert_adds_up(page)
    assert "bias" in labels
    assert any(label.startswith("the other") for label in labels)
    # The first convolution: three channels, 3 × 3 each.
    press(page, "End", "ArrowLeft", "Enter", "ArrowDown", "ArrowDown")
    assert layer(page) == "conv_stem"
    assert assert_multiplies(page) > 2
    shown = page.locator(".hop-equation").inner_text()
    assert "the other 2 channels" in shown
    assert_adds_up(page)
    assert operands(page)[0][1] == pytest.approx(
        number(page.locator(".grid-sum b").inner_text()), abs=operands(page)[0][2]
    )
    page.get_by_role("grid", name="Product").locator('[tabindex="0"]').focus()
    assert_reads_a_product(page.locator(".grid-reading").inner_text())
    keep(page, "real-window")
    # Another element, the same arithmetic.
    page.locator(".hop-element").nth(3).click()
    rest(page)
    assert assert_multiplies(page) > 2
    assert_adds_up(page)
    # Over one channel alone there is nothing beside the sum.
    page.get_by_role("button", name="Stop following").click()
    press(page, "Home", "ArrowRight", "ArrowRight", "Enter", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown")
    assert layer(page) == "blocks.6.0.conv_dw"
    assert assert_multiplies(page) > 2
    (_, total, digit), (_, value, _) = operands(page)
    assert total == pytest.approx(value, abs=digit)


def test_both_methods_side_by_side(visit: Visit) -> None:
    page = visit("both=True", height=1000)
    expect(page.get_by_role("application")).to_have_count(2)
    for number_, title in enumerate(("Our method", "The 2019 paper")):
        expect(page.locator("figure.walk figcaption").nth(number_)).to_have_text(title)
    part = page.locator(".part")
    expect(part).to_contain_text(re.compile(r"The two walks diverge at Block \d+: less than half of their evidence"))
    name = part.inner_text().split("diverge at ")[1].split(":")[0]
    part.get_by_role("button", name="Go there").click()
    rest(page)
    expect(page.locator(".where .kind")).to_contain_text(name)
    expect(page.get_by_role("treeitem", name=re.compile("the walks diverge here"))).to_be_visible()
    canvases = page.locator("canvas.points")
    assert canvases.nth(0).screenshot() != canvases.nth(1).screenshot()
    keep(page, "real-both")


@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits(visit: Visit, width: int) -> None:
    page = visit("picture=cat-and-dog&step=9", width=width, height=900)
    backgrounds = set()
    for look, more in [("light", ""), ("dark", "&both=True"), ("light", "&display=presenter")]:
        if more:
            page.emulate_media(color_scheme="dark" if look == "dark" else "light")
            page.goto(f"/backtrack?picture=cat-and-dog&step=9{more}")
        assert_fits(page, width)
        backgrounds.add(page.get_by_test_id("stApp").evaluate("node => getComputedStyle(node).backgroundColor"))
        keep(page, f"real-{width}-{'presented' if 'display' in more else look}")
        page.set_viewport_size({"width": width, "height": 900})
    assert len(backgrounds) == 2


def assert_fits(page: Page, width: int) -> None:
    rest(page)
    expect(page.locator(".maps-one").first).to_be_visible()
    assert page.get_by_test_id("stMain").evaluate("node => node.scrollWidth - node.clientWidth") <= 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    parts: list[Locator] = [*page.get_by_role("application").all(), page.locator(".hop"), page.locator(".maps")]
    for part in [*parts, page.locator(".transport"), page.locator(".look")]:
        box = part.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["width"] > 250


def download(page: Page, button: str) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def test_downloads(visit: Visit) -> None:
    page = visit("step=5")
    name, content = download(page, "This step")
    assert name.endswith(".png")
    assert content.startswith(b"\x89PNG")
    assert min(Image.open(io.BytesIO(content)).size) > 200
    name, content = download(page, "Animation")
    assert name.endswith(".gif")
    assert content.startswith(b"GIF89a")
    assert Image.open(io.BytesIO(content)).n_frames > 10  # type: ignore[attr-defined]  # a GIF's
    name, content = download(page, "Whole walk")
    assert name.endswith(".json")
    assert isinstance(json.loads(content), dict)


def test_a_step_is_answered_quickly_and_with_little(server: str, new_page: Visit) -> None:
    page = new_page(server)
    received: list[int] = []

    def count(payload: str | bytes) -> None:
        received.append(len(payload))

    def listen(websocket: WebSocket) -> None:
        websocket.on("framereceived", count)

    page.on("websocket", listen)
    page.goto("/backtrack?step=5")
    settle(page)
    assert sum(received) > 200_000  # the playback itself has been sent once
    page.locator(".rail [aria-current]").focus()
    times, sizes = [], []
    for _ in range(5):
        received.clear()
        page.locator(".hop").evaluate(TIME_A_STEP)
        page.keyboard.press("ArrowRight")
        page.wait_for_function("window.stepTook")
        times.append(page.evaluate("const took = window.stepTook; window.stepTook = 0; took") / 1000)
        rest(page)
        sizes.append(sum(received))
    print("seconds a step:", [round(time, 2) for time in times], "bytes a step:", sizes)
    assert sorted(times)[2] < 2  # one may be held up by others on the machine
    assert min(sizes) > 0
    assert max(sizes) < 200_000


def test_explore_leads_here(page: Page) -> None:
    page.goto("/?picture=coffee&class=504")
    settle(page)
    page.get_by_role("link", name="Step back through the layers").click()
    page.wait_for_url(re.compile("/backtrack"))
    settle(page)
    expect(page.get_by_role("heading", name="Why “coffee mug”?", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("picture=coffee"))
    expect(page).to_have_url(re.compile("class=504"))
    at(page, re.compile("^step 1 of "))
    expect(page.locator(".hop-question")).to_have_text("Why is the score of “coffee mug” high?")
