"""Every message of a browser counts, in the order in which they came, on the page that its visitor chose last.

Streamlit stops a run when a message comes, and with it forgets those that the run has not read yet, half read, or read
but not yet drawn the button for. And a message says which page the browser shows, not which its visitor has left for:
whatever is said of the old page, even by a component by itself, leads back to it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner, ScriptRunnerEvent
from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, ThreadState
from streamlit.runtime.state.session_state import SessionState

UNSURE = "_unsure_address"  # an attribute of query parameters: the browser may show another address than it sent
_MEMORY = "messages.memory"  # in session state
_request = AppSession.request_rerun
_request_from_page = ScriptRequests.request_rerun
_stop_if_asked = ScriptRunner._maybe_handle_execution_control_request
_begin = SessionState.on_script_will_rerun
_finish = ScriptRunner._on_script_finished
_reading = threading.local()


def keep_all() -> None:
    """From now on lose no message, and no page that was chosen."""
    AppSession.request_rerun = _request_keeping  # type: ignore[method-assign]  # there is no hook
    ScriptRequests.request_rerun = _note_page  # type: ignore[method-assign]
    ScriptRunner._maybe_handle_execution_control_request = _stop_unless_reading  # type: ignore[method-assign]
    SessionState.on_script_will_rerun = _read_all  # type: ignore[method-assign]
    ScriptRunner._on_script_finished = _finish_noting  # type: ignore[method-assign,assignment]


@dataclass
class Memory:
    """What is known of one visit.

    Attributes:
        lock: of what follows. Held for moments only, since the server takes it for each message.
        reading: held while a run reads messages, callbacks included: runs in turn.
        heard: whether there were messages at all: tests of single pages send none.
        unread: what browsers said that no run has read yet.
        came: when the last of it came, on the monotonic clock.
        read: when the last came that a run has read.
        pressed: buttons that were pressed and that no run has drawn since, by the widget's id.
        shown: what the browser shows, by the widget's id; see clicks.py. It forgets that when another page begins.
        run_on: the page of these.
        page: which the visitor chose last, with its address then; None before one is known.
        on_pages: ids of widgets that belong to a page rather than to the frame around it.
        finished: whether the last run was.
        finished_before: whether the one before was, in whose place the last one came.
    """

    lock: Any = field(default_factory=threading.RLock)
    reading: Any = field(default_factory=threading.RLock)
    heard: bool = False
    unread: WidgetStates | None = None
    came: float = 0.0
    read: float = 0.0
    pressed: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)
    run_on: str = ""
    page: tuple[str, str] | None = None
    on_pages: set[str] = field(default_factory=set)
    finished: bool = True
    finished_before: bool = True


def memory_of(state: SessionState) -> Memory:
    """What is known of a visit."""
    found: Memory = state._old_state.setdefault(_MEMORY, Memory())
    return found


def note_drawn(state: SessionState, widget: str) -> None:
    """A run draws a widget: it sees whether that was pressed, and the widget belongs where the run is."""
    memory, context = memory_of(state), get_script_run_ctx(suppress_warning=True)
    memory.pressed.pop(widget, None)
    if context and ThreadState.get().active_script_hash != context.pages_manager.main_script_hash:
        memory.on_pages.add(widget)


def _request_keeping(self: AppSession, client_state: ClientState | None) -> None:
    if client_state is not None:
        memory = memory_of(self._session_state)
        with memory.lock:
            memory.heard, memory.came = True, time.monotonic()
            _stay_on_page(memory, client_state)
            memory.unread = script_requests._coalesce_widget_states(memory.unread, client_state.widget_states)
    _request(self, client_state)


def _stay_on_page(memory: Memory, sent: ClientState) -> None:
    """Note the page that a message asks for; if it only says what the browser shows, put in the one chosen last."""
    said = sent.page_script_hash
    if not said or memory.page is None or said == memory.page[0]:
        memory.page = (said, sent.query_string) if said else None
    elif sent.is_history_navigation or not _of_a_page(memory, sent):
        memory.page = said, sent.query_string
    else:
        sent.page_script_hash, sent.query_string = memory.page


def _of_a_page(memory: Memory, sent: ClientState) -> bool:
    """Whether a message says what happened on a page: those that ask for another one leave its widgets out."""
    return bool(sent.fragment_id) or any(
        one.id in memory.on_pages or script_requests._has_active_trigger_value(one)
        for one in sent.widget_states.widgets
    )


def _note_page(self: ScriptRequests, new_data: RerunData) -> bool:
    accepted = _request_from_page(self, new_data)
    context = get_script_run_ctx(suppress_warning=True)
    if accepted and context and new_data.page_script_hash not in ("", context.page_script_hash):
        memory = memory_of(context.session_state._state)
        with memory.lock:
            memory.page = new_data.page_script_hash, new_data.query_string
    return accepted


@contextmanager
def _not_stopped() -> Iterator[None]:
    """Read messages to their end: a callback that is stopped in its middle would lose a click."""
    _reading.now = True
    try:
        yield
    finally:
        _reading.now = False


def _stop_unless_reading(self: ScriptRunner) -> None:
    if not getattr(_reading, "now", False):
        _stop_if_asked(self)


def _read_all(
    self: SessionState,
    fresh_widget_states: WidgetStates | None,
    *,
    replay_trigger_states: WidgetStates | None = None,
    **options: Any,
) -> None:
    """Begin a run with all that the browser has said and no run has read."""
    memory = memory_of(self)
    with memory.reading, _not_stopped():
        with memory.lock:
            fresh, memory.unread, memory.read = memory.unread, None, memory.came
            if not memory.heard:
                fresh = fresh_widget_states
            elif fresh is None and fresh_widget_states is not None:  # an earlier run, stopped since, has read it
                fresh = _without_presses(fresh_widget_states)
            _forget_other_page(memory)
            pressed = WidgetStates(widgets=memory.pressed.values()) if memory.pressed else None
            both = script_requests._coalesce_replay_trigger_states(pressed, replay_trigger_states)
            for states in (both, fresh):
                memory.pressed |= {one.id: one for one in _presses(states)}
            memory.finished_before, memory.finished = memory.finished, False
        _begin(self, fresh, replay_trigger_states=both, **options)


def _forget_other_page(memory: Memory) -> None:
    """Forget what was pressed and shown, if the page is another: there, a button may mean something else."""
    context = get_script_run_ctx(suppress_warning=True)
    page = context.page_script_hash if context else ""
    if context and page == context.pages_manager.main_script_hash:  # a visit's first message does not say the page
        page = memory.run_on
    if memory.run_on not in ("", page):
        memory.pressed, memory.shown = {}, {}
    memory.run_on = page


def _presses(states: WidgetStates | None) -> list[Any]:
    return [one for one in states.widgets if script_requests._has_active_trigger_value(one)] if states else []


def _without_presses(states: WidgetStates) -> WidgetStates:
    return WidgetStates(widgets=[one for one in states.widgets if not script_requests._has_active_trigger_value(one)])


def _finish_noting(
    self: ScriptRunner, ctx: ScriptRunContext, event: ScriptRunnerEvent, premature_stop: bool, *rest: Any
) -> None:
    if not premature_stop and event != ScriptRunnerEvent.SCRIPT_STOPPED_FOR_RERUN and ctx.has_script_started:
        state = ctx.session_state._state
        memory = memory_of(state)
        with memory.lock:
            if memory.unread is None:
                memory.pressed.clear()
                memory.finished = True
        with ctx.session_state.query_params() as address:
            if vars(address).pop(UNSURE, False):
                address._send_query_param_msg()
    _finish(self, ctx, event, premature_stop, *rest)
