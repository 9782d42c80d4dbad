import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.browsing import settle, shoot

DEMO = "backtrack_demo.py"

# How many points' pixels there are, from which to which column, by colour: cyan is a point's, or its part on the line.
POINTS = """canvas => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  let [count, left, right] = [0, width, 0];
  for (let n = 0; n < data.length; n += 4) {
    if (data[n] > 60 || data[n + 1] < 180 || data[n + 2] < 200 || data[n + 3] < 200) continue;
    const column = (n / 4) % width;
    count++;
    left = Math.min(left, column);
    right = Math.max(right, column);
  }
  return { count, spread: (right - left) / width };
}"""
# What POINTS says of each frame from a click until the time is over.
FRAMES = f"""async ([canvas, button, time]) => {{
  const look = {POINTS};
  const seen = [look(canvas)];
  const end = performance.now() + time;
  button.click();
  while (performance.now() < end) {{
    await new Promise(requestAnimationFrame);
    seen.push(look(canvas));
  }}
  return seen;
}}"""


@pytest.fixture
def visit(demo: str, new_page: Callable[..., Page]) -> Callable[..., Page]:
    def visit(query: str = "", moving: bool = False, **options: object) -> Page:
        page = new_page(demo, **options)
        if moving:
            page.emulate_media(reduced_motion="no-preference")
        page.goto(f"/?{query}")
        settle(page)
        expect(slider(page)).to_be_visible()
        return page

    return visit


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Step")


def at(page: Page, words: str | re.Pattern[str]) -> None:
    """Expect a step: "step 3 of 12: layer4.8.relu_2", whose kind of layer is named before it."""
    if isinstance(words, str):
        number, _, name = words.partition(": ")
        words = re.compile(rf"^{number}: (.*, )?{re.escape(name)}$")
    expect(slider(page)).to_have_attribute("aria-valuetext", words)


def stage(page: Page, number: int = 0) -> Locator:
    return page.get_by_role("application").nth(number)


def points(page: Page) -> dict[str, float]:
    found: dict[str, float] = page.locator("canvas.points").first.evaluate(POINTS)
    return found


def frames(page: Page, button: str, time: int = 1500) -> list[dict[str, float]]:
    handles = [
        page.locator("canvas.points").first.element_handle(),
        page.get_by_role("button", name=button, exact=button == "Play").element_handle(),
    ]
    found: list[dict[str, float]] = page.evaluate(FRAMES, [*handles, time])
    return found


def block(page: Page, name: str) -> Locator:
    return page.get_by_role("treeitem", name=re.compile(rf"^{re.escape(name)}, .*steps?,|^{re.escape(name)},")).first


def runs(page: Page, script: int, fragment: int) -> None:
    settle(page)
    expect(page.get_by_text(f"Script runs: {script}.")).to_be_visible()
    expect(page.get_by_text(f"Fragment runs: {fragment}.")).to_be_visible()


def test_points_move_and_split(visit: Callable[..., Page]) -> None:
    page = visit("step=1", moving=True, height=1400)
    one = points(page)
    spreads = [frame["spread"] for frame in frames(page, "One step forward, towards the picture")]
    many = points(page)
    at(page, "step 3 of 12: layer4.8.relu_2")
    assert 2 * one["spread"] < many["spread"]
    assert spreads[-1] == many["spread"]
    between = [spread for spread in spreads if one["spread"] + 0.02 < spread < many["spread"] - 0.02]
    assert len(set(between)) >= 2  # more on a computer that does nothing else
    assert spreads == sorted(spreads)  # further apart from frame to frame
    back = [frame["spread"] for frame in frames(page, "One step back, towards the score")]
    assert back == sorted(back, reverse=True)
    assert points(page) == one


def test_plays_to_the_picture_without_python(visit: Callable[..., Page]) -> None:
    page = visit(moving=True)
    page.get_by_role("radio", name="Fast").check()
    seen = frames(page, "Play", 1500)
    assert len({frame["spread"] for frame in seen}) > 5  # a busy machine draws few frames
    at(page, re.compile(r"step [3-9] of 12"))
    runs(page, 1, 1)
    page.get_by_role("button", name="Pause").click()
    runs(page, 1, 2)  # one question when it stops, and the fragment alone answers
    page.keyboard.press("Space")
    at(page, "step 12 of 12: picture")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    runs(page, 1, 3)
    expect(page.get_by_text("Asked: step 70")).to_be_visible()


def test_without_motion_steps_change_at_once(visit: Callable[..., Page]) -> None:
    page = visit("step=1")
    seen = frames(page, "One step forward, towards the picture")
    assert len({frame["spread"] for frame in seen}) == 2
    page.get_by_role("button", name="Play", exact=True).click()
    at(page, "step 5 of 12: layer3.6.relu_2")  # it goes on all the same
    page.keyboard.press("Space")


