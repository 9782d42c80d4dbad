"""Batch: many pictures at once, a row each, to find those that need a look."""

import streamlit as st

from cnnfix_ui.address import kept_in_address
from cnnfix_ui.batch import section, state
from cnnfix_ui.widgets import controls, networks

with kept_in_address(state.SETTINGS):
    sending, asked = st.columns([1, 2], gap="large")
    with sending:
        state.UPLOAD.draw(lambda: None)
    with asked:
        network = networks.choose()
        preset = controls.choose_settings(lambda: None, lambda: None).as_preset()
    state.UPLOAD.show_error()
    networks.show_notice()
    pictures = state.pictures()
    section.open_chosen(pictures)
    if pictures:
        section.show_batch(network, preset, pictures)
    else:
        st.info(
            "Send up to 200 pictures, or a zip archive of them. Each becomes a row: what the network says, how sure it "
            "is, and where its evidence lies, so that the odd ones stand out.",
            icon=":material/photo_library:",
        )
        st.button("Try it with the samples", on_click=lambda: st.session_state.update(samples=True), type="primary")
