"""Controls for the question: which class, rather than which other class, with which settings."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import streamlit as st

from cnnfix_core import Labels, Prediction, Preset, get_preset
from cnnfix_core.engine import FOCUS, PRESET_TITLES, PRESETS
from cnnfix_core.errors import TargetError
from cnnfix_core.images import Crops, list_samples
from cnnfix_core.utils import percent
from cnnfix_core.zoo import DEFAULT
from cnnfix_ui.address import Setting, one_of
from cnnfix_ui.components.choices.component import Choice, choices
from cnnfix_ui.errors import escaped
from cnnfix_ui.server import results
from cnnfix_ui.widgets import networks
from cnnfix_ui.widgets.gallery import parse_picture

Answer = TypeVar("Answer")

VIEWS: dict[str, str] = {
    "preset": "the method's own crop",
    "whole": "the whole picture, squeezed",
    "centre": "the centre crop",
    "five": "four corners and the centre",
}
_FOCUS_LABELS = {
    "wide": "Everything that helped",
    "balanced": "Balanced",
    "sharp": "What helped most",
    "sharpest": "Only what decided",
}
_SHOWN_CLASSES, _NAMED_CLASSES = 6, 4


class ExplainedClass(Protocol):
    """The predictions, and which class is explained, rather than which other class."""

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """The most probable classes, best first."""

    @property
    def target(self) -> Prediction:
        """The class that is explained."""

    @property
    def rather_than(self) -> Prediction | None:
        """The class it is contrasted with, if any."""


@dataclass(frozen=True)
class WalkSettings:
    """Settings of the walk, named as in `cnnfix_core`. crops: None for those of the preset."""

    preset: str
    focus: str | None
    crops: Crops | None

    def as_preset(self) -> Preset:
        """The same as a preset."""
        preset = get_preset(self.preset, self.focus)
        return preset if self.crops is None else replace(preset, crops=self.crops)


def parse_class(text: str) -> int:
    """A class number from the address. Raises ValueError for anything else.

    Whether the network has that many classes is checked once the network is known.
    """
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


# In the address of every page that uses a network.
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
    """Draw the controls of the walk. extra: draws the page's own controls next to them; rest: those behind "More"."""
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        preset = st.segmented_control(
            "Method",
            list(PRESETS)[::-1],
            required=True,
            format_func=PRESET_TITLES.__getitem__,
            key="preset",
            help="Our method: uses signs, shares evidence among inputs, and follows the strongest paths. "
            "The 2019 paper: its algorithm as published, on five crops, with every fixation weighted equally.",
        )
        extra()
        focus = choose_focus(disabled=preset != "evidence")
        with more():
            rest()
            crops = choose_views()
    return WalkSettings(str(preset), focus if preset == "evidence" else None, crops)


@contextmanager
def more() -> Iterator[None]:
    """Draw the controls inside the block behind "More"."""
    with lowered("more"), st.popover("More", icon=":material/tune:"):
        yield


def lowered(key: str) -> AbstractContextManager[object]:
    """A container for a button, aligned with controls that have a label above them."""
    return st.container(key=f"lowered-{key}", width="content")


def choose_focus(disabled: bool = False) -> str:
    """Draw the control of the evidence preset's focus."""
    return str(
        st.selectbox(
            "How much to show",
            list(FOCUS),
            key="focus",
            format_func=_FOCUS_LABELS.__getitem__,
            disabled=disabled,
            width=220,
            help="How many paths the walk follows: all that helped cover the object, the strongest show what decided.",
        )
    )


def choose_views() -> Crops | None:
    """Draw the control for the crops that the network sees; None means those of the method."""
    sees = st.selectbox("The network sees", list(VIEWS), format_func=VIEWS.__getitem__, key="sees")
    return None if sees == "preset" else sees  # type: ignore[return-value]  # one of VIEWS


def target() -> results.Target:
    """The chosen target: a class, a pair of classes, or None for the predicted class."""
    wanted, other = st.session_state["class"], st.session_state["than"]
    return wanted if other is None else (wanted, other)


def ask(explained: Callable[[results.Target], Answer]) -> Answer:
    """Explain the chosen target. If a class is contrasted with itself, explain it alone."""
    try:
        return explained(target())
    except TargetError:
        if st.session_state["than"] is None:
            raise
        st.session_state["than"] = None
        return explained(target())


def choose_classes(explanation: ExplainedClass | None, labels: Labels, known: Labels | None = None) -> None:
    """Draw the predictions as clickable bars, and a search box for any other class.

    Args:
        explanation: None if there is none; another class can still be chosen.
        labels: Of what can be chosen.
        known: The classes that the network knows, where those to choose from are others, such as boxes.
    """
    st.header("Predictions", anchor=False)
    if explanation:
        _bars(explanation, labels)
    st.caption(escaped(about_predictions(explanation, known or labels)))
    target = explanation.target if explanation else None
    st.selectbox(
        "Why this class?",
        range(len(labels)),
        index=None,
        format_func=labels.short.__getitem__,
        placeholder=f"{target.label} (search all {len(labels):,})" if target else f"Search all {len(labels):,}",
        key="class",
    )
    st.selectbox(
        "Rather than",
        [index for index in range(len(labels)) if target is None or index != target.index],
        index=None,
        format_func=labels.short.__getitem__,
        placeholder="Any other class",
        key="than",
        help="Explains the difference: the evidence for the first class that is not evidence for the other.",
    )


def about_predictions(explanation: ExplainedClass | None, labels: Labels) -> str:
    """What the percentages are means of, and what the network knows: it takes anything else for one of its classes."""
    views = len(getattr(explanation, "views", ()))
    means = f"Means over {views} crops, so other percentages than for the whole picture. " if views > 1 else ""
    if len(labels) == 1:
        return f"{means}The network knows one class: {labels.short[0]}."
    shown = min(len(labels), _NAMED_CLASSES)
    names = f"{', '.join(labels.short[: shown - 1])} and {labels.short[shown - 1]}"
    known = names if len(labels) == shown else f"{len(labels):,} classes, such as {names}"
    return f"{means}The network knows {known}, and takes whatever it sees for one of them."


def listed(answer: ExplainedClass) -> list[Prediction]:
    """The classes to choose from: the most probable ones and the chosen ones."""
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
        label="Classes, most probable first. Choose one to explain it.",
        key="class.bars",
        on_choose=choose,
    )


def _bar(prediction: Prediction, labels: Labels) -> Choice:
    said = labels.synonyms[prediction.index], labels.definitions[prediction.index]
    share = prediction.probability
    return Choice(
        str(prediction.index), prediction.label, ": ".join(filter(None, said)), share=share, detail=percent(share)
    )
