"""The question: which class, rather than which other, with which settings."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import streamlit as st

from cnnfix_core import Labels, Prediction, Preset, get_preset
from cnnfix_core.engine import FOCUS, PRESETS
from cnnfix_core.errors import TargetError
from cnnfix_core.images import Crops, list_samples
from cnnfix_core.utils import percent
from cnnfix_core.zoo import DEFAULT
from cnnfix_ui.address import Setting, one_of
from cnnfix_ui.components.choices.component import Choice, choices
from cnnfix_ui.server import results
from cnnfix_ui.widgets import networks
from cnnfix_ui.widgets.gallery import parse_picture

Answer = TypeVar("Answer")

VIEWS: dict[str, str] = {
    "preset": "as the method has it",
    "whole": "the whole picture, squeezed to a square",
    "centre": "the middle",
    "five": "four corners and the middle",
}
PRESET_LABELS = {"evidence": "Evidence", "published": "As published"}
_SHOWN_CLASSES = 6


class ExplainedClass(Protocol):
    """What the network said, and which class is explained rather than which other."""

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """The most probable classes, best first."""

    @property
    def target(self) -> Prediction:
        """The class that is explained."""

    @property
    def rather_than(self) -> Prediction | None:
        """The one that it is set against."""


@dataclass(frozen=True)
class WalkSettings:
    """How the walk is made: names as in `cnnfix_core`; crops: None for the preset's own."""

    preset: str
    focus: str | None
    crops: Crops | None

    def as_preset(self) -> Preset:
        """The settings of the walk."""
        preset = get_preset(self.preset, self.focus)
        return preset if self.crops is None else replace(preset, crops=self.crops)


def parse_class(text: str) -> int:
    """A class number from the address; whether there are so many is seen to when the network is known.

    Raises a ValueError for anything else.
    """
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


# What every page that asks a network has in its address.
SETTINGS = {
    "model": Setting(DEFAULT, networks.parse_name),
    "picture": Setting(list_samples()[0].name, parse_picture),
    "class": Setting(None, parse_class),
    "than": Setting(None, parse_class),
    "preset": one_of(*PRESETS, default="evidence"),
    "focus": one_of(*FOCUS, default="balanced"),
    "sees": one_of(*VIEWS, default="preset"),
}


def choose_settings(extra: Callable[[], object], rest: Callable[[], object]) -> WalkSettings:
    """Draw the controls of the walk. extra: draws the page's own beside them, rest: those behind "More"."""
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        preset = st.segmented_control(
            "Method",
            list(PRESETS)[::-1],
            required=True,
            format_func=PRESET_LABELS.__getitem__,
            key="preset",
            help="Evidence: signs count, evidence is shared, the strongest paths go on. "
            "As published: the algorithm of the 2019 paper, on five crops, each fixation counting the same.",
        )
        extra()
        focus = choose_focus(disabled=preset != "evidence")
        with more():
            rest()
            crops = choose_views()
    return WalkSettings(str(preset), focus if preset == "evidence" else None, crops)


@contextmanager
def more() -> Iterator[None]:
    """Inside, controls are drawn behind "More"."""
    with lowered("more"), st.popover("More", icon=":material/tune:"):
        yield


def lowered(key: str) -> AbstractContextManager[object]:
    """A place for a button, level with the controls beside it, which have a label above."""
    return st.container(key=f"lowered-{key}", width="content")


def choose_focus(disabled: bool = False) -> str:
    """Draw the control of the evidence preset's focus."""
    return str(
        st.selectbox(
            "Focus",
            list(FOCUS),
            key="focus",
            format_func=str.title,
            disabled=disabled,
            width=150,
            help="Wide follows more paths and covers the object; sharp keeps to what decided.",
        )
    )


def choose_views() -> Crops | None:
    """Draw the control of what the network sees of the picture; None: what the method has."""
    sees = st.selectbox("The network sees", list(VIEWS), format_func=VIEWS.__getitem__, key="sees")
    return None if sees == "preset" else sees  # type: ignore[return-value]  # one of VIEWS


def target() -> results.Target:
    """What the controls ask for: a class, one rather than another, or None for the predicted one."""
    wanted, other = st.session_state["class"], st.session_state["than"]
    return wanted if other is None else (wanted, other)


def ask(explained: Callable[[results.Target], Answer]) -> Answer:
    """The answer to that. Raises what `explained` raises; but where a class is set against itself it is asked alone."""
    try:
        return explained(target())
    except TargetError:
        if st.session_state["than"] is None:
            raise
        st.session_state["than"] = None
        return explained(target())


def choose_classes(explanation: ExplainedClass | None, labels: Labels) -> None:
    """Draw the predictions as bars to click, and the search for any other class.

    explanation: None where there is no answer; then another class can still be asked for.
    """
    st.subheader("What the network says", anchor=False)
    if explanation:
        _bars(explanation, labels)
    target = explanation.target if explanation else None
    st.selectbox(
        "Why this class?",
        range(len(labels)),
        index=None,
        format_func=labels.short.__getitem__,
        placeholder=f"{target.label}; search all {len(labels):,}" if target else f"search all {len(labels):,}",
        key="class",
    )
    st.selectbox(
        "Rather than",
        [index for index in range(len(labels)) if target is None or index != target.index],
        index=None,
        format_func=labels.short.__getitem__,
        placeholder="any other class",
        key="than",
        help="Explains the difference: what speaks for the one class and not for the other.",
    )


def listed(answer: ExplainedClass) -> list[Prediction]:
    """The classes to choose from: the most probable ones, and those that were asked for."""
    shown = list(answer.predictions[:_SHOWN_CLASSES])
    asked = [prediction for prediction in (answer.target, answer.rather_than) if prediction]
    return shown + [prediction for prediction in asked if prediction not in shown]


def _bars(explanation: ExplainedClass, labels: Labels) -> None:
    def choose(value: str) -> None:
        st.session_state["class"] = int(value)
        if st.session_state["than"] == int(value):
            st.session_state["than"] = None

    choices(
        [_bar(prediction, labels) for prediction in listed(explanation)],
        selected=str(explanation.target.index),
        look="bars",
        label="Classes, most probable first: why this one?",
        key="class.bars",
        on_choose=choose,
    )


def _bar(prediction: Prediction, labels: Labels) -> Choice:
    said = labels.synonyms[prediction.index], labels.definitions[prediction.index]
    share = prediction.probability
    return Choice(
        str(prediction.index), prediction.label, ": ".join(filter(None, said)), share=share, detail=percent(share)
    )
