from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cnnfix_ui.rooms.errors import RoomEndedError, RoomError
from cnnfix_ui.rooms.room import LONGEST, MOST_PUPILS, Moment, Room
from tests.rooms.making import LESSON, Clock, opened

TAP = [[0.5, 0.5]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def room(clock: Clock) -> Room:
    return Room(LESSON, "BCDFG", clock=clock)


def test_way_through_a_lesson(room: Room) -> None:
    seen = [room.moment]
    while room.advance(room.moment):
        seen.append(room.moment)
    expected = [Moment(0, "joining"), Moment(0, "revealed")]
    expected += [Moment(step, phase) for step in range(1, 6) for phase in ("waiting", "open", "closed", "revealed")]
    assert seen == expected


def test_a_press_counts_for_what_was_seen(room: Room) -> None:
    seen = room.moment
    assert room.advance(seen)
    assert not room.advance(seen)
    assert room.moment == (0, "revealed")


def test_answers_are_replaced_until_closed(room: Room, clock: Clock) -> None:
    token = room.join()
    opened(room, 1)
    room.send(token, 1, TAP)
    clock.now += 1
    room.send(token, 1, [[0.1, 0.2]])
    assert room.answers(1) == [((0.1, 0.2),)]
    assert room.count().answered == 1
    assert room.advance(room.moment)
    clock.now += 1
    with pytest.raises(RoomError, match="Answers are closed"):
        room.send(token, 1, TAP)
    assert room.answer_of(token, 1) == ((0.1, 0.2),)
    assert room.reopen(room.moment)
    room.send(token, 1, TAP)
    assert room.answers(1) == [((0.5, 0.5),)]


def test_no_answers_before_open_nor_for_another_step(room: Room, clock: Clock) -> None:
    token = room.join()
    for at in range(len(LESSON.steps)):
        clock.now += 2
        with pytest.raises(RoomError):
            room.send(token, at, TAP)
    opened(room, 1)
    with pytest.raises(RoomError):
        room.send(token, 2, 1)


def test_one_send_a_second(room: Room, clock: Clock) -> None:
    token = room.join()
    opened(room, 1)
    room.send(token, 1, TAP)
    clock.now += 0.5
    with pytest.raises(RoomError, match="again in a second"):
        room.send(token, 1, [[0.1, 0.1]])
    assert room.answer_of(token, 1) == ((0.5, 0.5),)
    clock.now += 0.5
    room.send(token, 1, [[0.1, 0.1]])


def test_strangers_send_nothing(room: Room) -> None:
    opened(room, 1)
    for token in ("", "board", "x" * 22, room.desk, room.board):
        with pytest.raises(RoomError):
            room.send(token, 1, TAP)
    assert room.answers(1) == []


def test_the_teacher_taps_for_the_class(room: Room) -> None:
    opened(room, 1)
    room.send_from_board(1, TAP)
    room.send_from_board(1, [*TAP, [0.1, 0.1]])
    assert room.answers(1) == [((0.5, 0.5), (0.1, 0.1))]
    assert room.count().answered == 1


def test_late_joiners_land_where_the_room_is(room: Room) -> None:
    opened(room, 2)
    token = room.join()
    room.send(token, 2, 1)
    assert room.answers(2) == [1]


def test_a_browser_is_one_pupil(room: Room, clock: Clock) -> None:
    token = room.join("cookie")
    opened(room, 1)
    room.send(token, 1, TAP)
    assert room.join("cookie") == token
    assert room.join("another") != token
    assert room.join("") != room.join("")
    room.lock(True)
    assert room.join("cookie") == token  # back after a lost network
    with pytest.raises(RoomError, match="locked"):
        room.join("new")


def test_places(room: Room, clock: Clock) -> None:
    tokens = [room.join() for _ in range(MOST_PUPILS)]
    with pytest.raises(RoomError, match="full"):
        room.join()
    opened(room, 1)
    room.send(tokens[0], 1, TAP)
    clock.now += 700
    for token in tokens[2:]:
        assert room.came_back(token)
    assert room.join()  # takes the place of the one that was away and never answered
    assert not room.came_back(tokens[1])
    assert room.came_back(tokens[0])
    with pytest.raises(RoomError, match="full"):
        room.join()


def test_presence(room: Room, clock: Clock) -> None:
    tokens = [room.join() for _ in range(3)]
    opened(room, 1)
    room.send(tokens[0], 1, TAP)
    assert (room.count().answered, room.count().present) == (1, 3)
    clock.now += 60
    room.came_back(tokens[1])
    assert (room.count().answered, room.count().present) == (1, 2)  # the one who answered, the one who is back


def test_remove(room: Room) -> None:
    tokens = [room.join() for _ in range(2)]
    opened(room, 1)
    for token in tokens:
        room.send(token, 1, TAP)
    version = room.version
    (number, _, answered), _ = room.pupils()
    assert answered
    room.remove(number)
    room.remove(99)
    assert room.version > version
    assert not room.came_back(tokens[0])
    assert len(room.answers(1)) == 1
    with pytest.raises(RoomError, match="type the code again"):
        room.send(tokens[0], 1, TAP)


def test_the_end_erases(room: Room, clock: Clock) -> None:
    token = room.join()
    opened(room, 1)
    room.send(token, 1, TAP)
    clock.now += LONGEST
    assert room.moment.phase == "ended"
    assert room.answers(1) == []
    assert room.pupils() == []
    for act in (
        room.join,
        lambda: room.send(token, 1, TAP),
        lambda: room.advance(room.moment),
        lambda: room.reopen(room.moment),
        lambda: room.go_to(0),
        lambda: room.send_from_board(1, TAP),
    ):
        with pytest.raises(RoomEndedError, match="This class has ended"):
            act()


def test_start_at_a_step() -> None:
    room = Room(LESSON, "BCDFG", start=3)
    assert room.advance(room.moment)
    assert room.moment == (3, "waiting")
    assert Room(LESSON, "BCDFG", start=99).moment.step == len(LESSON.steps) - 1


def test_leaving_a_step_closes_it(room: Room) -> None:
    opened(room, 1)
    room.go_to(3)
    assert room.phases()[1] == "closed"
    room.go_to(1)
    assert room.moment == (1, "closed")
    with pytest.raises(RoomError):
        room.go_to(99)


def test_many_threads_at_once(room: Room) -> None:
    tokens = [room.join() for _ in range(MOST_PUPILS)]
    opened(room, 2)
    together = threading.Barrier(8)

    def press() -> int:
        together.wait()
        return sum(room.advance(Moment(2, "open")) for _ in range(50))

    def answer(token: str) -> bool:
        try:
            room.send(token, 2, 1)
        except RoomError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        presses = [pool.submit(press) for _ in range(8)]
        sent = list(pool.map(answer, tokens))
        assert sum(one.result() for one in presses) == 1  # eight pressed, one counted
    assert room.moment == (2, "closed")
    assert len(room.answers(2)) == sum(sent)  # what was confirmed is there, what was refused is not


def test_joins_at_once_keep_the_limit(room: Room) -> None:
    def join(_: int) -> bool:
        try:
            room.join()
        except RoomError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(join, range(200))) == MOST_PUPILS
    assert len(room.pupils()) == MOST_PUPILS


