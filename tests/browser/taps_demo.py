"""The taps component on its own, for test_taps.py."""

import numpy as np
import streamlit as st

from cnnfix_core import open_picture
from cnnfix_core.images import load_sample
from cnnfix_ui.components.panels.component import map_uri
from cnnfix_ui.components.taps.component import Overlay, TapQuestion, Taps, ask_taps, show_taps

picture = open_picture(load_sample("cat").read())
y, x = np.mgrid[:30, :40]
one, other = np.exp(-((x - 10) ** 2 + (y - 10) ** 2) / 50), np.exp(-((x - 30) ** 2 + (y - 20) ** 2) / 50)


def ask(name: str) -> None:
    ask_taps(
        picture,
        TapQuestion("Tap three places.", "Reveal", limit=3, boxes=name == "boxes"),
        key=name,
        marked=st.session_state.get(f"{name}.kept", Taps()),
        on_send=lambda found: st.session_state.update({f"{name}.kept": found}),
    )
    kept = st.session_state.get(f"{name}.kept", Taps())
    st.write(f"{name}: {len(kept.points)} points, box {kept.box}")
    if st.button(f"Again with {name}"):
        st.session_state.pop(f"{name}.kept")
        st.rerun()


left, right = st.columns(2)
with left:
    ask("places")
    ask("boxes")
with right:
    overlays = [Overlay("Fixations", map_uri(picture, one)), Overlay("<b>Grad-CAM</b>", map_uri(picture, other))]
    marked = Taps(((100, 100), (250, 150)))
    show_taps(picture, marked, label="Two places on two maps", key="shown", overlays=overlays)
    show_taps(picture, Taps(box=(50, 60, 200, 160)), label="A box", key="a_box", overlays=overlays[:1])
