"""The page's settings in session state and address, and how actions in the grid change them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import streamlit as st

from cnnfix_core import Prediction
from cnnfix_core.images import SampleObject, load_sample
from cnnfix_core.methods import METHODS
from cnnfix_core.metrics import Box
from cnnfix_core.perturbations import BrushStroke
from cnnfix_ui.address import Setting, one_of, switch
from cnnfix_ui.compare.changes import BRUSHED, brush
from cnnfix_ui.compare.measures import MEASURES
from cnnfix_ui.compare.questions import CompareQuestion, Variation
from cnnfix_ui.widgets import controls
from cnnfix_ui.widgets.answer import parse_opacity
from cnnfix_ui.widgets.gallery import parse_picture
from cnnfix_ui.widgets.uploads import OWN

ItemT = TypeVar("ItemT")

MAX_CELLS, _MAX_BOXES, _MAX_STROKES = 16, 20, 400
VIEWS = {"maps": "Maps", "difference": "Difference", "slider": "Slider"}
SCALES = {
    "area": "Shares of each map",
    "density": "Multiples of the average",
    "own": "Own maximum",
}
TOOLS = {"look": "Look", "box": "Draw a box", "brush": "Hide a part"}

_SUCCESSORS = "compare.successors"  # what has taken whose place lately, which the browser may not show yet
_ARRANGED, _MAX_UNDO = ("methods", "rows", "pins"), 50

Pin = tuple[str, CompareQuestion]  # a method and what it is asked
Boxes = dict[tuple[str, int | None], tuple[Box, ...]]  # of a picture and a class; None: of every class


def _several(parse: Callable[[str], ItemT], text: Callable[[ItemT], str], default: tuple[ItemT, ...] = ()) -> Setting:
    def parsed(written: str) -> tuple[ItemT, ...]:
        found = tuple(dict.fromkeys(parse(part) for part in written.split(",")[:MAX_CELLS]))
        if not found:
            raise ValueError(written)
        return found

    return Setting(default, parsed, lambda items: ",".join(map(text, items)))


def _parse_method(text: str) -> str:
    if text not in METHODS:
        raise ValueError(text)
    return text


def parse_pin(text: str) -> Pin:
    """A pin from the address or the browser. Raises ValueError for anything that is not allowed."""
    method, question = text.split(":", 1)
    return _parse_method(method), CompareQuestion.parse(question)


def pin_text(one: Pin) -> str:
    """The pin as `parse_pin` reads it."""
    method, question = one
    return f"{method}:{question.text}"


def _parse_boxes(text: str) -> Boxes:
    found: Boxes = {}
    for part in text.split(",")[:MAX_CELLS]:
        where, *boxes = part.split(":")
        found[parse_boxed(where)] = taken_boxes([box.split(".") for box in boxes])
    return found


def parse_boxed(text: str) -> tuple[str, int | None]:
    """The picture and the class that boxes are of. Raises ValueError for anything that is not allowed."""
    picture, _, wanted = text.partition("@")
    return parse_picture(picture), controls.parse_class(wanted) if wanted else None


def boxed_text(picture: str, wanted: int | None) -> str:
    """What boxes are of, as `parse_boxed` reads it."""
    return picture if wanted is None else f"{picture}@{wanted}"


def _boxes_text(boxes: Boxes) -> str:
    return ",".join(
        ":".join([boxed_text(*boxed), *(".".join(map(str, box)) for box in of)]) for boxed, of in boxes.items()
    )


SETTINGS = {
    **{name: setting for name, setting in controls.SETTINGS.items() if name != "preset"},
    "methods": _several(_parse_method, str, ("fixations", "gradcam", "published", "saliency")),
    "rows": _several(Variation.parse, lambda variation: variation.text),
    "pins": _several(parse_pin, pin_text),
    "boxes": Setting({}, _parse_boxes, _boxes_text),
    "view": one_of(*VIEWS, default="maps"),
    "scale": one_of(*SCALES, default="area"),
    "opacity": Setting(75, parse_opacity),
    "points": switch(),
    **{name: switch() for name in MEASURES},
}


def state(name: str) -> Any:
    """One of the settings."""
    return st.session_state[name]


def keep(name: str, value: Any) -> None:
    """Change one of the settings; `undo` restores an earlier arrangement of the grid."""
    if name in _ARRANGED and value != state(name):
        _undo_stack().append({name: state(name) for name in _ARRANGED})
        del _undo_stack()[:-_MAX_UNDO]
    st.session_state[name] = value


def can_undo() -> bool:
    """Whether there is an earlier arrangement."""
    return bool(_undo_stack())


def undo() -> None:
    """Restore columns, rows and pins as they were before the last change."""
    if can_undo():
        st.session_state.update(_undo_stack().pop())
        st.session_state[_SUCCESSORS] = {}


def _undo_stack() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = st.session_state.setdefault("compare.back", [])
    return found


def question() -> CompareQuestion:
    """The page's question: the first row."""
    return CompareQuestion(*(state(name) for name in ("model", "picture", "class", "than")))


def has_room(columns: int = 0, rows: int = 0) -> bool:
    """Whether this many more columns and rows fit on the page."""
    columns += len(state("methods"))
    rows += 1 + len(state("rows"))
    return columns * rows + len(state("pins")) <= MAX_CELLS


