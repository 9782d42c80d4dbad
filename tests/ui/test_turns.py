"""Who computes now: places, order, long ones, and what happens to those who give up."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from cnnfix_ui.errors import UserError
from cnnfix_ui.server.turns import Turns
from cnnfix_ui.server.visitors import NOBODY, Visitor


class Holder:
    """A thread that takes a turn and keeps it until told to leave."""

    def __init__(self, turns: Turns, long: bool = False, who: Visitor = NOBODY) -> None:
        self.failed = ""
        self.inside, self.leave = threading.Event(), threading.Event()
        self.ahead: list[int] = []
        self.threads = 0
        self._thread = threading.Thread(target=self._hold, args=(turns, long, who), daemon=True)
        self._thread.start()

    def _hold(self, turns: Turns, long: bool, who: Visitor) -> None:
        try:
            with turns.acquired(long, self.ahead.append, who):
                self.threads = torch.get_num_threads()
                self.inside.set()
                assert self.leave.wait(30)
        except UserError as error:
            self.failed = str(error)

    def go(self) -> None:
        self.leave.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


def holds(turns: Turns, *, long: bool = False) -> Holder:
    holder = Holder(turns, long)
    assert holder.inside.wait(10)
    return holder


def waits(turns: Turns, *, long: bool = False, who: Visitor = NOBODY) -> Holder:
    """One that has begun to wait, and knows its place."""
    holder = Holder(turns, long, who)
    end = time.monotonic() + 60
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


ANN, BOB, CLEO = Visitor("10.0.0.1", "a"), Visitor("10.0.0.2", "b"), Visitor("10.0.0.3", "c")


def _order(turns: Turns, first: Holder, waiting: dict[str, Holder]) -> list[str]:
    """The order in which they get their turns, one after the other."""
    order = []
    before = first
    while waiting:
        before.go()
        end = time.monotonic() + 60
        while not (now := [name for name, one in waiting.items() if one.inside.is_set()]):
            assert time.monotonic() < end
            time.sleep(0.01)
        order += now
        before = waiting.pop(now[0])
    before.go()
    return order


def test_visitors_take_turns_however_many_pages_they_have() -> None:
    turns = Turns(places=1, long=1, max_waiting=20)
    first = Holder(turns, who=ANN)
    assert first.inside.wait(10)
    waiting = {f"ann {n}": waits(turns, who=ANN) for n in range(4)}
    waiting |= {f"bob {n}": waits(turns, who=BOB) for n in range(2)}
    waiting |= {"cleo": waits(turns, who=CLEO)}
    assert waiting["cleo"].ahead[0] <= 2
    assert _order(turns, first, waiting) == ["bob 0", "cleo", "ann 0", "bob 1", "ann 1", "ann 2", "ann 3"]


def test_addresses_take_turns_before_their_browsers_do() -> None:
    turns = Turns(places=1, long=1, max_waiting=20)
    first = Holder(turns, who=ANN)
    assert first.inside.wait(10)
    waiting = {f"ann {n}": waits(turns, who=Visitor(ANN.address, str(n))) for n in range(3)}  # cookies are free
    waiting |= {"bob 0": waits(turns, who=BOB), "bob 1": waits(turns, who=BOB)}
    assert _order(turns, first, waiting) == ["bob 0", "ann 0", "bob 1", "ann 1", "ann 2"]


def test_one_visitor_s_requests_are_bounded_and_leave_room_for_others() -> None:
    turns = Turns(places=1, long=1, max_waiting=4, max_each=3)
    first = Holder(turns, who=ANN)
    assert first.inside.wait(10)
    anns = [waits(turns, who=ANN) for _ in range(3)]
    with pytest.raises(UserError, match="3 of your pages are waiting"), turns.acquired(who=ANN):
        pass
    others = [waits(turns, who=BOB), waits(turns, who=CLEO)]  # the queue is full for the second
    assert anns[2].ahead
    end = time.monotonic() + 60
    while not anns[2].failed:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert "you ask most" in anns[2].failed
    waiting = {"ann 0": anns[0], "ann 1": anns[1], "bob": others[0], "cleo": others[1]}
    assert _order(turns, first, waiting) == ["bob", "cleo", "ann 0", "ann 1"]


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
