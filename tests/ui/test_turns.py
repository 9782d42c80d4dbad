"""Who computes now: places, order, long ones, and what happens to those who give up."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from cnnfix_ui.errors import UserError
from cnnfix_ui.server.turns import Turns


class Holder:
    """A thread that takes a turn and keeps it until told to leave."""

    def __init__(self, turns: Turns, long: bool = False) -> None:
        self.inside, self.leave = threading.Event(), threading.Event()
        self.ahead: list[int] = []
        self.threads = 0
        self._thread = threading.Thread(target=self._hold, args=(turns, long), daemon=True)
        self._thread.start()

    def _hold(self, turns: Turns, long: bool) -> None:
        with turns.acquired(long, self.ahead.append):
            self.threads = torch.get_num_threads()
            self.inside.set()
            assert self.leave.wait(30)

    def go(self) -> None:
        self.leave.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


def holds(turns: Turns, *, long: bool = False) -> Holder:
    holder = Holder(turns, long)
    assert holder.inside.wait(10)
    return holder


def waits(turns: Turns, *, long: bool = False) -> Holder:
    """One that has begun to wait, and knows its place."""
    holder = Holder(turns, long)
    end = time.monotonic() + 10
    while not holder.ahead:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not holder.inside.is_set()
    return holder


def test_those_who_wait_come_in_the_order_in_which_they_came() -> None:
    turns = Turns(places=1, long=1, max_waiting=10)
    first = holds(turns)
    queue = [waits(turns) for _ in range(3)]
    assert [holder.ahead[0] for holder in queue] == [0, 1, 2]
    before = first
    for holder in queue:
        before.go()
        assert holder.inside.wait(10)
        assert sum(other.inside.is_set() for other in queue) == queue.index(holder) + 1
        before = holder
    before.go()
    holds(turns).go()


def test_quick_ones_get_through_beside_long_ones() -> None:
    turns = Turns(places=2, long=1, max_waiting=10)
    long = holds(turns, long=True)
    second_long = waits(turns, long=True)
    quick = holds(turns)  # although it came later
    quick.go()
    assert not second_long.inside.is_set()
    long.go()
    assert second_long.inside.wait(10)
    second_long.go()


def test_one_who_has_a_turn_needs_no_other() -> None:
    turns = Turns(places=1, long=1, max_waiting=10)
    with turns.acquired(), turns.acquired(long=True):
        pass
    holds(turns).go()


def test_too_many_are_told_so_and_leave_no_trace() -> None:
    turns = Turns(places=1, long=1, max_waiting=1)
    first, second = holds(turns), waits(turns)
    with pytest.raises(UserError, match="1 other visitors are waiting"), turns.acquired():
        pass
    first.go()
    second.go()
    holds(turns).go()


def test_who_gives_up_while_waiting_leaves_the_queue() -> None:
    turns = Turns(places=1, long=1, max_waiting=10)
    first = holds(turns)

    def give_up(_ahead: int) -> None:
        raise KeyError

    with pytest.raises(KeyError), turns.acquired(on_wait=give_up):
        pass
    second = waits(turns)
    assert second.ahead == [0]
    first.go()
    second.go()


def test_a_turn_that_fails_is_given_back() -> None:
    turns = Turns(places=1, long=1, max_waiting=10)
    with pytest.raises(KeyError), turns.acquired():
        raise KeyError
    holds(turns).go()


def test_threads_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnfix_ui.server import turns as module

    monkeypatch.setattr(module, "_PROCESSORS", 4)
    turns = Turns(places=4, long=1, max_waiting=10)
    alone = holds(turns)
    assert alone.threads == 4
    beside = holds(turns)
    assert beside.threads == 2
    alone.go()
    beside.go()
