from __future__ import annotations

import pytest

from cnnfix_ui.rooms.codes import LETTERS
from cnnfix_ui.rooms.errors import RoomEndedError, RoomError
from cnnfix_ui.rooms.registry import MOST_ROOMS, Rooms
from cnnfix_ui.rooms.room import LONGEST
from tests.rooms.making import LESSON, Clock, opened, visitor

TEACHER, PUPIL, STRANGER = visitor("teacher"), visitor("pupil"), visitor("stranger")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(clock: Clock) -> Rooms:
    return Rooms(clock)


def test_a_room_is_found_by_its_code_and_keys(rooms: Rooms) -> None:
    room = rooms.open(LESSON, who=TEACHER)
    assert rooms.with_code(f" {room.code.lower()} ", PUPIL) is room
    assert rooms.with_key("desk", room.desk) is room  # reopened on another machine
    assert rooms.with_key("board", room.board) is room


def test_a_key_opens_its_own_screen_alone(rooms: Rooms) -> None:
    room = rooms.open(LESSON, who=TEACHER)
    for screen, key in (("desk", room.board), ("board", room.desk), ("desk", room.code), ("desk", ""), ("desk", "ä")):
        with pytest.raises(RoomEndedError):
            rooms.with_key(screen, key)


def test_a_stranger_finds_nothing_and_must_wait(rooms: Rooms, clock: Clock) -> None:
    room = rooms.open(LESSON, who=TEACHER)
    wrong = [code for code in (letter * 5 for letter in LETTERS * 2) if code != room.code]
    refused = 0
    for code in wrong:
        with pytest.raises(RoomError) as told:
            rooms.with_code(code, STRANGER)
        refused += "Too many" in str(told.value)
    assert refused == len(wrong) - 20
    with pytest.raises(RoomError, match="Too many"):
        rooms.with_code(room.code, STRANGER)  # even the right one
    assert rooms.with_code(room.code, PUPIL) is room


def test_guesses_of_a_pupil_do_not_keep_the_teacher_out(rooms: Rooms) -> None:
    """The desk is loaded again while somebody behind the same address sends wrong codes without end."""
    room = rooms.open(LESSON, who=TEACHER)
    for number in range(300):
        with pytest.raises(RoomError):
            rooms.with_code("BBBBB", visitor(str(number)))
    assert rooms.with_key("desk", room.desk) is room
    assert rooms.with_key("board", room.board) is room


def test_one_network_does_not_take_all_rooms(rooms: Rooms, clock: Clock) -> None:
    taken = [rooms.open(LESSON, who=visitor(str(n), f"10.9.0.{n % 2}")) for n in range(MOST_ROOMS)]
    taken[0].join("pupil")  # a class is in this one
    for room in taken[1:]:
        room.look()
    with pytest.raises(RoomError, match=f"{MOST_ROOMS} rooms are open"):
        rooms.open(LESSON, who=TEACHER)  # perhaps they have just begun
    clock.now += 320
    taken[0].came_back(next(iter(taken[0].names())))
    for room in taken[1:]:
        room.look()
    own = [rooms.open(LESSON, who=visitor(f"teacher {n}")) for n in range(5)]
    assert all(room.moment.phase == "joining" for room in own)
    assert taken[0].moment.phase == "joining"
    assert sum(room.moment.phase == "ended" for room in taken) == 5


def test_ended_rooms_are_forgotten(rooms: Rooms, clock: Clock) -> None:
    first, second = (rooms.open(LESSON, who=TEACHER) for _ in range(2))
    first.end()
    with pytest.raises(RoomError, match="No class has this code"):
        rooms.with_code(first.code, PUPIL)
    with pytest.raises(RoomEndedError):
        rooms.with_key("desk", first.desk)
    clock.now += LONGEST
    with pytest.raises(RoomError):
        rooms.with_code(second.code, PUPIL)
    assert len(rooms) == 0


def test_limits_of_rooms(rooms: Rooms, clock: Clock) -> None:
    for _ in range(3):
        rooms.open(LESSON, who=TEACHER)
    with pytest.raises(RoomError, match="You have 3 rooms open"):
        rooms.open(LESSON, who=TEACHER)
    for number in range(7):
        rooms.open(LESSON, who=visitor(f"other {number}"))
    with pytest.raises(RoomError, match="from your network"):
        rooms.open(LESSON, who=STRANGER)
    away = [rooms.open(LESSON, who=visitor("x", f"10.1.0.{number}")) for number in range(MOST_ROOMS - 10)]
    with pytest.raises(RoomError, match=f"{MOST_ROOMS} rooms are open"):
        rooms.open(LESSON, who=visitor("x", "10.2.0.0"))
    clock.now += 2000
    for room in away[1:]:
        room.look()
    rooms.open(LESSON, who=visitor("x", "10.2.0.0"))  # in the place of one that everybody had left
    assert len(rooms) == MOST_ROOMS


def test_opening_and_ending_leaves_nothing(rooms: Rooms) -> None:
    for _ in range(200):
        room = rooms.open(LESSON, who=TEACHER)
        room.join()
        room.end()
    rooms.open(LESSON, who=TEACHER)
    assert len(rooms) == 1
    assert len(rooms._owners) == 1


def test_polls_become_rarer_with_the_load(rooms: Rooms) -> None:
    for number in range(MOST_ROOMS):
        room = rooms.open(LESSON, who=visitor("x", f"10.0.{number}.0"))
        assert rooms.period(room) == 1
        for _ in range(30):
            room.join()
        if number == 0:
            assert rooms.period(room) == 1
    assert rooms.period(room) == 20


def test_phones_of_a_stranger_do_not_slow_a_class_down(rooms: Rooms) -> None:
    room = rooms.open(LESSON, who=TEACHER)
    for _ in range(30):
        room.join()
    for number in range(10):
        other = rooms.open(LESSON, who=visitor(str(number), "10.9.0.1"))
        for _ in range(60):
            other.join()
    assert rooms.period(room) == 2
    assert rooms.period(other) == 20


def test_classes_do_not_see_each_other(rooms: Rooms) -> None:
    first, second = (rooms.open(LESSON, who=TEACHER) for _ in range(2))
    token = first.join("cookie")
    opened(second, 1)
    assert not second.came_back(token)
    with pytest.raises(RoomError):
        second.send(token, 1, [[0.5, 0.5]])
    assert second.join("cookie") != token
