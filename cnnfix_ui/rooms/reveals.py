"""What everybody sees at the reveal: the class beside the network, and for each phone where its own answer lies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cnnfix_core.gaze import Agreed, Looks, agreed, agreement, look_map, looks, looks_in, together
from cnnfix_core.lessons import Choose, Guess, Look, Step, Which, number_text, plain
from cnnfix_ui.learn.reveals import NAMES
from cnnfix_ui.rooms.answers import Answer, Point, distribution, middle, part_of
from cnnfix_ui.rooms.room import BOARD, Room
from cnnfix_ui.rooms.scenes import FIXATIONS, GRADCAM, Scene, drawn, ready, title_of
from cnnfix_ui.served import Served

FEWEST = 5  # answers, below which nothing is drawn of the class


@dataclass(frozen=True, eq=False)
class Figure:
    """A map over the picture. short: its title in one word or two. points: in shares of the picture's sides."""

    title: str
    short: str
    overlay: Served
    points: tuple[Point, ...] = ()


@dataclass(frozen=True, eq=False)
class Reveal:
    """What a reveal shows.

    Attributes:
        sentences: about the class and the network, as everybody sees them.
        figures: the class's map first, if there is one.
        bars: how many gave which answer; the right one has a tick.
        own: a sentence for each phone, by its token.
    """

    sentences: tuple[str, ...]
    figures: tuple[Figure, ...] = ()
    bars: tuple[tuple[str, int, bool], ...] = ()
    own: Mapping[str, str] | None = None


def reveal_at(room: Room, number: int) -> Reveal | None:
    """The reveal of a step if it was made; for all who must not make one."""
    kept = room.reveals.get(number)
    found: Reveal | None = kept[1] if kept else None
    return found


def revealed(room: Room, number: int) -> Reveal:
    """The reveal of a step with the answers as they are now; for the teacher's screen."""
    answers = room.by_token(number)
    kept = room.reveals.get(number)
    if kept and kept[0] == answers:
        found: Reveal = kept[1]
        return found
    made = make_reveal(room.lesson.steps[number], ready(room, number), answers, room.names() if room.nicknames else {})
    room.keep_reveal(number, (answers, made))
    return made


def make_reveal(step: Step, scene: Scene | None, answers: Mapping[str, Answer], names: Mapping[str, str]) -> Reveal:
    """The reveal of a step.

    Args:
        step: it.
        scene: what it shows, if it has a picture.
        answers: by token.
        names: nicknames by token, to name the best clicker; empty if there are none.
    """
    said = plain(step.reveal)
    match step.question:
        case Look() if scene:
            return _looked(scene, _observers(step.question, scene, answers), names, said)
        case Choose() | Which():
            return _chosen(step.question, scene, answers, said)
        case Guess():
            return _guessed(step.question, scene, answers, said)
        case _:
            return Reveal(said, _network_figures(scene))


def _network_figures(scene: Scene | None) -> tuple[Figure, ...]:
    if scene is None:
        return ()
    return tuple(
        Figure(f"The network: {title}", title, scene.overlays[name], scene.points if name == FIXATIONS else ())
        for name, title in NAMES.items()
        if name in scene.overlays
    )


def _looked(scene: Scene, seen: Mapping[str, Looks], names: Mapping[str, str], said: tuple[str, ...]) -> Reveal:
    size, map_ = (scene.width, scene.height), scene.maps[FIXATIONS]
    each = {token: agreed([one], map_, scene.sigma) for token, one in seen.items()}
    own = {token: one.on_evidence for token, one in each.items()}
    figures = _network_figures(scene)
    if not seen:
        return Reveal((*said, "Nobody tapped."), figures, own=own)
    if len(seen) < FEWEST and set(seen) != {BOARD}:
        few = f"{FEWEST} answers make a map of the class; there {'is' if len(seen) == 1 else 'are'} {len(seen)}."
        return Reveal((*said, few), figures, own=own)
    observers = list(seen.values())
    class_map = look_map(together(observers), scene.sigma, max(map_.shape))
    found = agreed(observers, map_, scene.sigma)
    numbers = found.numbers
    if GRADCAM in scene.maps:
        numbers += f" With Grad-CAM {_who(found)} {agreement(class_map, scene.maps[GRADCAM]):.0f}."
    return Reveal(
        (*said, numbers, *_best(each, names)),
        (Figure("The class", "The class", drawn(class_map, size)), *figures),
        own=own,
    )


