"""What the Captions page is asked: whose words, which of them, rather than which other."""

from collections.abc import Sequence

import streamlit as st

from cnnfix_core.engine import FOCUS
from cnnfix_core.modalities.captions import tokens
from cnnfix_core.modalities.captions.search import LONGEST
from cnnfix_ui.address import Setting, one_of
from cnnfix_ui.widgets import answer
from cnnfix_ui.widgets.gallery import parse_picture

MAPS = {"apart": "What sets it apart", "whole": "All its evidence"}
TO_BE_COMPLETED = "…"  # at the end of a caption: the captioner finishes it


def parse_caption(text: str) -> str:
    """A caption as the captioner reads it, at most 20 words. Raises ValueError where there are no words."""
    words = tokens(text)[:LONGEST]
    if not words:
        raise ValueError(text)
    return " ".join(words) + (f" {TO_BE_COMPLETED}" if text.rstrip().endswith((TO_BE_COMPLETED, "...")) else "")


def parse_place(text: str) -> int:
    """The number of a word from the address, from 1. Raises ValueError for anything else."""
    number = int(text)
    if not 1 <= number <= LONGEST + 1:
        raise ValueError(text)
    return number


def parse_word(text: str) -> str:
    """A word from the address; whether the captioner knows it is seen to later. Raises ValueError for none."""
    if not text.strip() or len(text) > 40:
        raise ValueError(text)
    return text


SETTINGS = {
    "picture": Setting("cat-and-dog", parse_picture),
    "caption": Setting(None, parse_caption),
    "word": Setting(None, parse_place),
    "instead": Setting(None, parse_word),
    "map": one_of(*MAPS, default="apart"),
    "focus": one_of(*FOCUS, default="balanced"),
    "show": one_of(*answer.SHOWN, default="both"),
    "opacity": Setting(75, answer.parse_opacity),
}


def reset() -> None:
    """Another picture: what the captioner says of it, by itself."""
    ask(None)


def ask(caption: str | None, word: int | None = None) -> None:
    """Another caption, or None for what the captioner says by itself; and which word is asked about."""
    st.session_state["caption"], st.session_state["word"], st.session_state["instead"] = caption, word, None


def choose_word(place: int) -> None:
    """Ask about another word."""
    st.session_state["word"], st.session_state["instead"] = place, None


def with_word(words: Sequence[str], place: int, word: str) -> str:
    """The caption with another word at this place, from 1, which the captioner finishes."""
    return " ".join([*words[: place - 1], word, TO_BE_COMPLETED])
