"""Which part of the picture is captioned: all of it, or a box that was drawn or suggested."""

from __future__ import annotations

import streamlit as st

from cnnfix_core import Picture
from cnnfix_core.explanations import proposals
from cnnfix_core.images import PictureError
from cnnfix_core.regions import Box
from cnnfix_core.zoo import DEFAULT
from cnnfix_ui import errors
from cnnfix_ui.captions import answers, state
from cnnfix_ui.components.choices.component import Choice, choices
from cnnfix_ui.components.taps.component import TapQuestion, Taps, ask_taps
from cnnfix_ui.server import results
from cnnfix_ui.server.turns import turns

_SUGGESTED = 3
_WHOLE = "whole"
_ASKED = "caption.boxes.asked"
_QUESTION = TapQuestion("Picture to draw a box on.", "Caption this box", limit=0, boxes=True)


def drawing() -> bool:
    """Whether a new box is being drawn."""
    return bool(st.session_state["box"] == state.DRAWING)


def chosen(picture: Picture) -> Box | None:
    """The box to caption, None for the whole picture; call it before widgets are drawn.

    Adds suggested boxes if they were asked for. Boxes of the address that do not fit are dropped, and told of.
    """
    if st.session_state.pop(_ASKED, False):
        _suggest(picture)
    boxes: tuple[Box, ...] = st.session_state["boxes"]
    reasons = [reason for box in boxes if (reason := _reason_against(picture, box))]
    if reasons:
        state.set_boxes([box for box in boxes if not _reason_against(picture, box)])
        errors.refuse(state.BOXES, reasons[0])
        return None
    number = st.session_state["box"]
    if isinstance(number, int) and number > len(boxes):
        state.choose_box(None)
        return None
    return boxes[number - 1] if isinstance(number, int) else None


def choose_part(picture: Picture) -> None:
    """Draw the list of parts with their captions, and what adds and removes boxes."""
    st.header("Parts of the picture", anchor=False)
    boxes: tuple[Box, ...] = st.session_state["boxes"]
    number = st.session_state["box"]
    named = {_WHOLE: "Whole picture"} | {str(n): f"Box {n}" for n in range(1, len(boxes) + 1)}
    said = [answers.captions_of(picture, part)[0].text for part in (None, *boxes)] if boxes else [""]
    choices(
        [
            Choice(value, f"{name}: {text}" if text else name)
            for (value, name), text in zip(named.items(), said, strict=True)
        ],
        selected=None if drawing() else _WHOLE if number is None else str(number),
        look="lines",
        label="Parts of the picture, with their captions. Choose one to explain it.",
        key="caption.parts",
        on_choose=lambda value: state.choose_box(None if value == _WHOLE else int(value)),
    )
    full = len(boxes) >= state.MOST_BOXES
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Draw a box",
            icon=":material/crop:",
            disabled=full or drawing(),
            help=f"{state.MOST_BOXES} boxes are the most: remove one first." if full else None,
            on_click=state.choose_box,
            args=(state.DRAWING,),
        )
        st.button(
            "Suggest boxes",
            icon=":material/select_all:",
            disabled=full,
            help="Boxes around the evidence for the most probable classes of EfficientNet-Lite0.",
            on_click=_ask_for_boxes,
        )
        if isinstance(number, int):
            st.button(f"Remove box {number}", icon=":material/delete:", on_click=_remove, args=(number,))
    if not boxes:
        st.caption("Draw a box, and the captioner describes only what is in it.")
    if not drawing():
        errors.show_refusal(state.BOXES)


def draw_box(picture: Picture) -> None:
    """Draw the picture to draw a box on."""
    st.header("Draw a box", anchor=False)
    st.markdown("Drag a box around what the captioner should describe.")
    errors.show_refusal(state.BOXES)
    ask_taps(picture, _QUESTION, key="caption.box", on_send=lambda taps: _take(picture, taps))
    st.button("Back to the captions", icon=":material/arrow_back:", on_click=state.choose_box, args=(None,))


def _take(picture: Picture, taps: Taps) -> None:
    """Caption the box that was drawn; one that is too small stays, with what is wrong."""
    box, boxes = taps.box, st.session_state["boxes"]
    if box is None or len(boxes) >= state.MOST_BOXES:
        return
    if reason := _reason_against(picture, box):
        errors.refuse(state.BOXES, reason)
        return
    state.set_boxes((*boxes, box), len(boxes) + 1)


def _remove(number: int) -> None:
    boxes = st.session_state["boxes"]
    state.set_boxes([box for n, box in enumerate(boxes, 1) if n != number])


def _ask_for_boxes() -> None:
    st.session_state[_ASKED] = True


def _suggest(picture: Picture) -> None:
    """Add the boxes of the top classes that are new, and caption the first of them."""
    boxes: tuple[Box, ...] = st.session_state["boxes"]
    new = [box for box in _suggested(picture) if box not in boxes and not _reason_against(picture, box)]
    if not new:
        errors.refuse(state.BOXES, "There are no more boxes to suggest: draw one.")
    else:
        state.set_boxes((*boxes, *new)[: state.MOST_BOXES], len(boxes) + 1)


@st.cache_data(max_entries=64, show_spinner="Looking for objects …", hash_funcs=results.KEYS)
def _suggested(picture: Picture) -> list[Box]:
    model = results.loaded(DEFAULT)
    with turns.acquired(long=True):
        return [one.box for one in proposals(model, picture, _SUGGESTED)]


def _reason_against(picture: Picture, box: Box) -> str:
    """Why a box cannot be captioned; "" if it can."""
    try:
        answers.captioner().within(box).view(picture)
    except PictureError as error:
        return str(error)
    return ""
