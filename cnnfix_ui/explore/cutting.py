"""Cut the object out: its outline on the picture, and files of it."""

from __future__ import annotations

from functools import partial
from pathlib import PurePath

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core import Explanation, Picture
from cnnfix_core.regions import MAP_SIDE, cut_out
from cnnfix_core.utils import percent
from cnnfix_core.visualization import outlined, png, transparent
from cnnfix_ui.address import switch
from cnnfix_ui.server.turns import turns

_SHOWN_SIDE = 1024
CUT = switch()


def asked() -> bool:
    """Whether the visitor cuts out."""
    return bool(st.session_state["cut"])


def offer() -> None:
    """Draw the button that cuts out."""
    st.button("Cut out", icon=":material/content_cut:", on_click=_set, args=(True,))


def section(picture: Picture, name: str, explanation: Explanation) -> None:
    """The outline over the picture, the share, and the downloads."""
    label = explanation.target.label
    st.subheader(f"“{label}”, cut out", anchor=False)
    with st.spinner("Cutting out …"):
        mask = _mask(picture.digest, explanation.map(MAP_SIDE).astype(np.float32), picture)
    shown, told = st.columns([2, 1], gap="large")
    with shown:
        st.image(png(outlined(picture, mask, _SHOWN_SIDE)), caption=f"Outline of {label}.")
    with told, st.container(gap="medium"):
        st.markdown(
            f"**{percent(float(mask.mean()))}** of the picture. The cut-out starts from the strongest part of the map "
            "and grows to edges of the picture. It shows what the network looked at, and may miss parts of the object."
        )
        stem = PurePath(name).stem or "picture"
        drawn = {"Object": ("cut-out", transparent(picture, mask)), "Mask": ("mask", Image.fromarray(mask))}
        for words, (ending, image) in drawn.items():
            st.download_button(
                words, partial(png, image), f"{stem}-{ending}.png", "image/png", icon=":material/download:"
            )
        st.button("Back to the answer", icon=":material/arrow_back:", on_click=_set, args=(False,), key="cut.back")


@st.cache_data(max_entries=16, show_spinner=False)
def _mask(digest: str, map_: NDArray[np.float32], _picture: Picture) -> NDArray[np.bool_]:
    with turns.acquired():
        return cut_out(_picture.pixels, map_)


def _set(cut: bool) -> None:
    st.session_state["cut"] = cut
