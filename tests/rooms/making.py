"""Lessons and visitors for tests of rooms."""

from __future__ import annotations

from cnnfix_core.lessons import Choose, Guess, Lesson, Look, Question, Screen, Step, Which
from cnnfix_ui.rooms.room import Room
from cnnfix_ui.server.visitors import Visitor

SCREEN = Screen("explore", {"picture": "chameleon"})


def step(question: Question | None, title: str = "A step") -> Step:
    return Step(title, "Some text.", SCREEN, ask="What?" if question else "", question=question, notes="Say it.")


QUESTIONS = (Look(3), Choose(("yes", "no", "who knows"), 1), Which(("fixations", "gradcam")), Guess(0, 100, "%", 40.0))
LESSON = Lesson(
    "test", "A lesson", "To test.", 10, "12 and up", (step(None), *map(step, QUESTIONS), step(Look(1, box=True)))
)


class Clock:
    """Seconds that pass only if told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def visitor(name: str, address: str = "10.0.0.1") -> Visitor:
    return Visitor(address, name)


def opened(room: Room, at: int) -> Room:
    """The room with answers open at this step."""
    room.go_to(at)
    assert room.advance(room.moment)
    assert room.moment == (at, "open")
    return room
