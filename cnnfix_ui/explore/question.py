"""What a question is that a visitor opens on Explore in place of the answer. One at most is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core import Explanation, Picture
from cnnfix_ui.server.results import Network

ASK = "ask"  # in session state and in the address: what is open


@dataclass(frozen=True, eq=False)
class Subject:
    """What a question is about.

    Attributes:
        network: that was asked.
        picture: the picture.
        name: of the picture in the gallery.
        explanation: the answer.
        gradcam: Grad-CAM's map, or a sentence that says why there is none.
        whole: whether the network classifies the whole picture, rather than a pixel or a box.
    """

    network: Network
    picture: Picture
    name: str
    explanation: Explanation
    gradcam: NDArray[np.float32] | str
    whole: bool


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        name: in the address.
        words: on its button and above it.
        icon: of the button.
        draw: draws it with what a visitor has answered so far.
        first: the answer with which it opens. `Taps` are about one picture: for another it opens again.
        parse: reads an answer from the address; raises ValueError for anything that is not allowed.
        text: writes an answer to the address.
        again: label of the button that opens it again; "" for none.
        any_part: whether it can be asked about a pixel or a box, too.
    """

    name: str
    words: str
    icon: str
    draw: Callable[[Subject, Any], None]
    first: Any
    parse: Callable[[str], Any]
    text: Callable[[Any], str] = str
    again: str = ""
    any_part: bool = False


@dataclass(frozen=True)
class Open:
    """The open question, and what has been answered."""

    question: Question
    answer: Any


def is_open() -> Open | None:
    """The open question."""
    found: Open | None = st.session_state[ASK]
    return found


def answer(given: Any) -> None:
    """Change the answer of the open question."""
    st.session_state[ASK] = replace(st.session_state[ASK], answer=given)
