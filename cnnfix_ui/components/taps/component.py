"""A picture on which a person taps up to so many places or draws one box, and then presses a button: see taps.js."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeGuard

import streamlit as st

from cnnfix_core.images import Picture
from cnnfix_core.regions import Box
from cnnfix_ui.components.assets import script, sheets
from cnnfix_ui.components.panels.component import photo_uri

HERE = Path(__file__).parent

Pixel = tuple[int, int]

# Text only ever travels as data, never inside these strings, so that no label can become markup.
_component = st.components.v2.component(
    "cnnfix_taps",
    html='<div class="taps"></div>',
    css=sheets(HERE, "stage.css", "taps.css"),
    js=script(HERE / "taps.js"),
)


@dataclass(frozen=True)
class Taps:
    """What a person marked on a picture: places or a box, in pixels of the picture.

    Attributes:
        points: column and row of each place, in the order in which they were tapped.
        box: x0, y0, x1, y1 in inclusive pixels; there are no points then.
    """

    points: tuple[Pixel, ...] = ()
    box: Box | None = None

    def __bool__(self) -> bool:
        """Whether anything is marked."""
        return bool(self.points or self.box)

    def are_inside(self, picture: Picture) -> bool:
        """Whether all of it is on the picture."""
        corners = (self.box[:2], self.box[2:]) if self.box else ()
        return all(_inside(at, picture) for at in (*self.points, *corners))


NOTHING = Taps()


@dataclass(frozen=True)
class Overlay:
    """A layer over the picture. name: of the button that shows it, if there are several. image: a data URI."""

    name: str
    image: str


@dataclass(frozen=True)
class TapQuestion:
    """What may be marked.

    Attributes:
        label: says to screen readers what to do.
        button: label of the button that sends what is marked.
        limit: the most places that can be tapped; 0 if only a box can be drawn.
        boxes: whether one box can be drawn instead.
    """

    label: str
    button: str
    limit: int = 5
    boxes: bool = False


def ask_taps(
    picture: Picture,
    question: TapQuestion,
    *,
    key: str,
    on_send: Callable[[Taps], object],
    marked: Taps = NOTHING,
    overlays: Sequence[Overlay] = (),
) -> None:
    """Draw a picture on which a person taps or draws.

    What is marked stays in the browser until the button is pressed. It starts again when `marked` or the picture
    changes; for another question on the same picture give another key.

    Args:
        picture: the picture.
        question: what may be marked.
        key: of the component.
        on_send: called with what was marked when the button is pressed; it fits the picture and the question.
        marked: what is marked already.
        overlays: layers over the picture. The first is shown; buttons below choose another.
    """

    def sent() -> None:
        if found := read_taps(st.session_state[key].sent, picture, question):
            on_send(found)

    _component(key=key, data=_data(picture, marked, overlays) | asdict(question), on_sent_change=sent)


def show_taps(
    picture: Picture, marked: Taps = NOTHING, *, label: str, key: str, overlays: Sequence[Overlay] = ()
) -> None:
    """Draw a picture with what was marked on it; nothing can be changed.

    Args:
        picture: the picture.
        marked: what is marked.
        label: says to screen readers what is shown.
        key: of the component.
        overlays: layers over the picture. The first is shown; buttons below choose another.
    """
    nothing = asdict(TapQuestion(label, ""))
    _component(key=key, data=_data(picture, marked, overlays) | nothing, on_sent_change=lambda: None)


def _data(picture: Picture, marked: Taps, overlays: Sequence[Overlay]) -> dict[str, Any]:
    return {
        "photo": photo_uri(picture),
        "width": picture.width,
        "height": picture.height,
        "points": marked.points,
        "box": marked.box,
        "overlays": [asdict(one) for one in overlays],
    }


def read_taps(sent: object, picture: Picture, question: TapQuestion) -> Taps | None:
    """What a browser sent, if it fits the picture and the question: else None."""
    if not isinstance(sent, dict):
        return None
    points, box = sent.get("points"), sent.get("box")
    if question.boxes and _are_whole(box, 4) and _inside(box[:2], picture) and _inside(box[2:], picture):
        x0, y0, x1, y1 = box
        return Taps(box=(x0, y0, x1, y1)) if x0 <= x1 and y0 <= y1 else None
    if not isinstance(points, list) or not 0 < len(points) <= question.limit:
        return None
    if not all(_are_whole(one, 2) and _inside(one, picture) for one in points):
        return None
    return Taps(tuple((x, y) for x, y in points))


def _are_whole(values: Any, count: int) -> TypeGuard[list[int]]:
    return isinstance(values, list) and len(values) == count and all(type(value) is int for value in values)


def _inside(at: Sequence[int], picture: Picture) -> bool:
    return 0 <= at[0] < picture.width and 0 <= at[1] < picture.height
