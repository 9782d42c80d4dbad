"""Below the answer: what its figure shows and what it does not, in four short texts with this answer's own numbers."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

import cnnfix_site
from cnnfix_core import Explanation
from cnnfix_ui.components.prose.component import prose

_PAPER = "https://arxiv.org/abs/1708.06670"


def article(explanation: Explanation) -> None:
    """Draw the texts."""
    with st.container(key="article"):
        st.header("How to read this", anchor=False)
        for column, (title, text) in zip(st.columns(4, gap="large"), _texts(explanation), strict=True):
            with column:
                prose(f"**{title}**\n\n{text}", key=f"article.{title}")
        with st.container(horizontal=True, gap="medium"):
            st.page_link(cnnfix_site.PAGES / "learn.py", label="Learn it in lessons", icon=":material/school:")
            st.page_link(_PAPER, label="The paper of 2019", icon=":material/article:")


def _texts(explanation: Explanation) -> Iterator[tuple[str, str]]:
    count = len(explanation.kept_fixations)
    larger = " Larger points carry more evidence." if explanation.preset.weighted else ""
    yield (
        "Points",
        "A [fixation](#fixation) is a pixel at which the [walk](#walk) back from the score arrived; here there are "
        f"{count:,}.{larger}",
    )
    yield (
        "Colours",
        "The colours say where so much of each [map](#map) lies, darkest to brightest: half of it lies within orange. "
        "All maps have the same scale, so that they can be compared.",
    )
    yield (
        "Rather than",
        "Evidence for one class often speaks for its neighbours too. *[Rather than](#rather-than)* keeps what speaks "
        "for one class and against another: try it on *Cat and dog*.",
    )
    yield (
        "What it is not",
        "A map says where the score came from. It does not say whether the network is right, nor what it would say "
        "without a part: hide one and see. A network with [shuffled weights](#weight-randomisation-test) still draws "
        "some of the picture's own shapes.",
    )
