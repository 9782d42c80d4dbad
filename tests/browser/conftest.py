"""A real browser on a real server. `pytest -m "not browser"` leaves these tests out."""

import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.browser.browsing import HERE, PATIENCE, ROOT, profile, serve, shown

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say of a test that fails what its pages show, which may be over before anybody can look."""
    report = yield
    if report.when == "call" and report.failed:
        for name, page in getattr(item, "funcargs", {}).items():
            if isinstance(page, Page) and not page.is_closed():
                with suppress(PlaywrightError):
                    report.sections.append((f"{name}, {page.url}", shown(page)))
    return report


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="session")
def server(logs: Path) -> Iterator[str]:
    """The app's address; one server for all tests."""
    with serve(ROOT / "app.py", logs / "app.log") as address:
        yield address


@pytest.fixture
def cold_server(logs: Path) -> Iterator[str]:
    """The address of an app that nobody has visited."""
    with serve(ROOT / "app.py", logs / "cold.log") as address:
        yield address


@pytest.fixture(scope="module")
def demo(request: pytest.FixtureRequest, logs: Path) -> Iterator[str]:
    """The address of a component on its own: of the script that the test file calls DEMO."""
    script = HERE / request.module.DEMO
    with serve(HERE / "demo_app.py", logs / f"{script.stem}.log", DEMO=str(script)) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    installed = next(filter(None, map(shutil.which, names)), None)  # else Playwright's own
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def profiles(browser: Browser) -> Callable[[str], BrowserContext]:
    """`profiles(address)`: the browser profile in which pages of that server open, so that its scripts stay cached."""
    return cache(lambda address: profile(browser, address))


@pytest.fixture
def new_page(profiles: Callable[[str], BrowserContext]) -> Iterator[Callable[..., Page]]:
    """`new_page(address, width=..., height=..., dark=...)`: a page, with a visit and a storage of its own.

    The test fails if a script on the page failed, or if the page asked anybody but the server at `address`.
    """
    pages, troubles = [], []

    def new_page(address: str, width: int = 1280, height: int = 800, dark: bool = False) -> Page:
        page = profiles(address).new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if dark else "light")
        own = (address, address.replace("http", "ws", 1), "data:", "blob:")

        def check(url: str) -> None:
            if not url.startswith(own):
                troubles.append(f"asked another server: {url}")

        page.on("request", lambda request: check(request.url))
        page.on("websocket", lambda websocket: check(websocket.url))
        page.on("pageerror", lambda error: troubles.append(f"script error: {error}"))
        return page

    yield new_page
    for page in pages:
        if page.is_closed():
            continue
        if page.url.startswith("http"):
            page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.context.clear_cookies()
        page.close()
    assert not troubles


@pytest.fixture
def page(server: str, new_page: Callable[..., Page]) -> Page:
    """A desktop-sized page of the app, not opened yet: `page.goto("/")`."""
    return new_page(server)
