"""All rooms of this server, found by their codes and keys."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from hmac import compare_digest
from typing import Literal

from cnnfix_core.lessons import Lesson
from cnnfix_ui.rooms.codes import Guesses, code_in, new_code
from cnnfix_ui.rooms.errors import RoomEndedError, RoomError
from cnnfix_ui.rooms.room import Room
from cnnfix_ui.server.visitors import NOBODY, Visitor

MOST_ROOMS = 20
_EACH, _ADDRESS = 3, 10  # rooms that one browser, and all browsers of an address, may have open
_GIVES_WAY = 1800.0  # seconds without anybody after which a room makes place for another
_TIME_TO_BEGIN = 300.0  # seconds that a room has until somebody must use it, if others need the place
_POLLS = 30  # that all phones together may send in a second
_SLOWEST = 20.0  # seconds
_WATCH = 30.0  # seconds between two looks for rooms whose time is over


class Rooms:
    """Rooms by code. clock: seconds, never going back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rooms: dict[str, Room] = {}
        self._owners: dict[str, Visitor] = {}
        self._guesses = Guesses(clock)
        self._watched = False

    def open(self, lesson: Lesson, *, nicknames: bool = False, start: int = 0, who: Visitor = NOBODY) -> Room:
        """A new room. Raises RoomError if there are too many."""
        with self._lock:
            self._drop_ended()
            self._make_place(who)
            code = new_code(self._rooms)
            room = Room(lesson, code, nicknames=nicknames, start=start, clock=self._clock)
            self._rooms[code], self._owners[code] = room, who
            if not self._watched:
                self._watched = True
                threading.Thread(target=self._watch, name="rooms", daemon=True).start()
        return room

    def with_code(self, text: str, who: Visitor, token: str = "") -> Room:
        """The room with the code that somebody typed. Raises RoomError if there is none, or after too many guesses.

        token: of a phone that is in already, which others' guesses must not keep out.
        """
        with self._lock:
            self._drop_ended()
            room = self._rooms.get(code_in(text))
        if room and room.came_back(token):
            return room
        self._guesses.check(who)
        if room is None:
            self._guesses.wrong(who)
            raise RoomError("No class has this code.")
        return room

    def with_key(self, screen: Literal["desk", "board"], key: str) -> Room:
        """The room of this desk or board. Raises RoomEndedError if there is none.

        Nobody guesses 128 bits, so wrong keys are not counted: a pupil's guesses must not keep out the teacher.
        """
        with self._lock:
            self._drop_ended()
            rooms = list(self._rooms.values())
        for room in rooms:
            if compare_digest(getattr(room, screen).encode(), key[:100].encode()):
                return room
        raise RoomEndedError

    def watched(self, screen: str, key: str) -> Room | None:
        """The room that a phone (by its token), a desk or a board (by their keys) is in; notes that it is there."""
        with self._lock:
            open_rooms = [room for room in self._rooms.values() if room.moment.phase != "ended"]
        for room in open_rooms:
            if screen == "phone" and room.came_back(key):
                return room
            if screen in ("desk", "board") and compare_digest(getattr(room, screen).encode(), key[:100].encode()):
                if screen == "desk":
                    room.look()
                return room
        return None

    def period(self, room: Room) -> float:
        """Seconds between two polls of a phone in this room: more, the more phones there are.

        Networks share the polls evenly, so that the phones of one do not slow down those of another.
        """
        phones: Counter[str] = Counter()
        with self._lock:
            for code, one in self._rooms.items():
                phones[self._owners[code].address] += one.count().present
            owner = self._owners.get(room.code, NOBODY)
        return min(_SLOWEST, max(1.0, phones[owner.address] * len(+phones) / _POLLS))

    def __len__(self) -> int:
        with self._lock:
            return len(self._rooms)

    def _watch(self) -> None:
        """Erase rooms in time, also if nobody asks any more. Ends with the last room."""
        while True:
            time.sleep(_WATCH)
            with self._lock:
                self._drop_ended()
                self._watched = bool(self._rooms)
                if not self._watched:
                    return

    def _drop_ended(self) -> None:
        for code in [code for code, room in self._rooms.items() if room.moment.phase == "ended"]:
            self._drop(code)

    def _drop(self, code: str) -> None:
        self._rooms.pop(code).end()
        del self._owners[code]

    def _make_place(self, who: Visitor) -> None:
        owners = list(self._owners.values())
        if owners.count(who) >= _EACH:
            raise RoomError(f"You have {_EACH} rooms open: end one of them first.")
        if sum(one.address == who.address for one in owners) >= _ADDRESS:
            raise RoomError(f"{_ADDRESS} rooms are open from your network: end one of them first.")
        if len(self._rooms) < MOST_ROOMS:
            return
        giving = [code for code in self._rooms if self._gives_way(code, who.address)]
        if not giving:
            raise RoomError(f"{MOST_ROOMS} rooms are open on this server: try again later.")
        self._drop(max(giving, key=lambda code: self._rooms[code].idle()))

    def _gives_way(self, code: str, address: str) -> bool:
        """Whether a room may be ended for another: nobody is there, or it is unused and its network has many more."""
        room, open_ = self._rooms[code], Counter(one.address for one in self._owners.values())
        if room.idle() >= _GIVES_WAY:
            return True
        many = open_[self._owners[code].address] > open_[address] + 1
        return many and room.age() >= _TIME_TO_BEGIN and not room.used()


rooms = Rooms()
