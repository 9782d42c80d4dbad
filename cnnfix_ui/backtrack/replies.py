"""What the player is told when it asks about a walk; computed where the walk is, without the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cnnfix_core.backtrack import Chosen, Walked, unit_of
from cnnfix_core.engine import Unit
from cnnfix_ui.backtrack.answers import answer


@dataclass(frozen=True)
class Reply:
    """The reply to a question of the player.

    Attributes:
        number: of the question; None if there was none.
        step: the one that is shown.
        chosen: what is chosen, which the walk has.
        data: for the browser.
        unit: what is chosen, as the target of another walk; None if it is none.
        words: what the button says that asks about the unit.
    """

    number: int | None
    step: int
    chosen: Chosen | None
    data: dict[str, Any]
    unit: Unit | None
    words: str


def reply(walked: Walked, name: str, question: object, step: int, chosen: Chosen | None) -> Reply:
    """The reply to a question from the browser, which may be anything: an invalid one changes nothing.

    Args:
        walked: the walk.
        name: of the walk.
        question: None if there is none.
        step: that was shown before.
        chosen: what was chosen before.
    """
    number, step, chosen = taken(question, name, walked, step, chosen)
    step, chosen = kept_inside(walked, step, chosen)
    unit, words = None, ""
    if chosen and (unit := unit_of(walked, chosen)):
        of = walked.path.steps[chosen.step]
        words = f"Explain {chosen.label(of)} of {of.module}"
    return Reply(number, step, chosen, answer(walked, step, chosen), unit, words)


def kept_inside(walked: Walked, step: int, chosen: Chosen | None) -> tuple[int, Chosen | None]:
    """The same, without a step or a choice that this walk does not have."""
    steps = walked.path.steps
    if step >= len(steps):
        step = 0
    if chosen and (
        chosen.step >= len(steps)
        or not len(chosen.rows(walked.trace.selection(steps[chosen.step].value), steps[chosen.step]))
    ):
        chosen = None
    return step, chosen


def taken(
    question: object, name: str, walked: Walked, step: int, chosen: Chosen | None
) -> tuple[int | None, int, Chosen | None]:
    """The question's number, and step and choice after it."""
    match question:
        case {"playback": playback, "ask": int(number), "step": int(wanted), "chosen": choice, "keep": bool(keep)} if (
            playback == name and wanted >= 0
        ):
            return number, wanted, chosen if keep else choice_of(choice, walked)
    return None, step, chosen


def choice_of(choice: object, walked: Walked) -> Chosen | None:
    """What is chosen in the browser."""
    match choice:
        case {"step": int(step), "element": str(element)}:
            try:
                return Chosen.parse(f"{step}.{element}")
            except ValueError:
                return None
        case {"step": int(step), "channel": int(channel)} if step >= 0 and channel >= 0:
            return Chosen(step, channel)
        case {"step": int(step), "point": int(point)}:
            return _at_point(step, point, walked)
    return None


def _at_point(step: int, point: int, walked: Walked) -> Chosen | None:
    """The element or place at a point of the playback."""
    playback = walked.playbacks[0]
    cloud = playback.cloud_at(step) if 0 <= step < len(playback.of_step) else None
    if cloud is None or not 0 <= point - cloud.first < len(cloud.evidence):
        return None
    row, *column = cloud.place[point - cloud.first].tolist()
    return Chosen(step, None, (row, column[0])) if column else Chosen(step, row)
