"""Explore: a picture, what the network says, and which pixels made it say so, beside Grad-CAM."""

import streamlit as st

from cnnfix_core.presets import FOCUS, PRESETS
from cnnfix_core.samples import list_samples
from cnnfix_core.words import question
from cnnfix_core.zoo import DEFAULT, list_models
from cnnfix_ui import answer, asking, results
from cnnfix_ui.address import Setting, kept_in_address, one_of
from cnnfix_ui.gallery import choose_picture, known_picture

SETTINGS = {
    "model": one_of(*(model.name for model in list_models() if model.available), default=DEFAULT),
    "picture": Setting(list_samples()[0].name, known_picture),
    "class": Setting(None, asking.known_class),
    "than": Setting(None, asking.known_class),
    "preset": one_of(*PRESETS, default="evidence"),
    "focus": one_of(*FOCUS, default="balanced"),
    "sees": one_of(*asking.VIEWS, default="preset"),
    "show": one_of(*answer.SHOWN, default="both"),
    "opacity": Setting(75, answer.known_opacity),
}

with kept_in_address(SETTINGS):
    picture = choose_picture("picture", on_change=asking.forget)
    said, seen = st.columns([1, 2.6], gap="large")
    with seen:
        settings = asking.choose_settings()
        place = st.container()
    with place, st.spinner("Following the evidence back …", show_time=True):
        explanation = asking.ask(picture, settings)
        rival = results.rival(picture.digest, settings.model, explanation.asked, explanation.preset.crops, picture)
    with said:
        asking.choose_classes(explanation, settings.model)
    with place:
        st.subheader(question(explanation.target, explanation.rather_than), anchor=False)
        answer.show(picture, explanation, rival)