def test_keyboard(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("treeitem", name="fc").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    at(page, "step 3 of 12: layer4.8.relu_2")
    expect(block(page, "layer4.8")).to_be_focused()
    page.keyboard.press("Enter")
    expect(block(page, "layer4.8")).to_have_attribute("aria-expanded", "true")
    at(page, "step 3 of 19: layer4.8.relu_2")
    page.keyboard.press("ArrowDown")
    at(page, "step 4 of 19: layer4.8.add")
    expect(page.get_by_role("treeitem", name="Sum of two branches, layer4.8.add")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    at(page, "step 3 of 19: layer4.8.relu_2")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("o")
    at(page, "step 3 of 12: layer4.8.relu_2")  # closed: back at its output
    page.keyboard.press("ArrowLeft")
    at(page, "step 2 of 12: avgpool")
    page.keyboard.press("End")
    at(page, "step 12 of 12: picture")
    page.keyboard.press("Home")
    at(page, "step 1 of 12: fc")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    settle(page)
    expect(page.get_by_text("Script runs: 1.")).to_be_visible()


def test_slider_steps_once_a_key(visit: Callable[..., Page]) -> None:
    page = visit()
    slider(page).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    at(page, "step 3 of 12: layer4.8.relu_2")
    page.keyboard.press("End")
    at(page, "step 12 of 12: picture")
    settle(page)
    expect(page.get_by_text("Asked: step 70")).to_be_visible()


def test_who_moves_on_is_not_waited_for(visit: Callable[..., Page]) -> None:
    page = visit()
    slider(page).evaluate(
        """slider => {
          for (const step of [3, 5, 11]) {
            slider.value = step
            slider.dispatchEvent(new Event("input", { bubbles: true }))
          }
        }"""
    )
    at(page, "step 12 of 12: picture")
    runs(page, 1, 2)  # one question at the end
    expect(page.get_by_text("Asked: step 70")).to_be_visible()


def test_a_block_opens_by_mouse(visit: Callable[..., Page]) -> None:
    page = visit()
    below = page.get_by_role("button", name="Play", exact=True)
    before = below.bounding_box()
    block(page, "layer4.7").locator(".toggle").click()
    expect(block(page, "layer4.7")).to_have_attribute("aria-expanded", "true")
    at(page, "step 1 of 19: fc")  # opening is not going there
    page.get_by_role("treeitem", name=re.compile("^Convolution 3 × 3, layer4.7.conv2,")).click()
    at(page, "step 7 of 19: layer4.7.conv2")
    assert below.bounding_box() == before
    page.get_by_role("button", name="Close layer4.7").click()
    at(page, "step 4 of 12: layer4.7.relu_2")
    block(page, "layer4.7").get_by_text("layer4.7").dblclick()
    expect(page.get_by_role("button", name="Close layer4.7")).to_be_visible()


def test_a_line_lights_up_and_goes_out(visit: Callable[..., Page]) -> None:
    page = visit("step=2")
    everything = points(page)
    stage(page).focus()
    page.keyboard.press("ArrowDown")  # the strongest point
    expect(page.get_by_text(re.compile(r"^Row \d, column \d of \d+: .* % of the evidence\."))).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Following the chosen place.")).to_be_visible()
    assert 0 < points(page)["count"] < everything["count"] / 2
    shoot(page, "backtrack-following")
    page.get_by_role("button", name="To the picture").click()
    settle(page)
    on_line = points(page)
    page.keyboard.press("Escape")
    expect(page.get_by_text("Choose a point")).to_be_visible()
    settle(page)
    assert 0 < on_line["count"] < points(page)["count"]
    assert on_line["spread"] < points(page)["spread"]
    page.get_by_role("button", name="To the score").click()
    settle(page)
    assert points(page)["count"] == 0
    expect(page.get_by_text("without a place in the picture")).to_be_visible()
    page.keyboard.press("ArrowRight")
    settle(page)
    box = stage(page).bounding_box()
    assert box
    stage(page).click()  # where the only point is
    expect(page.get_by_text("Following the chosen place.")).to_be_visible()
    page.keyboard.press("End")  # the playback's keys work after a click
    settle(page)
    at(page, "step 12 of 12: picture")
    stage(page).click(position={"x": 3, "y": box["height"] - 3})
    expect(page.get_by_text("Choose a point")).to_be_visible()
    settle(page)
    expect(page.get_by_text("Script runs: 1.")).to_be_visible()


def test_arrow_keys_go_from_place_to_place(visit: Callable[..., Page]) -> None:
    page = visit("step=2")
    stage(page).focus()
    read = page.locator(".words")
    places = []
    for key in ("ArrowDown", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
        places.append([int(number) for number in re.findall(r"(?:Row|column) (\d+)", read.inner_text())])
    assert places[1][1] > places[0][1]
    assert places[2][1] < places[1][1]
    at(page, "step 3 of 12: layer4.8.relu_2")


def test_receptive_fields(visit: Callable[..., Page]) -> None:
    page = visit("step=2")
    button = page.get_by_role("button", name="What each point can see", pressed=False)
    without = points(page)["count"]
    button.click()
    expect(page.get_by_role("button", name="What each point can see", pressed=True)).to_be_visible()
    assert points(page)["count"] > without
    shoot(page, "backtrack-fields")


def test_a_channel_over_the_photograph(visit: Callable[..., Page]) -> None:
    page = visit("step=2")
    page.get_by_role("button", name=re.compile("^channel 7 ")).click()
    settle(page)
    expect(page.locator(".stage canvas.map")).to_be_visible()
    expect(page.locator(".laid")).to_contain_text("channel 7")
    shoot(page, "backtrack-channel")
    page.get_by_role("button", name="One step forward").click()
    expect(page.locator(".stage canvas.map")).to_be_hidden()


def test_goes_where_a_decision_points(visit: Callable[..., Page]) -> None:
    page = visit("step=2")
    page.get_by_role("button", name="Go to channel 12 at row 1, column 1").click()
    at(page, "step 6 of 19: layer4.8.conv2")  # its block has opened


def test_python_may_move_the_playback(visit: Callable[..., Page]) -> None:
    page = visit("step=18")
    page.get_by_role("button", name="Python goes to step 2").click()
    at(page, re.compile(r"layer4.8.relu_2$"))
    runs(page, 1, 3)  # the button's two; the playback asks nothing
    page.get_by_role("button", name="One step forward").click()
    at(page, re.compile(r"layer4.7.relu_2$"))
    runs(page, 1, 4)


def test_another_playback_begins_anew(visit: Callable[..., Page]) -> None:
    page = visit("step=18")
    page.get_by_role("button", name="Another walk").click()
    settle(page)
    at(page, "step 1 of 12: fc")
    page.get_by_role("button", name="One step forward").click()
    settle(page)
    expect(page.get_by_text("Asked: step 1,")).to_be_visible()


def test_two_walks(visit: Callable[..., Page]) -> None:
    page = visit("walks=2&step=9", width=1280, height=1300)
    expect(page.get_by_role("application")).to_have_count(2)
    expect(page.locator(".absent").nth(1)).to_have_text("This walk does not pass through here.")
    expect(page.get_by_role("treeitem", name=re.compile("^layer4.7, .*the walks diverge here"))).to_be_visible()
    page.locator(".part").get_by_role("button", name="Go there").click()
    at(page, re.compile("layer4.7.bn2$"))
    expect(page.locator(".absent").nth(1)).to_be_hidden()
    settle(page)
    shoot(page, "backtrack-two-walks")


def test_the_keys_work_before_anything_has_the_focus(visit: Callable[..., Page]) -> None:
    page = visit()
    page.keyboard.press("ArrowRight")
    at(page, "step 2 of 12: avgpool")
    page.keyboard.press("ArrowLeft")
    at(page, "step 1 of 12: fc")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert page.get_by_test_id("stMain").evaluate("node => node.scrollTop") == 0
    page.keyboard.press("Space")
    page.get_by_role("button", name="Another walk").focus()
    page.keyboard.press("Space")  # a button keeps its key
    settle(page)
    expect(page.get_by_text("Script runs: 2.")).to_be_visible()


def test_while_it_plays_the_panel_says_what_happens(visit: Callable[..., Page]) -> None:
    page = visit("step=10")
    page.get_by_role("radio", name="Slow").check()
    page.get_by_role("button", name="Play", exact=True).click()
    hop = page.locator(".hop")
    expect(hop).to_contain_text("Pause to see the numbers behind a step.")
    expect(hop).to_contain_text("the evidence lies at")
    assert "waits" not in (hop.get_attribute("class") or "")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".hop-question")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_look(visit: Callable[..., Page], dark: bool, width: int) -> None:
    page = visit("walks=2&step=12", width=width, dark=dark)
    shoot(page, f"backtrack-{width}-{'dark' if dark else 'light'}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
    for button in page.get_by_role("group", name="Playback").get_by_role("button").all():
        box = button.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= (44 if width == 390 else 36)
        assert box["x"] + box["width"] <= width


def test_a_deep_network(visit: Callable[..., Page]) -> None:
    page = visit("blocks=60")
    expect(page.get_by_role("treeitem")).to_have_count(64)
    slider(page).focus()
    for key in ("End", "ArrowLeft", "ArrowLeft", "Home"):
        page.keyboard.press(key)
        expect(page.locator('[role="treeitem"][aria-current]')).to_be_in_viewport(ratio=1)
    assert page.evaluate("window.scrollY") == 0


def test_texts_are_texts(visit: Callable[..., Page]) -> None:
    page = visit("step=66")
    expect(page.get_by_text("Maximum of 3 × 3 <img src=x>").first).to_be_visible()
    expect(page.locator("img[src=x]")).to_have_count(0)


def test_the_relay_takes_no_room(visit: Callable[..., Page]) -> None:
    page = visit()
    relay = page.locator('[data-testid="stElementContainer"]:has(.cnnfix-relay)')
    box = relay.bounding_box()
    assert box
    assert box["height"] == 0
    assert relay.evaluate("node => getComputedStyle(node).position") == "absolute"  # so that no gap is left
