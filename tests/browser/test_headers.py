"""Headers of the server's answers, and that the pages work under them."""

import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import ConsoleMessage, Page

from cnnfix_ui.server.headers import HEADERS
from tests.browser.browsing import settle


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/_stcore/host-config"])
def test_every_answer_has_them(server: str, path: str) -> None:
    with urllib.request.urlopen(server + path) as answer:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value


@pytest.mark.parametrize(
    "path", ["/", "/backtrack", "/compare", "/sketch", "/captions", "/signals", "/batch?samples=True", "/models"]
)
def test_nothing_on_a_page_is_held_back_or_comes_from_elsewhere(
    server: str, new_page: Callable[..., Page], path: str
) -> None:
    page, said, asked = new_page(server), [], []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Refused to" in message.text:
            said.append(message.text)

    page.on("console", note)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path)
    settle(page)
    assert said == []
    assert [url for url in asked if not url.startswith((server, "data:", "blob:"))] == []
    assert page.locator("[data-testid=stException]").count() == 0