def swap(shown: str, method: str) -> None:
    """Show another method in a column; if it already has a column, the two swap. shown: the one that is there."""
    methods = list(state("methods"))
    column = methods.index(_now(shown, methods))
    if method in methods:
        methods[methods.index(method)] = methods[column]
    else:
        _succeed(methods[column], method)
    methods[column] = method
    keep("methods", tuple(methods))


def add_method(method: str) -> None:
    """Add a column if there is room."""
    methods = state("methods")
    if method not in methods and has_room(columns=1):
        keep("methods", (*methods, method))


def add_row(variation: Variation) -> None:
    """Add a row if there is room."""
    rows = state("rows")
    if variation not in rows and has_room(rows=1):
        keep("rows", (*rows, variation))


def remove_method(shown: str) -> None:
    """Remove a column; the last one always stays."""
    methods = state("methods")
    gone = _now(shown, methods)
    if len(methods) > 1:
        keep("methods", tuple(one for one in methods if one != gone))
        _succeed(gone, None)


def remove_row(shown: str) -> None:
    """Remove the row with this text; without its row, nothing is brushed over."""
    rows = {row.text: row for row in state("rows")}
    gone = rows[_now(shown, rows)]
    if _is_brushed(gone):
        paint(state("picture"), [])
    else:
        keep("rows", tuple(row for row in rows.values() if row != gone))
    _succeed(gone.text, None)


def ask_for(shown: str, wanted: int) -> None:
    """Explain another class in the row with this text; "" is the page's own question."""
    if not shown:
        keep("class", wanted)
        if state("than") == wanted:
            keep("than", None)
        return
    rows = {row.text: row for row in state("rows")}
    before = rows[_now(shown, rows)]
    field = before.field
    after = Variation("wanted", wanted) if field == "wanted" else Variation(field, before.value, wanted)
    if after != before:
        _succeed(before.text, after.text)
    keep("rows", tuple(dict.fromkeys(after if row == before else row for row in rows.values())))


def pin(one: Pin) -> None:
    """Keep a map in view; of too many the oldest is let go."""
    if one not in state("pins"):
        keep("pins", (*state("pins"), one)[-MAX_CELLS:])


def unpin(one: Pin) -> None:
    """Keep it no longer."""
    keep("pins", tuple(pinned for pinned in state("pins") if pinned != one))


def _now(shown: str, there: Collection[str]) -> str:
    """What stands now where the browser showed this. Raises LookupError if it was removed."""
    following = dict(st.session_state.get(_SUCCESSORS, {}))
    while shown not in there:
        shown = following.pop(shown)  # each once: they may go in a circle
    return shown


def _succeed(before: str, after: str | None) -> None:
    """Note what takes the place of a method, or of a row by its text; None: it is removed."""
    others = {one: then for one, then in st.session_state.get(_SUCCESSORS, {}).items() if one != before}
    now = others if after is None else {**others, before: after}
    st.session_state[_SUCCESSORS] = dict([*now.items()][-_MAX_UNDO:])


def _is_brushed(row: Variation) -> bool:
    return (row.field, row.value) == ("change", BRUSHED)


def boxes_on(picture: str, target: Prediction) -> tuple[Box, ...]:
    """The ground truth boxes of a class on the picture with this name: drawn ones, otherwise the sample's own."""
    drawn = drawn_boxes(picture, target)
    if drawn is not None:
        return drawn
    return () if picture == OWN else load_sample(picture).boxes_of(target.label)


def drawn_boxes(picture: str, target: Prediction) -> tuple[Box, ...] | None:
    """The boxes that were drawn for a class on the picture with this name; None if nobody drew or removed any."""
    drawn: Boxes = state("boxes")
    return drawn.get((picture, target.index), drawn.get((picture, None)))


def sample_object(picture: str, target: Prediction) -> SampleObject | None:
    """What a class means in the sample with this name; None if nothing is known of it."""
    return None if picture == OWN else load_sample(picture).object_of(target.label)


def draw_boxes(picture: str, wanted: int | None, boxes: Sequence[Sequence[object]]) -> None:
    """Store the boxes drawn on the picture for a class, as many as the address holds. Raises ValueError if invalid."""
    others = {of: drawn for of, drawn in state("boxes").items() if of != (picture, wanted)}
    keep("boxes", dict([*others.items(), ((picture, wanted), taken_boxes(boxes))][-MAX_CELLS:]))


def taken_boxes(boxes: Sequence[Sequence[object]]) -> tuple[Box, ...]:
    """Boxes from the browser. Raises ValueError if they are invalid."""
    return tuple(_box(box) for box in boxes[:_MAX_BOXES])


def _box(box: Sequence[object]) -> Box:
    x0, y0, x1, y1 = (_number(side) for side in box)
    return int(min(x0, x1)), int(min(y0, y1)), int(max(x0, x1)), int(max(y0, y1))


def paint(picture: str, strokes: Sequence[Sequence[object]]) -> None:
    """Hide what was brushed over, in a row of its own. Raises ValueError if the strokes are invalid."""
    taken: list[BrushStroke] = []
    for stroke in strokes[:_MAX_STROKES]:
        x, y, radius = (_number(part) for part in stroke)
        taken.append((x, y, max(radius, 1.0)))
    brush(picture, tuple(taken))
    if not taken:
        keep("rows", tuple(row for row in state("rows") if not _is_brushed(row)))
    elif not any(map(_is_brushed, state("rows"))):
        add_row(Variation("change", BRUSHED))


def _number(part: object) -> float:
    value = float(part) if isinstance(part, int | float | str) else float("nan")
    if not 0 <= value < 1e6:
        raise ValueError(part)
    return value