class AnyClass(RuleBasedStateMachine):
    """A class in which anything may happen in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.room = Room(LESSON, "BCDFG", clock=self.clock)
        self.tokens: list[str] = []
        self.answered: dict[tuple[str, int], object] = {}

    @rule()
    def join(self) -> None:
        try:
            self.tokens.append(self.room.join())
        except RoomError:
            assert self.room.locked or len(self.room.pupils()) == MOST_PUPILS or self.room.moment.phase == "ended"

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), option=st.integers(-1, 3), step=st.integers(0, 6))
    def send(self, data: st.DataObject, option: int, step: int) -> None:
        token = data.draw(st.sampled_from(self.tokens))
        moment = self.room.moment
        try:
            self.room.send(token, step, option)
        except RoomError:
            return
        assert moment == (step, "open")
        self.answered[token, step] = option

    @rule()
    def advance(self) -> None:
        before = self.room.moment
        try:
            moved = self.room.advance(before)
        except RoomEndedError:
            assert before.phase == "ended"
            return
        assert moved == (self.room.moment != before)

    @rule(step=st.integers(0, 5))
    def go_to(self, step: int) -> None:
        if self.room.moment.phase != "ended":
            self.room.go_to(step)

    @rule(seconds=st.sampled_from([0.3, 2.0, 100.0, 5000.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(on=st.booleans())
    def lock(self, on: bool) -> None:
        self.room.lock(on)

    @precondition(lambda self: self.room.pupils())
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from([number for number, _, _ in self.room.pupils()]))
        self.room.remove(gone)
        for token in [token for token in self.tokens if not self.room.came_back(token)]:
            self.tokens.remove(token)
            self.answered = {key: value for key, value in self.answered.items() if key[0] != token}

    @invariant()
    def confirmed_answers_are_kept_until_the_end(self) -> None:
        if self.room.moment.phase == "ended":
            assert not self.room.pupils()
            return
        for (token, step), answer in self.answered.items():
            assert self.room.answer_of(token, step) == answer
        assert sum(len(self.room.answers(n)) for n in range(6)) == len(self.answered)

    @invariant()
    def counts_fit(self) -> None:
        count = self.room.count()
        assert count.answered <= count.present <= MOST_PUPILS


AnyClass.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
TestAnyClass = AnyClass.TestCase
