"""Untrusted networks that never run in this process: what they do there costs this one a sentence."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from cnnfix_core import CnnfixError, Explanation, Model, Picture, Preset, attribute, coverage, explain
from cnnfix_core.engine import EVIDENCE, Coverage
from cnnfix_core.errors import ModelError, RecordError, TargetError
from cnnfix_core.explanations import view_scores
from cnnfix_core.utils.plain_data import PlainDataError, packed, unpacked
from cnnfix_core.zoo import FileOptions, asked, is_elsewhere, open_tried
from cnnfix_core.zoo.untrusted import apart, elsewhere
from cnnfix_core.zoo.untrusted.program import Program
from tests.processes import wait_until_ended
from tests.zoo.test_apart import GOOD
from tools import fuzz

pytestmark = pytest.mark.skipif(not apart.possible(), reason="this system cannot fork")


@pytest.fixture(scope="module")
def there() -> Model:
    return open_tried(GOOD, FileOptions("good"), elsewhere=True).model


# --- questions: functions of a module, as pages have them -------------------------------------------------------------


def process_of(_: Model) -> int:
    return os.getpid()


def explained(model: Model, picture: Picture, target: int | None, preset: Preset) -> Explanation:
    return explain(model, picture, target, preset).without_traces()


def crashes(_: Model) -> int:
    os.kill(os.getpid(), signal.SIGSEGV)
    return 0


def grows(_: Model) -> int:
    return len(bytes(5_000_000_000))


def lasts(_: Model) -> int:
    while True:
        pass


def sleeps(_: Model, report: Callable[..., None]) -> int:
    report(0.5, 7)
    time.sleep(60)
    return 0


def imports(model: Model, picture: Picture) -> list[str]:
    before = set(sys.modules)
    attribute(model, picture, 1, "saliency")
    return sorted({name.partition(".")[0] for name in set(sys.modules) - before} - {"cnnfix_core"})


def lies(_: Model) -> int:
    return "a text"  # type: ignore[return-value]


def code(_: Model) -> Any:
    return CnnfixError


def says(model: Model) -> int:
    return model.labels.find("nobody")


# --- what they find ---------------------------------------------------------------------------------------------------


def test_it_says_there_what_it_says_here(there: Model, cat: Picture) -> None:
    here, report = open_tried(GOOD, FileOptions("good"))
    assert here.facts == there.facts
    assert here.nbytes == there.nbytes
    scores = asked(there, view_scores, cat, "whole")
    np.testing.assert_allclose(scores, view_scores(here, cat, "whole"), rtol=1e-5)
    one, other = asked(there, explained, cat, 1, EVIDENCE), explained(here, cat, 1, EVIDENCE)
    assert one.target.label == other.target.label
    np.testing.assert_allclose(one.map(64), other.map(64), atol=1e-5)
    assert isinstance(report, Coverage)
    (view,) = here.views(cat, "whole")
    assert report.operations == coverage(here.module, here.inputs(cat, [view]), target=here.top_score).operations


def test_methods_import_nothing_heavy_in_each_process(there: Model, cat: Picture) -> None:
    assert not {"captum", "matplotlib", "scipy"} & set(asked(there, imports, cat))


def test_the_network_never_runs_here(cat: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("run in this process")

    monkeypatch.setattr(Program, "run", never)
    model, report = open_tried(GOOD, FileOptions("good"), elsewhere=True)
    assert isinstance(report, Coverage)  # also the trial walk
    assert is_elsewhere(model)
    assert not any(one.device.type != "meta" for one in model.module.buffers())
    assert asked(model, process_of) != os.getpid()
    assert asked(model, explained, cat, None, EVIDENCE).fixations
    for run in (lambda: model.module(torch.rand(1, 3, 16, 16)), lambda: explain(model, cat)):
        with pytest.raises((ModelError, RecordError), match="not possible with your own network on a server"):
            run()


@pytest.mark.parametrize(
    ("question", "complaint"),
    [
        (crashes, "made its process crash, so there is no answer"),
        (grows, "more than 2 GB of memory for this, so there is no answer"),
        (lasts, "more than 1 s to answer this, so there is no answer"),
        (lies, "what comes back is no answer"),
        (code, "cannot be used"),
    ],
)
def test_what_goes_wrong_there_costs_a_sentence(
    question: Callable[[Model], Any], complaint: str, there: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    asker = there
    if question is lasts:  # the others get all the time there is: to import this module takes a process a while
        monkeypatch.setattr(apart, "MAX_ANSWER_SECONDS", 1)
        asker = open_tried(GOOD, FileOptions("good"), elsewhere=True).model
    with pytest.raises(ModelError, match=complaint) as raised:
        asked(asker, question)
    assert "\n" not in str(raised.value)
    monkeypatch.undo()
    assert asked(there, process_of)  # the next question is answered


def test_the_fuzzer_sees_that_a_process_ended(there: Model) -> None:
    for question, ended in ((crashes, True), (grows, True), (says, False)):
        with pytest.raises(CnnfixError) as raised:
            asked(there, question)
        assert fuzz.was_ended(raised.value) is ended


def test_errors_of_this_package_come_back_as_they_are(there: Model) -> None:
    before = asked(there, process_of)
    with pytest.raises(TargetError, match="nobody"):
        asked(there, says)
    assert asked(there, process_of) == before


def test_progress_is_told_and_a_question_can_be_given_up(there: Model) -> None:
    class GivenUpError(Exception):
        pass

    told = []

    def report(share: float, result: object = None) -> None:
        told.append((share, result))
        if len(told) > 2:
            raise GivenUpError

    started, pid = time.monotonic(), asked(there, process_of)
    with pytest.raises(GivenUpError):
        asked(there, sleeps, report=report)
    assert time.monotonic() - started < 20
    assert told[0] == (0.5, 7)
    wait_until_ended([pid])


def test_few_such_processes_stay(there: Model) -> None:
    first = asked(there, process_of)
    others = [open_tried(GOOD, FileOptions("good"), elsewhere=True).model for _ in range(elsewhere._MOST)]
    pids = [asked(one, process_of) for one in others]
    wait_until_ended([first])
    assert asked(there, process_of) not in (first, *pids)
    pid = asked(others[-1], process_of)
    del others
    gc.collect()
    wait_until_ended([pid])  # with its model


# --- plain data -------------------------------------------------------------------------------------------------------


def test_plain_data_is_what_its_type_says(cat: Picture, model: Model) -> None:
    found = explain(model, cat, (281, 282)).without_traces()
    again = unpacked(Explanation, *packed(found))
    assert packed(again) == packed(found)
    assert (again.views, again.target, again.preset) == (found.views, found.target, found.preset)
    assert type(again.views[0].resample) is type(found.views[0].resample)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("1", int),
        (True, int),
        (1.5, int),
        (None, str),
        ([1, "a"], tuple[int, ...]),
        ([1], tuple[int, int]),
        ({"a": 1}, Preset),
        (np.zeros(3), NDArray[np.int64]),
        (np.zeros(3, np.int64), NDArray[np.floating]),
        ("nobody", Picture),
        ([[]] * 9, dict[str, int]),
    ],
)
def test_what_is_not_of_its_type_is_refused(value: object, kind: Any) -> None:
    with pytest.raises(PlainDataError):
        unpacked(kind, *packed(value))
    with pytest.raises(TypeError, match="no plain data"):
        packed([value, object()])
