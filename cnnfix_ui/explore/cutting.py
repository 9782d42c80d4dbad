"""Cut the object out: its outline on the picture, and files of it."""

from __future__ import annotations

from functools import partial
from pathlib import PurePath

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core import Picture
from cnnfix_core.regions import MAP_SIDE, cut_out
from cnnfix_core.utils import percent
from cnnfix_core.visualization import outlined, png, transparent
from cnnfix_ui.explore.question import Question, Subject
from cnnfix_ui.server.turns import turns

_SHOWN_SIDE = 1024


def _draw(subject: Subject, _: bool) -> None:
    """The outline over the picture, the share, and the downloads."""
    picture, explanation = subject.picture, subject.explanation
    label = explanation.target.label
    with st.spinner("Cutting out …"):
        mask = _mask(picture.digest, explanation.map(MAP_SIDE).astype(np.float32), picture)
    shown, told = st.columns([2, 1], gap="large")
    with shown:
        st.image(png(outlined(picture, mask, _SHOWN_SIDE)), caption=f"Outline of “{label}”.")
    with told, st.container(gap="medium"):
        st.markdown(
            f"**{percent(float(mask.mean()))}** of the picture. The cut-out starts from the strongest part of the map "
            "and grows to edges of the picture. It shows what the network looked at, and may miss parts of the object."
        )
        stem = PurePath(subject.name).stem or "picture"
        drawn = {"Object": ("cut-out", transparent(picture, mask)), "Mask": ("mask", Image.fromarray(mask))}
        for words, (ending, image) in drawn.items():
            st.download_button(
                words, partial(png, image), f"{stem}-{ending}.png", "image/png", icon=":material/download:"
            )


@st.cache_data(max_entries=16, show_spinner=False)
def _mask(digest: str, map_: NDArray[np.float32], _picture: Picture) -> NDArray[np.bool_]:
    with turns.acquired():
        return cut_out(_picture.pixels, map_)


def _parsed(text: str) -> bool:
    if text != str(True):
        raise ValueError(text)
    return True


QUESTION = Question(
    "cut", "Cut the object out", ":material/content_cut:", _draw, first=True, parse=_parsed, any_part=True
)
