"""Settings of the Captions page: which caption, which word, rather than which other word."""

from collections.abc import Sequence

import streamlit as st

from cnnfix_core.engine import FOCUS
from cnnfix_core.modalities.captions import tokens
from cnnfix_core.modalities.captions.search import LONGEST
from cnnfix_ui.address import Setting, one_of
from cnnfix_ui.widgets import answer, depths
from cnnfix_ui.widgets.gallery import parse_picture

MAPS = {"whole": "All its evidence", "apart": "Only this word"}
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


def parse_word(text: str) -> str:
    """A word from the address; whether the captioner knows it is checked later. Raises ValueError if it is empty."""
    if not text.strip() or len(text) > 40:
        raise ValueError(text)
    return text


SETTINGS = {
    "picture": Setting("dog", parse_picture),
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
    """For a new picture, go back to the captioner's own caption."""
    ask(None)


def ask(caption: str | None, word: int | None = None) -> None:
    """Explain another caption, or None for the captioner's own. word: the place of the word to explain."""
    st.session_state["caption"], st.session_state["word"], st.session_state["instead"] = caption, word, None


def choose_word(place: int) -> None:
    """Explain another word."""
    st.session_state["word"], st.session_state["instead"] = place, None


def with_word(words: Sequence[str], place: int, word: str) -> str:
    """The caption up to this place, from 1, then the new word; the captioner completes it."""
    return " ".join([*words[: place - 1], word, TO_BE_COMPLETED])
