"""Explore: a picture, what the network predicts, and which pixels led to it, next to Grad-CAM.

For segmentation and detection networks the question is about one pixel or one box.
"""

from pathlib import Path

import streamlit as st

from cnnfix_core.errors import CnnfixError, NoRuleError
from cnnfix_core.explanations import question
from cnnfix_ui.address import Setting, is_plain, kept_in_address, one_of
from cnnfix_ui.errors import escaped
from cnnfix_ui.explore import questions, sections, unseen
from cnnfix_ui.explore.article import article
from cnnfix_ui.explore.hook import hook
from cnnfix_ui.explore.question import Subject
from cnnfix_ui.learn import draft, welcome
from cnnfix_ui.server import results
from cnnfix_ui.widgets import answer, controls, depths, networks
from cnnfix_ui.widgets.gallery import choose_picture, picture_of
from cnnfix_ui.widgets.order import first, rest
from cnnfix_ui.widgets.places import parse_pixel, pixel_text

SETTINGS = {
    **controls.SETTINGS,
    "show": one_of(*answer.SHOWN, default="both"),
    "opacity": Setting(75, answer.parse_opacity),
    "depth": depths.DEPTH,
    "at": Setting(None, parse_pixel, pixel_text),
    **questions.SETTINGS,
}


def reset() -> None:
    """For a new picture, go back to the predicted class."""
    networks.reset_classes()
    st.session_state["at"] = None
    questions.renew()


welcome.offer()
with kept_in_address(SETTINGS):
    hook(picture_of(st.session_state["picture"]) if is_plain(SETTINGS) else None)
    picture = choose_picture("picture", on_change=reset)
    notice = first("notice")
    said, seen = st.columns([1, 2.6], gap="large")
    with said:
        network = networks.choose(networks.EVERY_TASK)
        part = st.container()
        classes = st.container()
    with notice:
        networks.show_notice()
    with seen:
        preset = controls.choose_settings(answer.choose_shown, answer.choose_opacity).as_preset()
        place = first("answer")
    explanation, asked = None, network
    with place, st.spinner("Following the evidence back …", show_time=True):
        try:
            with part:
                asked = sections.choose_part(network, picture)
            networks.fit_classes(len(asked.model.labels))
            explanation = controls.ask(lambda target: results.explained(asked, picture, target, preset))
            gradcam = results.gradcam(asked, picture, explanation.asked, explanation.preset.crops)
        except CnnfixError as error:
            st.error(escaped(str(error)), icon=":material/info:")
            if isinstance(error, NoRuleError):
                networks.link_to_models("See on the Models page where its walks stop")
    with classes:
        if explanation or asked.model.task == "classification":
            controls.choose_classes(explanation, asked.model.labels, network.model.labels)
    if explanation:
        subject = Subject(
            asked, picture, st.session_state["picture"] or "", explanation, gradcam, whole=asked is network
        )
        with place:
            if not questions.section(subject):
                st.header(question(explanation.target, explanation.rather_than), anchor=False)
                whole = network if subject.whole else None
                note = unseen.sentence(network.model, subject.name, explanation) if whole else ""
                answer.show_explanation(picture, explanation, gradcam, whole, subject.name, note)
                with rest("questions"):
                    questions.offer(subject)
    if explanation and asked is network:
        answer.prepare_others(network, picture, explanation)
        with place, rest("links"), st.container(horizontal=True, gap="medium"):
            for page, words in (
                ("backtrack", "Step back through the layers"),
                ("compare", "Compare with other methods"),
            ):
                place_of = Path(__file__).with_name(f"{page}.py")
                st.page_link(place_of, label=words, icon=":material/arrow_forward:")
        with place, rest("draft"):
            draft.offer("explore")
        article(explanation)
