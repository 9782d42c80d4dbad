"""What a browser says of the widgets on a page is taken only if it can be so: everything else was never sent.

Streamlit takes it at its word. A slider that is said to be a text would end every later run of that page with a
traceback, and whoever sends such messages would fill the log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import Serialized, WStates

_DEEPEST = 20  # of lists in lists: copying what is deeper would exhaust Python's stack
_read = WStates.__getitem__


def believe_only_what_fits() -> None:
    """From now on pass over states of another kind than the widget's, and those that the widget cannot read."""
    WStates.__getitem__ = _read_what_fits  # type: ignore[method-assign]  # there is no hook


def _read_what_fits(states: WStates, widget: str) -> Any:
    """The value of a widget. Raises KeyError if it has none: its first value then counts."""
    state, metadata = states.states.get(widget), states.widget_metadata.get(widget)
    if not isinstance(state, Serialized) or metadata is None:
        return _read(states, widget)
    if not _fits(state.value, metadata):
        raise KeyError(widget)
    try:
        return _read(states, widget)
    except Exception:  # whatever a stranger's text makes of a reader
        raise KeyError(widget) from None


def _fits(sent: WidgetState, metadata: WidgetMetadata[Any]) -> bool:
    """Whether it is of the widget's kind, and one of its options if it has options."""
    kind = sent.WhichOneof("value")
    if kind not in (metadata.value_type, None):
        return False
    match kind:
        case "string_value":
            return _offered([sent.string_value], metadata)
        case "string_array_value":
            return _offered(sent.string_array_value.data, metadata)
        case "json_value" | "json_trigger_value":
            return _is_json(getattr(sent, kind))
        case _:
            return True


def _offered(said: Iterable[str], metadata: WidgetMetadata[Any]) -> bool:
    return metadata.formatted_options is None or set(said) <= set(metadata.formatted_options)


def _is_json(text: str) -> bool:
    """Whether it is JSON that a component may send: not a text, which would be read once more, and not too deep."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return not isinstance(value, str) and _is_shallow(value, _DEEPEST)


def _is_shallow(value: Any, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not inner or (depth > 0 and all(_is_shallow(one, depth - 1) for one in inner))
