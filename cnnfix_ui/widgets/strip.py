"""The strip at the top of a page: samples to choose from, and an upload next to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from cnnfix_ui.components.choices.component import Choice, choices
from cnnfix_ui.errors import escaped
from cnnfix_ui.widgets.uploads import OWN, Upload


def choose_from_strip(
    tiles: Sequence[Choice],
    upload: Upload[Any],
    selected: str,
    on_choose: Callable[[str], object],
    label: str,
    note: str = "",
) -> None:
    """Draw the strip.

    Args:
        tiles: the samples.
        upload: the upload next to them.
        selected: value of the chosen tile.
        on_choose: called with a tile's value, or with OWN after an upload; it should only set state.
        label: of the strip, for screen readers.
        note: text below the strip.
    """
    strip, own = st.columns([4, 1.1], gap="medium")
    with own, st.container(key=f"own-{upload.key}", horizontal=True, vertical_alignment="bottom", gap="small"):
        upload.draw(lambda: on_choose(OWN))
    with strip:
        choices(tiles, selected=selected, look="tiles", label=label, key=f"{upload.key}.tiles", on_choose=on_choose)
        if note:
            st.caption(escaped(note))
    upload.show_error()
