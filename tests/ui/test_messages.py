"""Messages of a browser that come faster than runs read them, and from a page that its visitor has left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner, ScriptRunnerEvent
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.query_params import QueryParams
from streamlit.runtime.state.session_state import SessionState

from cnnfix_ui.server import messages

BUTTON, SWITCH, OTHER = "$$ID-0123-next", "$$ID-4567-points", "$$ID-89ab-other"


class Visit:
    """A browser, what it sends, and the runs that begin with it. The context of these runs, too."""

    has_script_started = True
    pages_manager = SimpleNamespace(main_script_hash="main")
    fragment_ids_this_run = None

    def __init__(self) -> None:
        self.state = SessionState()
        self.session_state = SimpleNamespace(_state=self.state, query_params=self._address)
        self.page_script_hash = "explore"
        self.pressed: list[str] = []
        self.sent: list[ClientState] = []

    @contextmanager
    def _address(self) -> Iterator[QueryParams]:
        yield self.state.query_params

    def send(self, page: str = "explore", address: str = "", *, back: bool = False, **said: bool) -> tuple[str, str]:
        """Send a message; returns the page and the address of the run that it causes."""
        message = ClientState(page_script_hash=page, query_string=address, is_history_navigation=back)
        message.widget_states.CopyFrom(self._states(said))
        AppSession.request_rerun(SimpleNamespace(_session_state=self.state), message)  # type: ignore[arg-type]
        self.sent.append(message)
        return message.page_script_hash, message.query_string

    def read(self) -> None:
        """A run begins, with what came last."""
        self.state.on_script_will_rerun(self.sent[-1].widget_states)

    def draw(self, widget: str = BUTTON) -> bool:
        """A run draws a button or a switch; returns its value."""
        kind = "trigger_value" if widget == BUTTON else "bool_value"
        metadata: WidgetMetadata[Any] = WidgetMetadata(
            widget, bool, bool, kind, callback=lambda: self.pressed.append(widget)
        )
        messages.note_drawn(self.state, widget)
        return bool(self.state.register_widget(metadata, None).value)

    def call(self, callback: Callable[[], None]) -> None:
        """A switch is turned on, and a run that begins calls its callback."""
        metadata: WidgetMetadata[Any] = WidgetMetadata(OTHER, bool, bool, "bool_value", callback=callback)
        self.state.register_widget(metadata, None)
        message = ClientState(page_script_hash="explore")
        message.widget_states.widgets.add(id=OTHER, bool_value=True)
        AppSession.request_rerun(SimpleNamespace(_session_state=self.state), message)  # type: ignore[arg-type]
        self.state.on_script_will_rerun(message.widget_states)

    def finish(self, stopped: bool = False) -> None:
        """The run ends."""
        event = ScriptRunnerEvent.SCRIPT_STOPPED_WITH_SUCCESS
        ScriptRunner._on_script_finished(self, self, event, stopped, None)  # type: ignore[arg-type]

    @staticmethod
    def _states(said: dict[str, bool]) -> WidgetStates:
        states = WidgetStates()
        if "button" in said:
            states.widgets.add(id=BUTTON, trigger_value=said["button"])
        if "switch" in said:
            states.widgets.add(id=SWITCH, bool_value=said["switch"])
        return states


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Visit:
    for owner, name in (
        (AppSession, "request_rerun"),
        (ScriptRequests, "request_rerun"),
        (ScriptRunner, "_maybe_handle_execution_control_request"),
        (ScriptRunner, "_on_script_finished"),
        (SessionState, "on_script_will_rerun"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # put back at the end
    messages.keep_all()
    made = Visit()
    monkeypatch.setattr(messages, "_request", lambda *_: None)
    monkeypatch.setattr(messages, "_finish", lambda *_: made.state._reset_triggers())
    monkeypatch.setattr(messages, "get_script_run_ctx", lambda **_: made)
    ThreadState.initialize(active_script_hash="page")
    made.draw(BUTTON)
    made.draw(SWITCH)
    return made


def test_a_run_knows_when_what_it_reads_was_said(visit: Visit) -> None:
    memory = messages.memory_of(visit.state)
    visit.send(switch=True)
    before = time.monotonic()
    visit.read()
    assert 0 < memory.read <= before
    visit.send(switch=False)
    assert memory.read <= before < memory.came


def test_what_was_said_before_a_run_could_read_it_is_read_with_what_was_said_next(visit: Visit) -> None:
    visit.send(button=True, switch=False)
    visit.send(switch=True)  # stops the run for the first one before it began
    visit.read()
    assert sorted(visit.pressed) == sorted([BUTTON, SWITCH])
    assert visit.draw(BUTTON)
    assert visit.draw(SWITCH)


def test_a_message_that_a_stopped_run_has_read_calls_nobody_twice(visit: Visit) -> None:
    visit.send(button=True)
    visit.send(switch=True)
    visit.read()  # the first run, which is stopped now
    visit.read()
    assert sorted(visit.pressed) == sorted([BUTTON, SWITCH])
    assert visit.draw(BUTTON)
    assert visit.draw(SWITCH)


@pytest.mark.parametrize("drawn", [True, False])
def test_a_button_is_seen_once_even_if_the_run_stops_before_it(visit: Visit, drawn: bool) -> None:
    visit.send(button=True)
    visit.read()
    if drawn:
        assert visit.draw(BUTTON)
    visit.finish(stopped=True)
    visit.send(switch=True)
    visit.read()
    assert visit.draw(BUTTON) is not drawn
    visit.finish()
    visit.send(switch=False)
    visit.read()
    assert not visit.draw(BUTTON)


def test_a_button_of_one_page_is_not_pressed_on_another(visit: Visit) -> None:
    visit.send(button=True)
    visit.read()
    visit.send("compare")
    visit.page_script_hash = "compare"
    visit.read()
    assert not visit.draw(BUTTON)


def test_a_browser_shows_nothing_of_a_page_while_another_begins(visit: Visit) -> None:
    visit.send("", switch=True)
    visit.page_script_hash = "main"
    visit.read()
    messages.memory_of(visit.state).shown[SWITCH] = True
    visit.page_script_hash = "explore"  # which it was all along
    visit.read()
    assert messages.memory_of(visit.state).shown
    visit.page_script_hash = "compare"
    visit.read()  # that run may be stopped before it has drawn anything
    assert not messages.memory_of(visit.state).shown


def test_what_is_said_of_a_page_that_was_left_does_not_lead_back_to_it(visit: Visit) -> None:
    assert visit.send("explore", "picture=cat", switch=True) == ("explore", "picture=cat")
    assert visit.send("compare", "") == ("compare", "")  # the menu
    assert visit.send("explore", "picture=cat", switch=False) == ("compare", "")
    assert visit.send("explore", "picture=cat", button=True) == ("compare", "")
    assert visit.send("explore", "picture=cat", back=True, switch=False) == ("explore", "picture=cat")
    assert visit.send("compare", "") == ("compare", "")
    assert visit.send("explore", "") == ("explore", "")  # the menu again


def test_what_is_said_of_a_page_that_a_run_has_left_does_not_lead_back_to_it(visit: Visit) -> None:
    visit.send("explore", "step=1", button=True)
    assert ScriptRequests().request_rerun(RerunData(page_script_hash="compare", query_string="step=2"))
    assert visit.send("explore", "step=1", switch=True) == ("compare", "step=2")


@pytest.mark.parametrize("stopped", [True, False])
def test_an_address_that_may_be_another_in_the_browser_is_told_by_the_run_that_ends(
    visit: Visit, monkeypatch: pytest.MonkeyPatch, stopped: bool
) -> None:
    told: list[QueryParams] = []
    monkeypatch.setattr(QueryParams, "_send_query_param_msg", lambda address: told.extend([address]))
    vars(visit.state.query_params)[messages.UNSURE] = True
    visit.finish(stopped)
    assert len(told) == (not stopped)
    visit.finish()
    visit.finish()
    assert len(told) == 1


def test_callbacks_are_not_stopped_in_their_middle(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    stops: list[bool] = []
    monkeypatch.setattr(messages, "_stop_if_asked", lambda _: stops.append(True))
    ask = lambda: ScriptRunner._maybe_handle_execution_control_request(None)  # type: ignore[arg-type]  # noqa: E731
    ask()
    assert stops == [True]
    visit.call(ask)
    assert stops == [True]
    ask()
    assert stops == [True, True]


def test_a_message_does_not_wait_for_a_callback(visit: Visit) -> None:
    def callback() -> None:
        sender = Thread(target=lambda: visit.send(switch=True))
        sender.start()
        sender.join(timeout=10)
        waited.append(sender.is_alive())

    waited: list[bool] = []
    visit.call(callback)
    assert waited == [False]
