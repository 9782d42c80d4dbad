"""Compare: methods, classes, networks and pictures side by side, on one colour scale, with numbers."""

import streamlit as st

from cnnfix_core.explanations import question
from cnnfix_ui.address import kept_in_address
from cnnfix_ui.compare import state
from cnnfix_ui.compare.cases import case_of
from cnnfix_ui.compare.section import show_comparison
from cnnfix_ui.errors import escaped
from cnnfix_ui.learn import draft
from cnnfix_ui.widgets import controls, networks
from cnnfix_ui.widgets.gallery import choose_picture, title_of
from cnnfix_ui.widgets.order import first

with kept_in_address(state.SETTINGS):
    seen = f"{title_of(st.session_state['picture'])}, {networks.title_of(st.session_state['model'])}"
    with st.expander(
        f"{escaped(seen)}: change picture, network or class", icon=":material/image_search:", key="question"
    ):
        choose_picture("picture", on_change=networks.reset_classes)
        beside, classes = st.columns(2, gap="large")
        with beside:
            network = networks.choose()
    networks.show_notice()
    base = state.question()
    with st.spinner("Running the network …", show_time=True):
        case = case_of(base)
        _ = case.reasons  # before anything is drawn: it can take as long as the prediction
    with classes:
        controls.choose_classes(case, network.model.labels)
    with first("question"):
        st.header(question(case.target, case.rather_than), anchor=False)
    show_comparison(base)
    draft.offer("compare")
