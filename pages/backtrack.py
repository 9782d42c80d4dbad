"""Backtrack: from the score back to the picture, one layer at a time, with the numbers behind each hop."""

import hashlib
from functools import partial

import streamlit as st

from cnnfix_core.backtrack import Chosen
from cnnfix_core.engine import EVIDENCE, PUBLISHED
from cnnfix_core.errors import CnnfixError, NoRuleError
from cnnfix_core.explanations import question
from cnnfix_site import PAGES
from cnnfix_ui.address import Setting, kept_in_address, switch
from cnnfix_ui.backtrack import units
from cnnfix_ui.backtrack.component import player
from cnnfix_ui.backtrack.ending import end_of
from cnnfix_ui.backtrack.playback_data import playback_data
from cnnfix_ui.backtrack.talk import answer_questions, keep_inside, parse_step
from cnnfix_ui.components.panels.component import photo_uri
from cnnfix_ui.errors import escaped
from cnnfix_ui.server import results
from cnnfix_ui.widgets import controls, networks
from cnnfix_ui.widgets.gallery import choose_picture, title_of
from cnnfix_ui.widgets.order import first
from cnnfix_ui.widgets.units import UNIT

SETTINGS = {
    **controls.SETTINGS,
    "both": switch(),
    "step": Setting(0, parse_step),
    "chosen": Setting(None, Chosen.parse),
    "unit": UNIT,
}


def own_controls() -> None:
    """Draw the controls that only this page has."""
    st.toggle(
        "Both methods",
        key="both",
        help="Shows the same layer under both methods side by side, and where the two walks diverge.",
    )


with kept_in_address(SETTINGS):
    seen = f"{title_of(st.session_state['picture'])}, {networks.title_of(st.session_state['model'])}"
    with st.expander(
        f"{escaped(seen)}: change picture, network, class or method", icon=":material/image_search:", key="question"
    ):
        picture = choose_picture("picture", on_change=networks.reset_classes)
        beside, classes = st.columns(2, gap="large")
        with beside:
            network = networks.choose()
        preset = controls.choose_settings(lambda: None, own_controls).as_preset()
    networks.show_notice()
    presets = (preset, PUBLISHED if preset.weighted else EVIDENCE) if st.session_state["both"] else (preset,)
    walk = None
    place = first("answer")
    with place, st.spinner("Following the evidence back …", show_time=True):
        try:
            walk = units.ask(lambda target: results.recorded_walk(network, picture, target, presets))
        except CnnfixError as error:
            st.error(escaped(str(error)), icon=":material/info:")
            if isinstance(error, NoRuleError):
                networks.link_to_models("See on the Models page where its walks stop")
    explanation = walk.explanation if walk else None
    unit = st.session_state["unit"]
    with classes:
        if unit is None:
            controls.choose_classes(explanation, network.model.labels)
        else:
            units.back_to_classes()
    if walk and explanation:
        keep_inside(walk)
        key = network.key, picture.digest, explanation.asked, explanation.unit, presets
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        with place:
            if preset.crops == "five":
                st.caption("This method uses five crops. The walk shown here is the one of the centre crop.")
            st.header(question(explanation.target, explanation.rather_than), anchor=False)
            data = results.playbacks.get(name, partial(walk.ask, playback_data, name))
            last = end_of(picture, explanation) if len(presets) == 1 else None
            start = {"step": st.session_state["step"]}
            if player({**data, "photo": photo_uri(picture), "end": last, "start": start}, key="playback"):
                st.switch_page(PAGES / "compare.py")
            answer_questions(name, picture, walk, SETTINGS)
