"""Work that is done ahead, while nobody waits; and work that is not done twice."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnfix_core import EVIDENCE, Model, Picture, attribute, open_picture
from cnnfix_core.errors import ModelError
from cnnfix_core.explanations import RecordedPicture
from cnnfix_core.regions import MAP_SIDE
from cnnfix_ui.server import questions, results
from cnnfix_ui.server.ahead import Ahead
from cnnfix_ui.server.cache import Cache
from cnnfix_ui.server.visitors import Visitor

SECONDS = 20
A, B = (Visitor("10.0.0.1", name) for name in "ab")


class Log:
    """What was done, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self._changed = threading.Condition()

    def does(self, name: str, error: Exception | None = None) -> Callable[[], None]:
        def work() -> None:
            with self._changed:
                self.done.append(name)
                self._changed.notify_all()
            if error:
                raise error

        return work

    def wait_for(self, *names: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.done == list(names), SECONDS), self.done


def test_nothing_is_done_where_no_server_runs() -> None:
    log = Log()
    Ahead(idle=lambda: True).prepare(A, [log.does("a")])
    assert log.done == []


def test_the_visitor_who_came_last_is_served_first_and_new_work_replaces_old() -> None:
    log, idle = Log(), threading.Event()
    ahead = Ahead(idle=idle.is_set)
    ahead.start()
    ahead.prepare(A, [log.does("a1"), log.does("a2")])
    ahead.prepare(B, [log.does("old")])
    ahead.prepare(B, [log.does("b1"), log.does("b2")])
    assert log.done == []  # somebody waits for an answer
    idle.set()
    log.wait_for("b1", "b2", "a1", "a2")


def test_only_the_last_few_visitors_are_remembered() -> None:
    log, idle = Log(), threading.Event()
    ahead = Ahead(idle=idle.is_set)
    ahead.start()
    for n in range(10):
        ahead.prepare(Visitor("10.0.0.1", str(n)), [log.does(str(n))])
    idle.set()
    log.wait_for(*(str(n) for n in range(9, 1, -1)))


def test_a_failure_ends_nothing_and_only_a_fault_of_ours_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    log = Log()
    ahead = Ahead(idle=lambda: True)
    ahead.start()
    with caplog.at_level(logging.ERROR):
        ahead.prepare(A, [log.does("refused", ModelError("no")), log.does("broken", KeyError("x")), log.does("fine")])
        log.wait_for("refused", "broken", "fine")
    assert [record.message for record in caplog.records] == ["What was done ahead failed"]


def test_an_answer_needs_one_recording_even_if_it_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    class Counted(RecordedPicture):
        def __init__(self, model: Model, picture: Picture, *options: Any, **named: Any) -> None:
            made.append(picture.digest)
            super().__init__(model, picture, *options, **named)

    monkeypatch.setattr(questions, "RecordedPicture", Counted)
    monkeypatch.setattr(questions, "_computed", Cache(0, lambda one: one.nbytes))
    network, chance = results.Network("scenes_resnet", results.loaded("scenes_resnet")), np.random.default_rng(8)
    mine, other = (open_picture(chance.integers(0, 255, (64, 64, 3), np.uint8)) for _ in range(2))
    answer = results.explained(network, mine, None, EVIDENCE)
    results.explained(network, other, None, EVIDENCE)  # takes the place of the first recording
    map_ = results.gradcam(network, mine, answer.asked, answer.preset.crops)
    assert made == [mine.digest, other.digest]
    assert np.allclose(map_, attribute(network.model, mine, answer.asked, "gradcam", longest_side=MAP_SIDE), atol=1e-5)


def test_what_was_done_is_not_kept() -> None:
    class Held:
        def __call__(self) -> None:
            done.set()

    ahead, done, held = Ahead(idle=lambda: True), threading.Event(), Held()
    gone = weakref.ref(held)
    ahead.start()
    ahead.prepare(A, [held])
    del held
    assert done.wait(SECONDS)
    end = time.monotonic() + SECONDS
    while gone() is not None and time.monotonic() < end:
        time.sleep(0.01)
    assert gone() is None