def _who(found: Agreed) -> str:
    return "you agree" if found.people == 1 else "the class agrees"


def _best(each: Mapping[str, Agreed], names: Mapping[str, str]) -> tuple[str, ...]:
    named = {token: one for token, one in each.items() if names.get(token)}
    if not named:
        return ()
    best = max(named, key=lambda token: named[token].network)
    return (f"{names[best]} is closest to the network: {named[best].network:.0f} of 100.",)


def _observers(question: Look, scene: Scene, answers: Mapping[str, Answer]) -> dict[str, Looks]:
    """The answers in pixels of the picture."""
    width, height = scene.width, scene.height

    def looks_of(answer: tuple[Point, ...]) -> Looks:
        xy = [(min(int(x * width), width - 1), min(int(y * height), height - 1)) for x, y in answer]
        return looks_in((*xy[0], *xy[1]), (width, height)) if question.box else looks(xy, (width, height))

    return {token: looks_of(answer) for token, answer in answers.items() if isinstance(answer, tuple)}


def _chosen(
    question: Choose | Which, scene: Scene | None, answers: Mapping[str, Answer], said: tuple[str, ...]
) -> Reveal:
    right = question.right if isinstance(question, Choose) else None
    counts = distribution(question, answers.values())
    if isinstance(question, Which):
        titles = [title_of(name) for name in question.methods]
        counts = [(f"{label}: {title}", n) for (label, n), title in zip(counts, titles, strict=True)]
        figures = tuple(
            Figure(f"{label}: {title}", label, scene.overlays[name])
            for label, title, name in zip("AB", titles, question.methods, strict=True)
            if scene and name in scene.overlays
        )
    else:
        figures = _network_figures(scene)[:1]
    own = {}
    if right is not None:
        own = {
            token: "Your answer is right." if answer == right else f"The right answer: {counts[right][0]}."
            for token, answer in answers.items()
        }
        said = (*said, f"{counts[right][1]} of {len(answers)} are right.") if answers else said
    bars = tuple((label, n, index == right) for index, (label, n) in enumerate(counts))
    return Reveal(said, figures, bars, own)


def _guessed(question: Guess, scene: Scene | None, answers: Mapping[str, Answer], said: tuple[str, ...]) -> Reveal:
    right = _right_number(question, scene)
    unit = f" {question.unit}" if question.unit else ""
    half = middle(answers.values())
    parts = []
    if half is not None:
        parts.append(f"Half of the class guessed {number_text(half, question.unit)} or less.")
    if right is not None:
        parts.append(f"It is {number_text(right, question.unit)}.")
    own = {
        token: f"You guessed {number_text(answer, question.unit)}; it is {number_text(right, question.unit)}."
        for token, answer in answers.items()
        if right is not None and isinstance(answer, int | float)
    }
    there = -1 if right is None or not question.low <= right <= question.high else part_of(question, right)
    bars = tuple(
        (label + unit, n, index == there) for index, (label, n) in enumerate(distribution(question, answers.values()))
    )
    return Reveal((*said, *([" ".join(parts)] if parts else [])), _network_figures(scene)[:1], bars, own)


def _right_number(question: Guess, scene: Scene | None) -> float | None:
    """The number to guess; None if it cannot be computed."""
    if isinstance(question.right, int | float):
        return question.right
    number = scene.facts.get(question.right, math.nan) if scene else math.nan
    return None if math.isnan(number) else number
