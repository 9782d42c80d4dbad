"""What the browser is sent of a step, for phones and the board: kilobytes, and addresses of pictures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cnnfix_core.lessons import Choose, Guess, Look, Question, Step, Which, read_prose
from cnnfix_ui.rooms.answers import MOST_TAPS
from cnnfix_ui.rooms.reveals import Figure, Reveal
from cnnfix_ui.rooms.scenes import Scene


def question_data(question: Question) -> dict[str, Any]:
    """A question without its answer."""
    match question:
        case Look():
            return {"kind": "look", "most": min(question.most, MOST_TAPS), "boxes": question.box}
        case Choose():
            return {"kind": "choose", "options": question.options}
        case Which():
            return {"kind": "which", "options": ("A", "B")}
        case Guess():
            return {
                "kind": "guess",
                "low": question.low,
                "high": question.high,
                "step": question.step,
                "unit": question.unit,
                "label": "Your guess",
            }


def picture_data(scene: Scene | None, large: bool) -> dict[str, Any] | None:
    """The picture's address and size."""
    if scene is None:
        return None
    return {"photo": (scene.board if large else scene.phone).url, "width": scene.width, "height": scene.height}


def maps_data(step: Step, scene: Scene | None, large: bool) -> list[dict[str, Any]] | None:
    """The two maps to choose from, without their names."""
    if not isinstance(step.question, Which) or scene is None:
        return None
    picture = picture_data(scene, large)
    found = [scene.overlays.get(name) for name in step.question.methods]
    return [{**(picture or {}), "overlay": one.url if one else ""} for one in found]


def reveal_data(reveal: Reveal) -> dict[str, Any]:
    """What everybody sees of a reveal."""
    return {
        "sentences": reveal.sentences,
        "figures": [_figure(one) for one in reveal.figures],
        "bars": reveal.bars,
    }


def prose_data(text: str) -> list[dict[str, Any]]:
    """A lesson's text as paragraphs of plain pieces."""
    return [asdict(paragraph) for paragraph in read_prose(text)[0]]


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "title": figure.title,
        "short": figure.short,
        "overlay": figure.overlay.url,
        "points": figure.points,
    }
