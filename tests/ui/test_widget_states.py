"""Messages about widgets as no browser sends them: they count as not sent."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import WStates

from cnnfix_ui.server import widget_states

DEEP = "[" * 5000 + "]" * 5000


def read(value_type: Any, options: list[str] | None = None, **sent: Any) -> Any:
    """What a page gets of a widget of this kind that says of itself what no honest one does."""
    metadata = WidgetMetadata("w", lambda value: value.upper(), str, value_type, formatted_options=options)  # type: ignore[misc,arg-type,attr-defined]
    state = WidgetState(id="w")
    for name, value in sent.items():
        if name == "string_array_value":
            state.string_array_value.data.extend(value)
        else:
            setattr(state, name, value)
    states = WStates()
    states.set_widget_metadata(metadata)
    states.set_widget_from_proto(state)
    return states.get("w", "not sent")


@pytest.fixture(autouse=True)
def _believe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WStates, "__getitem__", WStates.__getitem__)  # put back at the end
    widget_states.believe_only_what_fits()


def test_what_fits_is_read() -> None:
    assert read("string_value", string_value="cat") == "CAT"
    assert read("string_value", ["cat", "dog"], string_value="cat") == "CAT"


@pytest.mark.parametrize(
    ("kind", "options", "sent"),
    [
        ("string_value", None, {"int_value": 3}),
        ("double_array_value", None, {"string_value": "x"}),
        ("string_value", ["cat", "dog"], {"string_value": "fox"}),
        ("string_array_value", ["cat", "dog"], {"string_array_value": ["cat", "fox"]}),
        ("json_trigger_value", None, {"json_trigger_value": "not json"}),
        ("json_value", None, {"json_value": DEEP}),
        ("json_value", None, {"json_value": '"x"'}),
        ("json_trigger_value", None, {"json_trigger_value": "[" * 50 + "]" * 50}),
        ("bool_value", None, {"bool_value": True}),  # the reader itself fails
    ],
)
def test_what_does_not_fit_was_not_sent(kind: str, options: list[str] | None, sent: dict[str, Any]) -> None:
    assert read(kind, options, **sent) == "not sent"
