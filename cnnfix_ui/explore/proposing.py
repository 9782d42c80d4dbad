"""Where may objects be? Boxes from the evidence for the top classes, ranked, on the picture."""

from __future__ import annotations

import streamlit as st

from cnnfix_core import Picture
from cnnfix_core.explanations import Proposal, proposals
from cnnfix_core.utils import percent
from cnnfix_core.visualization import boxed_figure, png
from cnnfix_ui.errors import escaped
from cnnfix_ui.explore.question import Question, Subject, answer
from cnnfix_ui.server.results import KEYS, Network
from cnnfix_ui.server.turns import turns

_COUNTS, _MOST = (1, 5, 10, 20), 50
_SHOWN_SIDE = 1024
_COUNT = "propose.count"


def _parsed(text: str) -> int:
    count = int(text)
    if not 1 <= count <= _MOST:
        raise ValueError(text)
    return count


def _draw(subject: Subject, wanted: int) -> None:
    """The boxes on the picture, and their list. wanted: how many."""
    picture, found = subject.picture, _proposals(subject.network, subject.picture)
    shown, listed = st.columns([1.6, 1], gap="large")
    with listed:
        counts = [count for count in _COUNTS if count < len(found)] + [len(found)]
        st.session_state[_COUNT] = wanted if wanted in counts else counts[-1]
        count = st.radio("Boxes", counts, horizontal=True, key=_COUNT, on_change=_choose)
        rows = [
            {"Rank": number, "Evidence for": one.prediction.label, "Probability": percent(one.prediction.probability)}
            for number, one in enumerate(found[:count], 1)
        ]
        st.dataframe(rows, hide_index=True)
        st.caption("Boxes around the evidence for the ten most probable classes, the most likely box first.")
    with shown:
        boxes = [one.box for one in found[:count]]
        first = escaped(found[0].prediction.label) if found else ""
        drawn = png(boxed_figure(picture, boxes, _SHOWN_SIDE))
        st.image(drawn, caption=f"The thickest frame is the first box: {first}.")


@st.cache_resource(max_entries=32, show_spinner="Following the evidence for ten classes …", hash_funcs=KEYS)
def _proposals(network: Network, picture: Picture) -> list[Proposal]:
    with turns.acquired(long=True):
        return network.ask(proposals, picture, _MOST)


def _choose() -> None:
    answer(st.session_state[_COUNT])


QUESTION = Question("propose", "Where may objects be?", ":material/select_all:", _draw, first=_COUNTS[1], parse=_parsed)
