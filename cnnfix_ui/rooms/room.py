"""A room: where a class is in a lesson, who is in, and what they answered.

    joining -> waiting -> open -> closed -> revealed -> the next step ... -> ended

A step without a question is revealed at once. Every method may be called by many threads at a time.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from cnnfix_core.lessons import Lesson, Step
from cnnfix_ui.rooms.answers import Answer, checked
from cnnfix_ui.rooms.codes import new_key
from cnnfix_ui.rooms.errors import RoomEndedError, RoomError
from cnnfix_ui.rooms.nicknames import nickname_in

MOST_PUPILS = 60
LONGEST = 3 * 3600.0  # seconds
_BETWEEN_SENDS = 1.0  # seconds
# Seconds without a sign after which a phone is not counted as in; longer than the slowest polling.
_ABSENT = 40.0
_FORGOTTEN = 600.0  # seconds after which a phone that never answered gives its place to another
BOARD = "board"  # in place of a token: who taps for the class on the projector
Phase = Literal["joining", "waiting", "open", "closed", "revealed", "ended"]


class Moment(NamedTuple):
    """Where a room is. What a teacher does counts only if it was meant for the moment that the room is still in."""

    step: int
    phase: Phase


@dataclass
class Pupil:
    """A phone. number: what the teacher sees, from 1. name: a nickname, or "". browser: to know it again."""

    number: int
    name: str
    browser: str
    seen: float
    sent: float = float("-inf")


@dataclass(frozen=True)
class Count:
    """How many have answered the step, of how many that are in."""

    answered: int
    present: int


@dataclass
class _Doings:
    """Of one step: its phase, and the answers by the token of who gave them."""

    phase: Phase
    answers: dict[str, Answer] = field(default_factory=dict)


class Room:
    """One class.

    Args:
        lesson: what it does.
        code: what pupils type.
        nicknames: whether pupils may have one.
        start: the step that comes after joining.
        clock: seconds, never going back.

    Attributes:
        desk, board: the keys of the teacher's screen and of the projector's.
        scenes, reveals: what pages have drawn of steps; erased at the end.
    """

    def __init__(
        self,
        lesson: Lesson,
        code: str,
        *,
        nicknames: bool = False,
        start: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lesson, self.code, self.nicknames = lesson, code, nicknames
        self.desk, self.board = new_key(), new_key()
        self._clock = clock
        self._ends = clock() + LONGEST
        self._lock = threading.RLock()
        self._step = min(max(start, 0), len(lesson.steps) - 1)
        self._joining, self._ended, self._locked, self._hidden = True, False, False, False
        self._doings = [_Doings("waiting" if step.question else "revealed") for step in lesson.steps]
        self._pupils: dict[str, Pupil] = {}  # by token
        self._number = 0
        self._version = 0
        self._looked = clock()
        self.scenes: dict[int, Any] = {}
        self.reveals: dict[int, Any] = {}

    # What every page asks.

    @property
    def moment(self) -> Moment:
        """Where the room is."""
        with self._lock:
            self._end_in_time()
            if self._ended:
                return Moment(self._step, "ended")
            return Moment(self._step, "joining" if self._joining else self._doings[self._step].phase)

    @property
    def version(self) -> int:
        """Another number whenever all pages must be drawn anew."""
        with self._lock:
            self._end_in_time()
            return self._version

    @property
    def step(self) -> Step:
        """The step that the room is at."""
        return self.lesson.steps[self._step]

    @property
    def locked(self) -> bool:
        """Whether nobody new may join."""
        return self._locked

    @property
    def hidden(self) -> bool:
        """Whether the board shows nothing."""
        return self._hidden

    def count(self) -> Count:
        """How many have answered this step, of how many that are in or have answered."""
        with self._lock:
            answered = self._doings[self._step].answers.keys()
            return Count(len(answered), len(answered | self._present()))

    def answers(self, step: int) -> list[Answer]:
        """What was answered, in no order that says who."""
        with self._lock:
            found = list(self._doings[step].answers.values())
        secrets.SystemRandom().shuffle(found)
        return found

    def phases(self) -> list[Phase]:
        """Of every step."""
        with self._lock:
            return [one.phase for one in self._doings]

    # What a phone does.

    def join(self, browser: str = "", nickname: str = "") -> str:
        """A pupil's token. A browser that is in already gets the token that it has.

        Raises RoomError: the room is locked or full, or the nickname will not do.
        """
        with self._lock:
            self._check()
            known = next((token for token, one in self._pupils.items() if browser and one.browser == browser), None)
            if known:
                return known
            if self._locked:
                raise RoomError("The room is locked. Ask the teacher to open it.")
            name = nickname_in(nickname, (one.name for one in self._pupils.values())) if self.nicknames else ""
            self._make_place()
            token = new_key()
            self._number += 1
            self._pupils[token] = Pupil(self._number, name, browser, self._clock())
            return token

    def knows(self, browser: str) -> bool:
        """Whether this browser is in already."""
        with self._lock:
            return any(browser and one.browser == browser for one in self._pupils.values())

    def came_back(self, token: str) -> bool:
        """Note that a phone is there; False if it is not of this room, or was removed."""
        with self._lock:
            pupil = self._pupils.get(token)
            if pupil:
                pupil.seen = self._clock()
            return pupil is not None

    def send(self, token: str, step: int, sent: Any) -> None:
        """Take what a phone answers to a step; a later answer replaces it.

        Raises RoomError: the phone is not in, answers are closed, this is no answer, or the last one was less than a
            second ago.
        """
        with self._lock:
            self._check()
            pupil = self._pupils.get(token)
            if pupil is None:
                raise RoomError("You are not in this class any more: type the code again.")
            if self.moment == (step, "open"):
                self._check_pace(pupil)
            self._take(token, step, sent)

    def send_from_board(self, step: int, sent: Any) -> None:
        """Take what the teacher taps on the projector for the class. Raises RoomError as `send` does."""
        with self._lock:
            self._check()
            self._take(BOARD, step, sent)

    def answer_of(self, token: str, step: int) -> Answer | None:
        """What this phone answered to a step."""
        with self._lock:
            return self._doings[step].answers.get(token)

    # What the teacher does.

    def advance(self, seen: Moment) -> bool:
        """Do what comes next. False if the room is no longer where the teacher saw it, or there is no next step."""
        following: dict[Phase, Phase] = {"waiting": "open", "open": "closed", "closed": "revealed"}
        with self._lock:
            self._check()
            now = self.moment
            if now != seen or (now.phase == "revealed" and now.step + 1 == len(self.lesson.steps)):
                return False
            if now.phase == "joining":
                self._joining = False
            elif now.phase == "revealed":
                self._step += 1
            else:
                self._doings[now.step].phase = following[now.phase]
            self._version += 1
            return True

    def reopen(self, seen: Moment) -> bool:
        """Take answers again, if the room is still where the teacher saw it, and answers are closed."""
        with self._lock:
            self._check()
            if self.moment != seen or seen.phase != "closed":
                return False
            self._doings[seen.step].phase = "open"
            self._version += 1
            return True

    def go_to(self, step: int) -> None:
        """Go to a step, which is as it was left; answers that are open where the room was are closed."""
        with self._lock:
            self._check()
            if not 0 <= step < len(self.lesson.steps):
                raise RoomError("The lesson has no such step.")
            if self._doings[self._step].phase == "open":
                self._doings[self._step].phase = "closed"
            self._step, self._joining = step, False
            self._version += 1

    def lock(self, on: bool) -> None:
        """Let nobody new in, or again."""
        with self._lock:
            self._locked = on
            self._version += 1

    def hide_board(self, on: bool) -> None:
        """Show nothing on the board, or again."""
        with self._lock:
            self._hidden = on
            self._version += 1

    def pupils(self) -> list[tuple[int, str, bool]]:
        """Of each phone its number, its nickname, and whether it has answered this step."""
        with self._lock:
            answers = self._doings[self._step].answers
            return [(one.number, one.name, token in answers) for token, one in self._pupils.items()]

    def remove(self, number: int) -> None:
        """Put a phone out, with its answers."""
        with self._lock:
            for token in [token for token, one in self._pupils.items() if one.number == number]:
                self._forget(token)
            self._version += 1

    def end(self) -> None:
        """End the class and erase who was in and what they answered."""
        with self._lock:
            self._ended = True
            self._pupils.clear()
            self.scenes.clear()
            self.reveals.clear()
            for one in self._doings:
                one.answers.clear()
            self._version += 1

    def keep_scene(self, step: int, scene: object) -> None:
        """Keep what is shown of a step; pages that show it are drawn anew."""
        with self._lock:
            if not self._ended:
                self.scenes[step] = scene
                self._version += step == self._step

    def keep_reveal(self, step: int, reveal: object) -> None:
        """Keep what is revealed of a step."""
        with self._lock:
            if not self._ended:
                self.reveals[step] = reveal

    def look(self) -> None:
        """Note that the teacher is there."""
        self._looked = self._clock()

    def idle(self) -> float:
        """Seconds since anybody was there."""
        with self._lock:
            return self._clock() - max([self._looked, *(one.seen for one in self._pupils.values())])

    def age(self) -> float:
        """Seconds since it was opened."""
        return self._clock() - self._ends + LONGEST

    def used(self) -> bool:
        """Whether a class is in it: a phone is there, or somebody has answered."""
        with self._lock:
            return bool(self._present()) or any(one.answers for one in self._doings)

    def names(self) -> dict[str, str]:
        """The nicknames by token."""
        with self._lock:
            return {token: one.name for token, one in self._pupils.items()}

    def by_token(self, step: int) -> dict[str, Answer]:
        """The answers to a step by the token of who gave them."""
        with self._lock:
            return dict(self._doings[step].answers)

    def _take(self, who: str, step: int, sent: Any) -> None:
        question = self.step.question
        if self.moment != (step, "open") or question is None:
            raise RoomError("Answers are closed.")
        self._doings[step].answers[who] = checked(question, sent)

    def _present(self) -> set[str]:
        now = self._clock()
        return {token for token, one in self._pupils.items() if now - one.seen < _ABSENT}

    def _make_place(self) -> None:
        if len(self._pupils) < MOST_PUPILS:
            return
        answered = set().union(*(one.answers for one in self._doings))
        silent = [token for token in self._pupils if token not in answered]
        oldest = min(silent, key=lambda token: self._pupils[token].seen, default=None)
        if oldest is None or self._clock() - self._pupils[oldest].seen < _FORGOTTEN:
            raise RoomError(f"The room is full: {MOST_PUPILS} phones are in.")
        self._forget(oldest)

    def _forget(self, token: str) -> None:
        del self._pupils[token]
        for one in self._doings:
            one.answers.pop(token, None)

    def _check_pace(self, pupil: Pupil) -> None:
        now = self._clock()
        if now - pupil.sent < _BETWEEN_SENDS:
            raise RoomError("That was quick: send again in a second.")
        pupil.sent = pupil.seen = now

    def _check(self) -> None:
        self._end_in_time()
        if self._ended:
            raise RoomEndedError

    def _end_in_time(self) -> None:
        if not self._ended and self._clock() >= self._ends:
            self.end()
