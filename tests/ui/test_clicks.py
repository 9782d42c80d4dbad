"""Clicks that come while a page runs: what a run tells the browser must not undo them, and no event is dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import SessionState

from cnnfix_ui.server import clicks

WIDGET = "$$ID-0123-points"


@pytest.fixture(autouse=True)
def _keep_all() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in (
            (SessionState, "register_widget"),
            (SessionState, "_remove_stale_widgets"),
            (script_requests, "_coalesce_widget_states"),
        ):
            patch.setattr(owner, name, getattr(owner, name))  # put back at the end
        clicks.keep_all()
        yield


class Context:
    """Of a run that draws the whole page."""

    page_script_hash, fragment_ids_this_run = "", None


class Visit:
    """A page with one switch, "points"."""

    def __init__(self) -> None:
        self.state = SessionState()
        self.metadata: WidgetMetadata[Any] = WidgetMetadata(WIDGET, bool, bool, "bool_value")  # off at first

    def run(self, sent: bool | None = None, assigned: bool | None = None) -> bool:
        """Run the page. sent: what the browser says of the switch; assigned: what the page sets it to.

        Returns:
            Whether the browser is told.
        """
        states = WidgetStates()
        if sent is not None:
            states.widgets.add(id=WIDGET, bool_value=sent)
        self.state.on_script_will_rerun(states)
        value = assigned if assigned is not None else self.state.filtered_state.get("points", False)
        self.state["points"] = value
        found = self.state.register_widget(self.metadata, "points")
        assert found.value == value
        return found.value_changed


def test_a_browser_is_told_what_it_does_not_show() -> None:
    visit = Visit()
    assert visit.run(assigned=True)
    assert visit.run(sent=True, assigned=False)
    assert visit.run(sent=False, assigned=True)


def test_a_browser_is_not_told_what_it_has_just_said_or_was_told() -> None:
    visit = Visit()
    visit.run()
    assert not visit.run(sent=True)
    assert not visit.run()  # a run that the server began
    assert visit.run(assigned=False)
    assert not visit.run()
    assert not visit.run(sent=False)


def test_what_a_browser_said_before_it_heard_us_is_settled() -> None:
    visit = Visit()
    visit.run(sent=False)
    visit.run(assigned=True)
    assert visit.run(sent=False)  # it may show True by now
    assert not visit.run(sent=False)


@pytest.mark.parametrize("drawn", [True, False])
def test_a_switch_that_was_away_is_told_again(monkeypatch: pytest.MonkeyPatch, drawn: bool) -> None:
    visit = Visit()
    visit.run()
    visit.run(sent=True)
    with monkeypatch.context() as patch:
        for place in ("cnnfix_ui.server.clicks", "streamlit.runtime.state.session_state"):
            patch.setattr(f"{place}.get_script_run_ctx", Context)
        visit.state.on_script_finished(frozenset([WIDGET] if drawn else []))
    assert visit.run(assigned=True) is not drawn


def waiting(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a component that reach a run for which these messages waited."""
    requests = script_requests.ScriptRequests()
    for message in messages:
        states = WidgetStates()
        for name, value in message.items():
            states.widgets.add(id="phone", json_trigger_value=json.dumps([{"event": name, "value": value}]))
        requests.request_rerun(script_requests.RerunData(widget_states=states))
    (state,) = requests.on_scriptrunner_ready().rerun_data.widget_states.widgets
    found: list[dict[str, Any]] = json.loads(state.json_trigger_value)
    return found


def test_two_events_of_a_component_reach_a_run_and_the_newer_of_the_same_name() -> None:
    answer, changed = {"event": "answer", "value": 1}, {"event": "changed", "value": 8}
    assert waiting({"answer": 1}, {"changed": 7}, {"changed": 8}) == [answer, changed]
    assert waiting({"answer": 3}, {"answer": 1}) == [answer]


@pytest.mark.parametrize("forged", ["no json", "[" * 5000, "3", '["x"]', '[{"event": []}]'])
def test_events_that_no_browser_sends_change_nothing(forged: str) -> None:
    old, new = WidgetStates(), WidgetStates()
    old.widgets.add(id="phone", json_trigger_value=forged)
    new.widgets.add(id="phone", json_trigger_value='[{"event": "a"}]')
    found = script_requests._coalesce_widget_states(old, new)
    assert found is not None
    assert found.widgets[0].json_trigger_value == '[{"event": "a"}]'
