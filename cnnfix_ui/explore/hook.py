"""The first visit: the photograph alone, “Where would you look?”, and after one tap the maps; see hook.js.

This browser remembers that it was seen. A link never meets it, and neither does somebody who wants less motion.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from cnnfix_core import Picture
from cnnfix_ui.components.assets import script, sheets
from cnnfix_ui.components.panels.component import photo_uri

HERE = Path(__file__).parent
_STAGE = HERE.parent / "components" / "taps" / "stage.css"

_component = st.components.v2.component(
    "cnnfix_hook",
    html='<dialog class="hook"></dialog>',
    css=_STAGE.read_text("utf-8") + sheets(HERE / "web", "hook.css"),
    js=script(HERE / "web" / "hook.js"),
)
_WORDS = {
    "title": "Where would you look?",
    "words": "A network says what this is. Tap the place that you would look at.",
    "waiting": "Following the answer back to the pixels …",
    "skip": "Skip",
    "label": "Picture to tap.",
}


def hook(picture: Picture | None) -> None:
    """Draw it; the browser knows whether it is the first visit, and the answer is computed meanwhile.

    picture: None where it is not to be asked about. The component is there all the same, so that none below is moved.
    """
    shown = picture and {"photo": photo_uri(picture), "width": picture.width, "height": picture.height}
    _component(key="hook", data={**(shown or {"photo": ""}), **_WORDS})
