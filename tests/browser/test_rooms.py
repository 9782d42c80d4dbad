"""A class in real browsers: a desk, a board, and phones, each with cookies of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cnnfix_ui.rooms.codes import LETTERS
from tests.browser.browsing import ROOT, profile, serve, settle, shoot

LESSONS = ROOT / "tests" / "rooms" / "lessons"
WEB = ROOT / "cnnfix_ui" / "rooms" / "web"
LOOK_UP = "Look up!"
# What is set in type below 24 px, that inside of components too; but not of the numbers on taps.
SMALL_TYPE = """() => {
  const inside = (node) => [node, ...(node.shadowRoot?.querySelectorAll("*") ?? [])]
  const hasText = (node) => [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim())
  return [...document.body.querySelectorAll("*")].flatMap(inside).filter((node) => node.checkVisibility())
    .filter((node) => hasText(node) && !node.matches("style, script, noscript, .place, [href='#stMain']"))
    .filter((node) => parseFloat(getComputedStyle(node).fontSize) < 24).map((node) => node.outerHTML.slice(0, 200))
}"""


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(ROOT / "app.py", tmp_path_factory.mktemp("school") / "log", CNNFIX_LESSONS=str(LESSONS)) as address:
        yield address


@pytest.fixture
def device(school: str, browser: Browser) -> Iterator[Callable[..., Page]]:
    """`device(width)`: a page of a browser with cookies of its own."""
    contexts, troubles = [], []

    def device(width: int = 390, height: int = 700) -> Page:
        context = profile(browser, school)
        contexts.append(context)
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.on("pageerror", lambda error: troubles.append(str(error)))
        return page

    yield device
    for context in contexts:
        context.close()
    assert not troubles


class Class:
    """A desk with its room, and a board."""

    def __init__(self, device: Callable[..., Page], nicknames: bool = False) -> None:
        self.desk, self.board = device(1400, 900), device(1400, 900)
        self.desk.goto("/room?begin=short")
        if nicknames:
            self.desk.get_by_text("Pupils may take a nickname").click()
            settle(self.desk)
        self.desk.get_by_role("button", name="Open a room").click()
        self.code = self.desk.locator(".room-code").inner_text()
        self.board.goto("/" + str(self.desk.get_by_role("link", name="Open the board").get_attribute("href")))
        expect(self.board.locator(".counts")).to_contain_text("Nobody is in yet")

    def press(self, name: str) -> None:
        """Do what comes next, which is called so, with a clicker."""
        expect(self.desk.get_by_role("button", name=name, exact=True)).to_be_visible()
        self.desk.keyboard.press("PageDown")
        expect(self.desk.get_by_role("button", name=name, exact=True)).to_have_count(0)

    def to_question(self) -> None:
        """Open the answers of the second step, which asks for taps."""
        for name in ("Start the lesson", "Next step", "Open answers"):
            self.press(name)


def join(page: Page, code: str) -> Page:
    page.goto(f"/room?code={code}")
    expect(page.get_by_text("You are in.").or_(page.get_by_text(LOOK_UP)).first).to_be_visible()
    return page


def picture(page: Page) -> Locator:
    return page.get_by_role("application")


def tap(page: Page, *places: tuple[float, float]) -> None:
    box = picture(page).bounding_box()
    assert box
    for x, y in places:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def answer(page: Page, *places: tuple[float, float]) -> None:
    expect(picture(page)).to_be_visible()
    tap(page, *places)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("button", name="Sent. You can still change it")).to_be_visible()


def expect_one_screen(page: Page) -> None:
    """Nothing must be scrolled to."""
    size = page.viewport_size
    assert size
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    main = page.get_by_test_id("stMain")
    assert main.evaluate("node => node.scrollHeight - node.clientHeight") <= 1


@pytest.mark.slow
def test_a_class_of_three(device: Callable[..., Page]) -> None:
    course = Class(device)
    first, reloading = (join(device(), course.code.lower()) for _ in range(2))
    expect(course.board.locator(".counts")).to_contain_text("2 phones are in")
    expect(first.get_by_role("button")).to_have_count(0)  # no menu, nothing to press
    course.to_question()
    expect_one_screen(first)
    answer(first, (0.3, 0.4), (0.5, 0.5))
    expect_one_screen(first)
    shoot(first, "room-phone-sent")
    answer(reloading, (0.2, 0.4))
    expect(course.desk.locator(".count")).to_have_text("2 of 2 answered")
    reloading.reload()
    expect(reloading.locator(".place")).to_have_count(1)  # the answer that was given
    reloading.goto("/room")  # the tab was closed: the code again, on the same phone
    reloading.get_by_label("Code").fill(course.code)
    reloading.get_by_role("button", name="Join").click()
    expect(reloading.locator(".place")).to_have_count(1)
    late = device()
    late.goto(f"/room?code={course.code}")
    answer(late, (0.6, 0.5))
    expect(course.desk.locator(".count")).to_have_text("3 of 3 answered")
    tap(first, (0.7, 0.7))
    first.get_by_role("button", name="Send again").click()
    expect(first.get_by_role("button", name="Sent. You can still change it")).to_be_visible()
    course.press("Close answers")
    expect(first.get_by_text("Answers are closed. Look up!")).to_be_visible()
    course.press("Reveal")
    expect(first.get_by_text(re.compile("of your 3 taps w.* on its evidence"))).to_be_visible()
    expect(late.get_by_text(re.compile("Your tap was .*on its evidence"))).to_be_visible()
    for page in (first, course.board):
        expect(page.get_by_text("5 answers make a map of the class; there are 3.")).to_be_visible()
    expect(course.board.get_by_text("The class", exact=True)).to_have_count(0)
    with course.desk.expect_download() as download:
        course.desk.get_by_text("Download the answers, without names").click()
        course.desk.get_by_role("button", name="CSV").click()
    rows = Path(download.value.path()).read_text("utf-8").splitlines()
    assert rows[0] == "step,title,kind,answer,text,x,y"
    assert len(rows) == 1 + 5  # three taps, one, one
    course.desk.get_by_role("button", name="End and erase").click()
    course.desk.get_by_role("button", name="End and erase").last.click()
    for page in (first, course.board, course.desk):
        expect(page.get_by_text("This class has ended.")).to_be_visible()
    reloading.reload()
    expect(reloading.get_by_text("This class has ended.")).to_be_visible()
    expect(course.desk.get_by_role("button", name="Open a room")).to_be_visible()  # starts again


@pytest.mark.slow
def test_a_class_without_phones(device: Callable[..., Page]) -> None:
    course = Class(device)
    course.to_question()
    expect(picture(course.board)).to_be_visible()
    tap(course.board, (0.2, 0.4), (0.4, 0.4))
    expect(course.board.locator(".counts")).to_contain_text("1 of 1 answered")
    course.press("Close answers")
    course.press("Reveal")
    expect(course.board.get_by_text("The class", exact=True)).to_be_visible()
    expect(course.board.get_by_text(re.compile("agree .* of 100"))).to_be_visible()
    assert course.board.evaluate(SMALL_TYPE) == []


@pytest.mark.slow
def test_only_the_desk_steers(device: Callable[..., Page]) -> None:
    course = Class(device)
    desk_address = course.desk.url
    stranger = device()
    stranger.goto(f"/room?board={course.code}")
    expect(stranger.get_by_text("This class has ended.")).to_be_visible()
    stranger.goto(f"/room?desk={course.code}")
    expect(stranger.get_by_text("This class has ended.")).to_be_visible()
    refused = stranger.get_by_role("alert")
    for one, other in product(LETTERS, "FGH"):  # on a slow machine more than 20, since tries come back
        stranger.goto(f"/room?code=BCD{one}{other}")
        expect(refused).to_be_visible()
        if "Too many" in refused.inner_text():
            break
    expect(refused).to_contain_text("Too many wrong codes")
    join(device(), course.code)  # others come in
    course.desk.get_by_text("Lock room").click()
    expect(course.board.locator(".qr")).to_have_count(0)
    locked_out = device()
    locked_out.goto(f"/room?code={course.code}")
    expect(locked_out.get_by_text("The room is locked")).to_be_visible()
    course.desk.get_by_text("Hide the board").click()
    expect(course.board.locator(".board")).to_have_class("board hidden")
    course.desk.close()
    again = device(1400, 900)
    again.goto(desk_address)  # on another machine
    expect(again.get_by_role("button", name="Start the lesson")).to_be_visible()
    again.get_by_text("Phones in the room").click()
    again.get_by_role("button", name="Remove").click()
    expect(again.get_by_text("Nobody yet.")).to_be_visible()


@pytest.mark.slow
def test_nicknames(device: Callable[..., Page]) -> None:
    course = Class(device, nicknames=True)
    page = device()
    page.goto(f"/room?code={course.code}")
    page.get_by_label("Nickname").fill("<b>Mia</b>")
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("alert")).to_contain_text("letters and digits")
    page.get_by_label("Nickname").fill("Mia")
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("You are in.")).to_be_visible()
    course.desk.get_by_text("Phones in the room").click()
    expect(course.desk.get_by_text("Mia", exact=True)).to_be_visible()


def test_a_page_that_is_slow_is_asked_ever_more_rarely(browser: Browser) -> None:
    """Streamlit begins a page anew when it is asked again: asked every four seconds, a slow one never ended."""
    page = browser.new_page()
    page.add_script_tag(content=(WEB / "watching.js").read_text("utf-8").replace("export function", "function"))
    found = page.evaluate(
        """async () => {
          let now = 1e6
          const told = []
          Date.now = () => now
          window.fetch = async () => new Response('{"version": "2", "seconds": 1}')
          const root = { isConnected: false }
          const run = (version) => watchRoom(root, { key: "k", version }, () => told.push(now), () => {}, {})
          const wait = async (seconds) => { for (; seconds; seconds--) { now += 1000; await once(root) } }
          run("1")
          await wait(60)
          const slow = told.splice(0).length
          run("2")
          await wait(10)
          return [slow, told.length]
        }"""
    )
    page.close()
    assert found == [4, 0]


@pytest.mark.slow
def test_after_a_restart(browser: Browser, tmp_path: Path) -> None:
    """A server that does not know the room: its pages say so, and the lesson can start again where it was."""
    with serve(ROOT / "app.py", tmp_path / "log", CNNFIX_LESSONS=str(LESSONS)) as address:
        page = profile(browser, address).new_page()
        page.goto("/room?code=BCDFG&me=abcdefghijklmnopqrstuv")
        expect(page.get_by_text("This class has ended.")).to_be_visible()
        page.goto("/room?desk=abcdefghijklmnopqrstuv&begin=short.3")
        expect(page.get_by_text("This class has ended.")).to_be_visible()
        page.get_by_role("button", name="Open a room").click()
        expect(page.locator(".room-code")).to_be_visible()
        page.get_by_role("button", name="Start the lesson").click()
        expect(page.get_by_role("heading", name="How sure is it that this is an Egyptian cat?")).to_be_visible()
        page.context.close()
