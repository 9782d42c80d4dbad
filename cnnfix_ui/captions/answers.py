"""Results that visitors share: the captioner, its captions of a picture or a part of it, and the origin of each word.

part: the box that is captioned; None for the whole picture.
"""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core import Picture, Preset, attribute
from cnnfix_core.arrays import Floats
from cnnfix_core.explanations import PictureEvidence
from cnnfix_core.modalities.captions import (
    Caption,
    Captioner,
    CaptionExplanation,
    Origin,
    Seen,
    Telling,
    Word,
    load_captioner,
)
from cnnfix_core.regions import MAP_SIDE, Box
from cnnfix_ui.server.results import KEYS
from cnnfix_ui.server.turns import turns


@st.cache_resource(show_spinner=False)
def captioner() -> Captioner:
    """The captioner of this page."""
    return load_captioner()


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=KEYS)
def seen(picture: Picture, part: Box | None) -> Seen:
    """The picture as the captioner sees it."""
    model = captioner().within(part)
    with turns.acquired():
        return Seen(model, picture)


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs=KEYS)
def captions_of(picture: Picture, part: Box | None, beginning: tuple[str, ...] = ()) -> list[Caption]:
    """Captions of the picture, best first. Raises TargetError if the beginning has a word that it does not know."""
    model = captioner().within(part)
    with turns.acquired():
        return model.describe(picture, beginning=beginning)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=KEYS)
def decoded(picture: Picture, part: Box | None, words: tuple[str, ...]) -> Telling:
    """The caption, decoded word by word."""
    shown = seen(picture, part)
    with turns.acquired():
        return shown.tell(words)


@st.cache_data(max_entries=2048, show_spinner=False, hash_funcs=KEYS)
def origin(
    picture: Picture, part: Box | None, words: tuple[str, ...], step: int, preset: Preset, than: str | None = None
) -> Origin:
    """How much of a word's evidence came from the picture and from each earlier word."""
    telling = decoded(picture, part, words)
    with turns.acquired():
        return telling.origin(step, preset, than)


@st.cache_resource(max_entries=256, show_spinner=False, hash_funcs=KEYS)
def evidence(
    picture: Picture, part: Box | None, words: tuple[str, ...], step: int, preset: Preset, than: str | None = None
) -> PictureEvidence | None:
    """A word's evidence on the picture, or None if it has none."""
    shown, word = seen(picture, part), origin(picture, part, words, step, preset, than)
    with turns.acquired():
        return shown.evidence(word, preset)


@st.cache_data(max_entries=32, max_size="256MB", show_spinner=False, hash_funcs=KEYS)
def maps(
    picture: Picture, part: Box | None, words: tuple[str, ...], preset: Preset, apart: bool
) -> list[Floats | None]:
    """A map for each word, including the end."""
    explained = explanation(picture, part, words, preset)
    with turns.acquired():
        return explained.maps(apart, MAP_SIDE)


def explanation(picture: Picture, part: Box | None, words: tuple[str, ...], preset: Preset) -> CaptionExplanation:
    """The explanation of all words of the caption."""
    asked = [(picture, part, words, step, preset) for step in range(len(words) + 1)]
    found = tuple(Word.of(origin(*one), evidence(*one)) for one in asked)
    return CaptionExplanation(decoded(picture, part, words).caption, preset, found, 0.0, part)


@st.cache_data(max_entries=512, max_size="256MB", show_spinner=False, hash_funcs=KEYS)
def gradcam(
    picture: Picture, part: Box | None, words: tuple[str, ...], word: str, than: str | None
) -> NDArray[np.float32]:
    """Grad-CAM of a word that follows these words."""
    model, asked = captioner().within(part).next_word(words), word if than is None else (word, than)
    with turns.acquired():
        return attribute(model, picture, asked, crops="whole", longest_side=MAP_SIDE)
