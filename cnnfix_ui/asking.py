"""The question: which class, rather than which other, with which settings."""

from dataclasses import dataclass

import streamlit as st

from cnnfix_core import Explanation, Picture, Prediction
from cnnfix_core.images import Crops
from cnnfix_core.presets import FOCUS, PRESETS
from cnnfix_core.words import percent
from cnnfix_core.zoo import list_models
from cnnfix_ui import results
from cnnfix_ui.answer import SHOWN
from cnnfix_ui.choices import Choice, choices

VIEWS: dict[str, str] = {
    "preset": "as the method has it",
    "whole": "the whole picture, squeezed to a square",
    "centre": "the middle",
    "five": "four corners and the middle",
}
_METHODS = {"evidence": "Evidence", "published": "As published"}
_SHOWN_CLASSES = 6


@dataclass(frozen=True)
class Settings:
    """How the walk is made: names as in `cnnfix_core`."""

    model: str
    preset: str
    focus: str | None
    crops: Crops | None


def known_class(text: str) -> int:
    """A class number from the address. Raises a ValueError for anything else."""
    return results.model(st.session_state["model"]).labels.find(int(text))


def forget() -> None:
    """Another picture: ask about what the network says of it."""
    st.session_state["class"] = st.session_state["than"] = None


def choose_settings() -> Settings:
    """Draw the controls of the walk and of the drawing."""
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        preset = st.segmented_control(
            "Method",
            list(PRESETS)[::-1],
            required=True,
            format_func=_METHODS.__getitem__,
            key="preset",
            help="Evidence: signs count, evidence is shared, the strongest paths go on. "
            "As published: the algorithm of the 2019 paper, on five crops, each fixation counting the same.",
        )
        st.segmented_control("Show", SHOWN, required=True, format_func=str.title, key="show")
        focus = st.selectbox(
            "Focus",
            list(FOCUS),
            key="focus",
            format_func=str.title,
            disabled=preset != "evidence",
            width=150,
            help="Wide follows more paths and covers the object; sharp keeps to what decided.",
        )
        with st.container(key="more", width="content"), st.popover("More", icon=":material/tune:"):
            st.slider("Strength of the colours", 10, 100, step=5, format="%d %%", key="opacity")
            sees = st.selectbox("The network sees", list(VIEWS), format_func=VIEWS.__getitem__, key="sees")
            available = {model.name: model.title for model in list_models() if model.available}
            model = st.selectbox("Network", list(available), format_func=available.__getitem__, key="model")
    return Settings(
        model=str(model),
        preset=str(preset),
        focus=str(focus) if preset == "evidence" else None,
        crops=None if sees == "preset" else sees,  # type: ignore[arg-type]  # one of VIEWS
    )


def ask(picture: Picture, settings: Settings) -> Explanation:
    """The explanation of the chosen class, or of the predicted one. A class cannot be set against itself."""
    wanted, other = st.session_state["class"], st.session_state["than"]
    if other is not None:
        if wanted is None:
            wanted = _explained(picture, settings, None).target.index
        if other == wanted:
            other = st.session_state["than"] = None
    return _explained(picture, settings, wanted if other is None else (wanted, other))


def choose_classes(explanation: Explanation, model: str) -> None:
    """Draw the predictions as bars to click, and the search for any other class."""

    def choose(value: str) -> None:
        st.session_state["class"] = int(value)
        if st.session_state["than"] == int(value):
            st.session_state["than"] = None

    st.subheader("What the network says", anchor=False)
    listed = list(explanation.predictions[:_SHOWN_CLASSES])
    asked = [prediction for prediction in (explanation.target, explanation.rather_than) if prediction]
    listed += [prediction for prediction in asked if prediction not in listed]
    choices(
        [_bar(prediction, model) for prediction in listed],
        selected=str(explanation.target.index),
        look="bars",
        label="Classes, most probable first: why this one?",
        key="class.bars",
        on_choose=choose,
    )
    labels = results.labels(model)
    st.selectbox(
        "Why this class?",
        range(len(labels)),
        index=None,
        format_func=labels.__getitem__,
        placeholder=f"{explanation.target.label}; search all {len(labels):,}",
        key="class",
    )
    st.selectbox(
        "Rather than",
        [index for index in range(len(labels)) if index != explanation.target.index],
        index=None,
        format_func=labels.__getitem__,
        placeholder="any other class",
        key="than",
        help="Explains the difference: what speaks for the one class and not for the other.",
    )


def _explained(picture: Picture, settings: Settings, target: int | tuple[int, int] | None) -> Explanation:
    return results.explained(
        picture.digest, settings.model, target, settings.preset, settings.focus, settings.crops, picture
    )


def _bar(prediction: Prediction, model: str) -> Choice:
    labels = results.model(model).labels
    title = f"{labels.synonyms[prediction.index]}: {labels.definitions[prediction.index]}"
    share = prediction.probability
    return Choice(str(prediction.index), prediction.label, title, share=share, detail=percent(share))
