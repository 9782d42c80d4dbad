"""What a page asked of a visitor's own network ends with the page."""

from __future__ import annotations

import os
import time

import pytest
from streamlit.runtime.scriptrunner import StopException

from cnnfix_core import Model
from cnnfix_core.zoo import FileOptions, open_tried
from cnnfix_core.zoo.untrusted import apart
from cnnfix_ui.server import visitors
from cnnfix_ui.server.results import Network
from tests.processes import wait_until_ended
from tests.zoo.test_apart import GOOD

pytestmark = pytest.mark.skipif(not apart.possible(), reason="this system cannot fork")


def sleeps(_: Model) -> int:
    time.sleep(3600)
    return 0


def waits(_: Model) -> int:
    time.sleep(1)  # long enough to be looked after
    return 7


def number_of_process(_: Model) -> int:
    return os.getpid()


class Page:
    """A page, its run and the server, as far as they are looked at."""

    session_id = "page"

    def __init__(self) -> None:
        self.open = True

    def is_active_session(self, session: str) -> bool:
        return self.open and session == self.session_id


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    found = Page()
    monkeypatch.setattr(visitors, "get_script_run_ctx", lambda **_: found)
    monkeypatch.setattr(visitors, "get_instance", lambda: found)
    monkeypatch.setattr(visitors, "exists", lambda: True)
    return found


@pytest.fixture
def network() -> Network:
    return Network("own", open_tried(GOOD, FileOptions("good"), elsewhere=True).model)


def test_a_closed_page_s_question_ends(page: Page, network: Network) -> None:
    pid = network.ask(number_of_process)
    page.open = False
    with pytest.raises(StopException):
        network.ask(sleeps)
    wait_until_ended([pid])


def test_an_open_page_s_question_does_not(page: Page, network: Network) -> None:
    assert network.ask(waits) == 7
