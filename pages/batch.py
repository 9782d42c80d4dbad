"""Batch: many pictures at once, one row per picture, to find those that need a closer look."""

import streamlit as st

from cnnfix_ui.address import kept_in_address
from cnnfix_ui.batch import section, state
from cnnfix_ui.widgets import controls, networks, units

with kept_in_address(state.SETTINGS):
    sending, asked = st.columns([1, 2], gap="large")
    with sending:
        state.UPLOAD.draw(lambda: None)
    with asked:
        network = networks.choose()
        preset = controls.choose_settings(lambda: None, units.choose_unit).as_preset()
    state.UPLOAD.show_error()
    section.show_left_out()
    networks.show_notice()
    pictures = state.pictures()
    section.open_chosen(pictures)
    if pictures:
        section.show_batch(network, preset, pictures)
    else:
        st.info(
            "Upload up to 200 pictures, or a zip archive of them. Each gets a row with the predicted class, its "
            "probability and where the evidence lies, so that unusual pictures stand out.",
            icon=":material/photo_library:",
        )
        st.button(
            "Try it with the sample pictures", on_click=lambda: st.session_state.update(samples=True), type="primary"
        )
