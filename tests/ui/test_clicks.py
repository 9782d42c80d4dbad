"""Clicks that come while a page runs: neither what a run tells the browser nor an address that it has replaced may undo
them, and no event is dropped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.state import query_params
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.query_params import QueryParams
from streamlit.runtime.state.session_state import SessionState

from cnnfix_ui.server import clicks, messages

WIDGET = "$$ID-0123-points"


@pytest.fixture(autouse=True)
def _keep_all() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in (
            (SessionState, "register_widget"),
            (SessionState, "_remove_stale_widgets"),
            (QueryParams, "populate_from_query_string"),
            (QueryParams, "_send_query_param_msg"),
            (SessionState, "set_widgets_from_proto"),
            (script_requests, "_coalesce_widget_states"),
        ):
            patch.setattr(owner, name, getattr(owner, name))  # put back at the end
        patch.setattr(messages, "keep_all", lambda: None)
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

    def finish(self, drawn: bool) -> None:
        """The run ends. drawn: whether it has drawn the switch."""
        with pytest.MonkeyPatch.context() as patch:
            for place in ("cnnfix_ui.server.clicks", "streamlit.runtime.state.session_state"):
                patch.setattr(f"{place}.get_script_run_ctx", Context)
            self.state.on_script_finished(frozenset([WIDGET] if drawn else []))


def test_a_browser_is_told_what_it_does_not_show() -> None:
    visit = Visit()
    assert visit.run(assigned=True)
    assert visit.run(sent=True, assigned=False)
    assert visit.run(sent=False, assigned=True)


def test_a_browser_is_not_told_what_it_has_just_said() -> None:
    visit = Visit()
    visit.run()
    assert not visit.run(sent=True)
    assert not visit.run()  # a run that the server began
    assert visit.run(assigned=False)
    assert not visit.run(sent=False)
    assert not visit.run()


def test_a_browser_is_told_until_it_speaks() -> None:
    """Of what two runs draw at once it shows the second alone."""
    visit = Visit()
    assert visit.run(assigned=True)
    assert visit.run(assigned=True)
    assert visit.run()  # also if it is not set again
    assert not visit.run(sent=True)
    assert not visit.run()


def test_what_was_set_by_a_run_that_was_stopped_is_told_by_the_next() -> None:
    visit = Visit()
    visit.run(sent=False)
    visit.state["points"] = True
    visit.state.on_script_will_rerun(WidgetStates())
    assert visit.state.register_widget(visit.metadata, "points").value_changed


def test_what_a_browser_said_before_it_heard_us_is_settled() -> None:
    visit = Visit()
    visit.run(sent=False)
    visit.run(assigned=True)
    assert visit.run(sent=False)  # it may show True by now
    assert not visit.run(sent=False)


def test_who_had_the_time_to_hear_us_is_believed() -> None:
    """Else the first move of a slider would be told back, and undo the second."""
    visit = Visit()
    visit.run(sent=False)
    visit.run(assigned=True)
    messages.memory_of(visit.state).read = time.monotonic() + 60
    assert not visit.run(sent=False)
    assert visit.state["points"] is False


def test_what_was_set_before_a_widget_was_drawn_is_not_back_when_it_is_away() -> None:
    visit = Visit()
    visit.state["points"] = False
    visit.finish(drawn=False)
    visit.run()
    visit.run(sent=True)
    visit.finish(drawn=True)
    assert visit.state.filtered_state["points"] is True
    visit.state.on_script_will_rerun(WidgetStates())  # another page
    visit.finish(drawn=False)
    assert "points" not in visit.state.filtered_state


def test_a_widget_that_was_away_is_told_even_if_the_browser_still_says_what_it_showed_before() -> None:
    visit = Visit()
    visit.run()
    assert not visit.run(sent=True)
    messages.memory_of(visit.state).shown.clear()  # a run without the widget has ended, or another page has begun
    assert visit.run(sent=True)
    assert not visit.run(sent=True)


@pytest.mark.parametrize("late", ["its address is older", "the run that told it was stopped", "it was not told yet"])
def test_a_widget_that_shows_what_it_showed_before_we_changed_it_is_no_word_of_its_visitor(late: str) -> None:
    visit = Visit()
    visit.run(sent=False)
    if late == "it was not told yet":
        visit.state["points"] = True  # in a callback, whose run was stopped
    else:
        visit.run(assigned=True)
    vars(visit.state.query_params)["_came_with_older_address"] = late == "its address is older"
    messages.memory_of(visit.state).finished_before = late != "the run that told it was stopped"
    assert visit.run(sent=False)  # told, once more if it was
    assert visit.state["points"] is True
    assert not visit.run(sent=True)
    messages.memory_of(visit.state).finished_before = True
    vars(visit.state.query_params)["_came_with_older_address"] = False
    assert not visit.run(sent=False)
    assert visit.state["points"] is False


@pytest.mark.parametrize("drawn", [True, False])
def test_a_switch_that_was_away_is_told_again(drawn: bool) -> None:
    visit = Visit()
    visit.run()
    visit.run(sent=True)
    visit.finish(drawn)
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


class Addresses:
    """The address that a page sees, and what its browser is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.params = QueryParams()
        self.told: list[str] = []
        self.is_history_navigation = False
        self.query_string = ""
        for module in (clicks, query_params):
            monkeypatch.setattr(module, "get_script_run_ctx", lambda: self)

    def enqueue(self, message: ForwardMsg) -> None:
        self.told.append(message.page_info_changed.query_string)

    def run(self, sent: str, *, back: bool = False, page: set[str] | None = None) -> dict[str, str]:
        """Begin a run with what the browser sent; returns what the page sees."""
        self.is_history_navigation = back
        self.params.populate_from_query_string(sent, page)
        return self.params.to_dict()


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> Addresses:
    return Addresses(monkeypatch)


