"""Settings of the Captions page: which part of the picture, which caption, which word, rather than which other word."""

from collections.abc import Sequence

import streamlit as st

from cnnfix_core.engine import FOCUS
from cnnfix_core.modalities.captions import tokens
from cnnfix_core.modalities.captions.search import LONGEST
from cnnfix_core.regions import Box
from cnnfix_ui import errors
from cnnfix_ui.address import Setting, one_of
from cnnfix_ui.widgets import answer, depths
from cnnfix_ui.widgets.gallery import parse_picture
from cnnfix_ui.widgets.places import boxes_text, parse_boxes

MAPS = {"whole": "All its evidence", "apart": "Only this word"}
MOST_BOXES = 8
OWN, BOXES = "caption.own", "caption.boxes"  # what can be refused: a typed caption, a box
DRAWING = "draw"  # instead of the number of a box: a new one is being drawn
TO_BE_COMPLETED = "…"  # at the end of a caption: the captioner completes it


def parse_caption(text: str) -> str:
    """A caption in the captioner's form, at most 20 words. Raises ValueError if there are no words."""
    words = tokens(text)[:LONGEST]
    if not words:
        raise ValueError(text)
    return " ".join(words) + (f" {TO_BE_COMPLETED}" if text.rstrip().endswith((TO_BE_COMPLETED, "...")) else "")


def parse_place(text: str) -> int:
    """A word's number from the address, from 1. Raises ValueError for anything else."""
    number = int(text)
    if not 1 <= number <= LONGEST + 1:
        raise ValueError(text)
    return number


def parse_box(text: str) -> int | str:
    """The number of a box from the address, from 1, or DRAWING. Raises ValueError for anything else."""
    if text == DRAWING:
        return text
    number = int(text)
    if not 1 <= number <= MOST_BOXES:
        raise ValueError(text)
    return number


def parse_word(text: str) -> str:
    """A word from the address; whether the captioner knows it is checked later. Raises ValueError if it is empty."""
    if not text.strip() or len(text) > 40:
        raise ValueError(text)
    return text


SETTINGS = {
    "picture": Setting("german-shepherd", parse_picture),
    "boxes": Setting((), lambda text: parse_boxes(text, MOST_BOXES), boxes_text),
    "box": Setting(None, parse_box),
    "caption": Setting(None, parse_caption),
    "word": Setting(None, parse_place),
    "instead": Setting(None, parse_word),
    "map": one_of(*MAPS, default="whole"),
    "focus": one_of(*FOCUS, default="balanced"),
    "show": one_of(*answer.SHOWN, default="both"),
    "depth": depths.DEPTH,
    "opacity": Setting(75, answer.parse_opacity),
}


# Words of a caption that come after its first noun.
_AFTER_NOUN = frozenset(
    [
        "is",
        "are",
        "in",
        "on",
        "at",
        "with",
        "of",
        "by",
        "near",
        "through",
        "over",
        "under",
        "next",
        "to",
        "stands",
        "sits",
        "runs",
        "jumps",
    ]
)
_JOINED = frozenset(["a", "an", "the", "two", "three"])


def first_noun(words: Sequence[str]) -> int:
    """The place, from 1, of the word that ends the caption's first noun phrase: "dog" in "a brown dog is running".

    A phrase ends before a verb, a preposition, or "and" with another phrase; else with the caption.
    """
    for place, word in enumerate(words[1:], 1):
        follows = words[place + 1] if place + 1 < len(words) else ""
        if word in _AFTER_NOUN or (word == "and" and follows in _JOINED):
            return place
    return max(len(words), 1)


def reset() -> None:
    """For a new picture, go back to the captioner's own caption of all of it."""
    set_boxes(())


def set_boxes(boxes: Sequence[Box], chosen: int | str | None = None) -> None:
    """Keep these boxes, and caption the chosen one, from 1, None for the whole picture; or draw a new one."""
    st.session_state["boxes"] = tuple(boxes)
    choose_box(chosen)


def choose_box(chosen: int | str | None) -> None:
    """Caption another part of the picture."""
    st.session_state["box"] = chosen
    errors.refuse(BOXES, "")
    ask(None)


def ask(caption: str | None, word: int | None = None) -> None:
    """Explain another caption, or None for the captioner's own. word: the place of the word to explain."""
    st.session_state["caption"], st.session_state["word"], st.session_state["instead"] = caption, word, None
    errors.refuse(OWN, "")


def choose_word(place: int) -> None:
    """Explain another word."""
    st.session_state["word"], st.session_state["instead"] = place, None


def with_word(words: Sequence[str], place: int, word: str) -> str:
    """The caption up to this place, from 1, then the new word; the captioner completes it."""
    return " ".join([*words[: place - 1], word, TO_BE_COMPLETED])
