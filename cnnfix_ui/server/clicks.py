"""No click is lost that comes while its page still runs.

Streamlit loses four kinds. A run that sets a widget's value in session state, as `address` does, tells it to the
browser even if the browser shows it already: whatever was clicked meanwhile is undone. A click comes with the address
that the browser shows, which a run may have replaced: it looks as if the older one had been opened again. And of two
events of one component that wait for a run, only the second is kept. What a widget shows counts as its visitor's
word even if it only shows what the server has changed meanwhile, or its default, since it never heard.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.state import session_state
from streamlit.runtime.state.common import RegisterWidgetResult, WidgetMetadata
from streamlit.runtime.state.query_params import QueryParams
from streamlit.runtime.state.session_state import Serialized, SessionState, WStates

from cnnfix_ui.server import messages

_ADDRESS = "_newest_address"  # an attribute of query parameters: what the browser shows, or will once it hears of it
_LATE = "_came_with_older_address"  # an attribute of query parameters: so did what the browser said
_MOST_EARLIER = 8
_ON_ITS_WAY = 3.0  # seconds: by then a browser has heard what it was told
_UNKNOWN = object()
# Kinds of widgets that have a small value, and keep it: not buttons, nor uploads.
_VALUES = {"bool_value", "int_value", "double_value", "double_array_value", "string_value", "string_array_value"}
_register = SessionState.register_widget
_remove_stale = SessionState._remove_stale_widgets
_take_address = QueryParams.populate_from_query_string
_tell_address = QueryParams._send_query_param_msg
_coalesce = script_requests._coalesce_widget_states
_set_widgets = SessionState.set_widgets_from_proto


def keep_all() -> None:
    """From now on tell browsers only what they do not show yet, and believe no older address; keep all events."""
    SessionState.register_widget = _register_silently  # type: ignore[method-assign,assignment]  # there is no hook
    SessionState._remove_stale_widgets = _remove_stale_with_shown  # type: ignore[method-assign]
    QueryParams.populate_from_query_string = _take_newest_address  # type: ignore[method-assign]
    QueryParams._send_query_param_msg = _tell_and_note_address  # type: ignore[method-assign]
    SessionState.set_widgets_from_proto = _set_what_is_new  # type: ignore[method-assign]
    script_requests._coalesce_widget_states = _coalesce_events
    messages.keep_all()


@dataclass(frozen=True)
class _Shown:
    """What a browser shows. told: it has not spoken since we told it, so it may have been clicked in the meantime."""

    value: Any
    told: bool
    earlier: tuple[Any, ...] = ()  # what it may still show if it has not heard
    at: float = 0.0  # when it was told, on the monotonic clock


def _register_silently(
    state: SessionState, metadata: WidgetMetadata[Any], user_key: str | None
) -> RegisterWidgetResult[Any]:
    """Register a widget; its value counts as changed unless the browser is known to show it."""
    messages.note_drawn(state, metadata.id)
    if user_key in state._old_state:  # it was set before there was a widget, and would be back when that is away
        state._old_state.setdefault(metadata.id, state._old_state.pop(user_key))
    spoke = metadata.id in state._new_widget_state.states
    found = _register(state, metadata, user_key)
    if metadata.value_type not in _VALUES:
        return found
    memory = messages.memory_of(state)
    shown = memory.shown
    before = shown.get(metadata.id)
    if before is None:  # it will show the default, whatever it said of a widget that was away meanwhile
        before, spoke = _Shown(metadata.deserializer(None), told=False), False
    said = state._new_widget_state.get(metadata.id, _UNKNOWN) if spoke else before.value
    unheard = before.told and not spoke  # two messages may come at once, of which it draws the second alone
    # What it said crossed what we told: it may show either.
    crossed = before.told and said != before.value and memory.read - before.at < _ON_ITS_WAY
    changed = unheard or crossed or said != found.value
    earlier = [one for one in (*before.earlier, before.value, said) if one != found.value] if changed else []
    shown[metadata.id] = _Shown(found.value, changed, tuple(earlier[-_MOST_EARLIER:]), time.monotonic())
    return replace(found, value_changed=changed)


def _remove_stale_with_shown(self: SessionState, active_widget_ids: frozenset[str]) -> None:
    if messages.memory_of(self).unread is not None:
        return  # of the page before, perhaps: what it says of those widgets is still to be read
    _remove_stale(self, active_widget_ids)
    context = get_script_run_ctx()
    if context is None:
        return
    known, memory = self._new_widget_state.widget_metadata, messages.memory_of(self)
    memory.shown = {
        widget: one
        for widget, one in memory.shown.items()
        if not session_state._is_stale_widget(known.get(widget), active_widget_ids, context.fragment_ids_this_run)
    }


def _take_newest_address(self: QueryParams, query_string: str, valid_script_hashes: set[str] | None = None) -> None:
    """Begin a run with the address that came with its cause, unless it is older than what the browser was told."""
    _take_address(self, query_string, valid_script_hashes)
    context = get_script_run_ctx()
    other_page = valid_script_hashes is not None
    newest = vars(self).get(_ADDRESS)
    vars(self)[_LATE] = False
    if newest is None or other_page or (context is not None and context.is_history_navigation):
        vars(self)[_ADDRESS] = dict(self._query_params)
        vars(self)[messages.UNSURE] = newest is not None  # it may hear of an older one after it has sent this
    elif newest != self._query_params:
        self._query_params = dict(newest)
        vars(self)[_LATE] = True
        self._send_query_param_msg()  # once more: it may have been lost with a connection


def _tell_and_note_address(self: QueryParams) -> None:
    vars(self)[_ADDRESS] = dict(self._query_params)
    _tell_address(self)


def _set_what_is_new(self: SessionState, widget_states: WidgetStates) -> None:
    """Take a browser's word of its widgets, except where it has not heard yet what was changed since."""
    heard = messages.memory_of(self).finished_before and not vars(self.query_params).get(_LATE, False)
    _set_widgets(self, WidgetStates(widgets=[one for one in widget_states.widgets if not _is_old(self, one, heard)]))


