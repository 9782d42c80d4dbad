import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browsing import ROOT, serve, settle, shoot

HEADING = "Which pixels made the network say that?"
FOOT = "Everything is computed on the machine that serves this page"


def expect_frame(page: Page, heading: str = HEADING) -> None:
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.get_by_text(FOOT)).to_be_visible()
    expect(page.get_by_test_id("stHeaderLogo")).to_be_visible()
    expect(page.get_by_test_id("stMainMenu")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_title("CNN Fixations Explorer")


def test_cold_deep_link(cold_server: str, new_page: Callable[..., Page]) -> None:
    page = new_page(cold_server)
    page.goto("/?picture=cat&class=281&than=282&focus=sharp&show=density&opacity=50")
    settle(page)
    expect_frame(page)
    expect(page.get_by_role("heading", name="Why “tabby” rather than “tiger cat”?", exact=True)).to_be_visible()
    expect(page.get_by_role("radio", name="Cat", exact=True)).to_be_checked()
    assert float(page.locator(".overlays").first.evaluate("node => getComputedStyle(node).opacity")) == 0.5


def test_the_first_page_has_its_name_too(page: Page) -> None:
    page.goto("/explore?picture=cat&class=281")
    expect(page).to_have_url(re.compile(r"/\?picture=cat&class=281$"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", name="Why “tabby”?", exact=True)).to_be_visible()


def test_unknown_address(page: Page) -> None:
    page.goto("/no-such-page")
    settle(page)
    expect(page.get_by_role("dialog")).to_contain_text("Page not found")
    page.keyboard.press("Escape")
    expect_frame(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_look(server: str, new_page: Callable[..., Page], dark: bool, width: int) -> None:
    page = new_page(server, width=width, dark=dark)
    page.goto("/")
    expect_frame(page)
    shoot(page, f"frame-{width}-{'dark' if dark else 'light'}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.get_by_test_id("stApp").evaluate("element => getComputedStyle(element).backgroundColor")
    assert background == ("rgb(16, 20, 24)" if dark else "rgb(255, 255, 255)")


def test_switch_to_dark(page: Page) -> None:
    page.goto("/")
    settle(page)
    page.get_by_test_id("stMainMenu").click()
    page.get_by_role("menuitemradio", name="Dark").click()
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", "rgb(16, 20, 24)")


FAILING_PAGE = """
import streamlit as st
from cnnfix_core.errors import ModelError
from cnnfix_ui.errors import UserError

def fail(error):
    raise error

@st.fragment
def fragment():
    if st.button("Fragment"):
        fail(RuntimeError("secret"))

st.button("Expected callback", on_click=fail, args=[UserError("Try *another* picture.")])
st.button("Broken callback", on_click=fail, args=[RuntimeError("secret")])
fragment()
if st.button("Expected"):
    fail(UserError("“<b>[a](b)</b> :red[x] $1$.png” is empty."))
if st.button("Core"):
    fail(ModelError("No such model."))
if st.button("Broken"):
    fail(RuntimeError("secret"))
"""


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The app with one more page, /failing: the address of that page, and the file with what the server logs."""
    root = tmp_path_factory.mktemp("failing")
    for package in ("cnnfix_site", "cnnfix_ui"):
        shutil.copytree(ROOT / package, root / package)
    for name in ("app.py", ".streamlit"):
        (root / name).symlink_to(ROOT / name)
    (root / "pages").mkdir()
    for real in (ROOT / "pages").glob("*.py"):
        (root / "pages" / real.name).write_text("")
    (root / "pages" / "failing.py").write_text(FAILING_PAGE)
    main = root / "cnnfix_ui" / "main.py"
    main.write_text(main.read_text().replace("PAGES = [", 'PAGES = [("failing", "Failing", "What can fail?"), '))
    with serve(root / "app.py", root / "log", folder=root) as address:
        yield address, root / "log"


def test_deep_link_on_a_cold_server(failing: tuple[str, Path], new_page: Callable[..., Page]) -> None:
    page = new_page(failing[0])  # the first visit to that server
    page.goto("/failing")
    expect_frame(page, "What can fail?")
    shoot(page, "frame-two-pages")
    page.get_by_role("link", name="Explore").click()
    expect_frame(page)


@pytest.mark.parametrize(
    ("button", "sentence"),
    [
        ("Expected", "“<b>[a](b)</b> :red[x] $1$.png” is empty."),
        ("Expected callback", "Try *another* picture."),
        ("Core", "No such model."),
    ],
)
def test_expected_error(failing: tuple[str, Path], new_page: Callable[..., Page], button: str, sentence: str) -> None:
    page = new_page(failing[0])
    page.goto("/failing")
    settle(page)
    page.get_by_role("button", name=button, exact=True).click()
    settle(page)
    expect(page.get_by_role("alert")).to_have_text(re.compile(re.escape(sentence) + "$"))
    expect(page.get_by_role("alert").locator("a")).to_have_count(0)
    if "callback" in button:  # the page could not be drawn
        page.get_by_role("button", name="Continue").click()
        expect_frame(page, "What can fail?")


@pytest.mark.parametrize("button", ["Broken", "Broken callback", "Fragment"])
def test_unexpected_error(failing: tuple[str, Path], new_page: Callable[..., Page], button: str) -> None:
    address, log = failing
    page = new_page(address)
    page.goto("/failing")
    settle(page)
    page.get_by_role("button", name=button, exact=True).click()
    settle(page)
    alert = page.get_by_role("alert")
    expect(alert).to_have_count(1)
    shoot(page, f"error-{button.lower().replace(' ', '-')}")
    reference = re.search(r"reference ([0-9A-F]{6})", alert.inner_text())
    assert reference
    assert "secret" not in page.content()
    assert "Traceback" not in page.content()
    assert f"Reference {reference[1]}" in log.read_text()
    assert "RuntimeError: secret" in log.read_text()