def test_an_address_that_was_replaced_is_not_taken_for_a_new_one(addresses: Addresses) -> None:
    assert addresses.run("picture=cat") == {"picture": "cat"}  # a link
    addresses.params.from_dict({"picture": "dog"})
    assert addresses.run("picture=cat") == {"picture": "dog"}  # sent before the browser had heard
    assert set(addresses.told) == {"picture=dog"}
    addresses.told.clear()
    assert addresses.run("picture=dog") == {"picture": "dog"}
    assert not addresses.told


def test_an_address_is_told_even_if_the_browser_sent_it_before_it_heard_of_another(addresses: Addresses) -> None:
    addresses.run("")
    addresses.params.from_dict({"show": "points"})
    addresses.run("")
    addresses.params.from_dict({})
    assert addresses.told[-1] == ""


def test_back_leads_to_an_older_address_and_stays_there(addresses: Addresses) -> None:
    addresses.run("picture=cat")
    addresses.params.from_dict({"picture": "dog"})
    assert addresses.run("picture=cat", back=True) == {"picture": "cat"}
    assert addresses.run("picture=cat") == {"picture": "cat"}


def test_another_page_has_an_address_of_its_own(addresses: Addresses) -> None:
    addresses.run("picture=cat")
    addresses.params.from_dict({"picture": "dog"})
    assert addresses.run("", page={"explore", "compare"}) == {}
    assert addresses.run("") == {}


def test_after_back_the_address_is_told_at_the_end(addresses: Addresses) -> None:
    addresses.run("picture=cat")
    assert not vars(addresses.params)[messages.UNSURE]
    addresses.params.from_dict({"picture": "dog"})
    addresses.run("picture=cat", back=True)  # before it heard of the dog, which it will show when it does
    assert vars(addresses.params)[messages.UNSURE]


def test_what_was_said_of_a_page_is_kept_by_a_message_that_asks_for_another() -> None:
    old, new = WidgetStates(), WidgetStates()
    old.widgets.add(id="switch", bool_value=True)
    new.widgets.add(id="other", bool_value=True)
    found = script_requests._coalesce_widget_states(old, new)
    assert found is not None
    assert {one.id for one in found.widgets} == {"switch", "other"}