def _is_old(state: SessionState, one: WidgetState, heard: bool) -> bool:
    """Whether a browser says what it showed before the server changed it. heard: it knows what it was told."""
    shown = messages.memory_of(state).shown.get(one.id)
    metadata = state._new_widget_state.widget_metadata.get(one.id)
    if shown is None or metadata is None:
        return False
    try:
        said = WStates({one.id: Serialized(one)}, {one.id: metadata})[one.id]
        now = state._getitem(one.id, state._key_id_mapper.id_key_mapping.get(one.id))
    except Exception:  # whatever a stranger's message makes of a reader
        return False
    if shown.told:
        return not heard and said != shown.value and said in shown.earlier
    return bool(said == shown.value != now)


def _coalesce_events(old_states: WidgetStates | None, new_states: WidgetStates | None) -> WidgetStates | None:
    """What a browser said of its widgets in two messages: the newer word, and of each component all that happened."""
    both = _coalesce(old_states, new_states)
    if both and old_states and new_states:  # a message that asks for another page leaves out what was said of this one
        there = {one.id for one in both.widgets}
        both.widgets.extend(one for one in old_states.widgets if one.id not in there)
    earlier = {one.id: one.json_trigger_value for one in old_states.widgets} if old_states else {}
    for one in both.widgets if both else ():
        first, second = _events(earlier.get(one.id, "")), _events(one.json_trigger_value)
        if first and second:
            one.json_trigger_value = json.dumps([*(first | second).values()])
    return both


def _events(sent: str) -> dict[str, Any]:
    """A component's events by name; of two with the same name the newer one."""
    try:
        found = json.loads(sent)
    except (ValueError, RecursionError):
        return {}
    events = found if isinstance(found, list) else [found]
    return {one["event"]: one for one in events if isinstance(one, dict) and isinstance(one.get("event"), str)}
