"""The Signals page for a video clip."""

from __future__ import annotations

import streamlit as st

from cnnfix_core import ModelInfo, Picture, Preset, get_preset
from cnnfix_core.arrays import Floats
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import question
from cnnfix_core.modalities.video import (
    Clip,
    ClipExplanation,
    ClipModel,
    clip_animation,
    clip_json,
    clip_models,
    clip_samples,
    clip_words,
    explain_clip,
    load_clip_model,
)
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.utils import percent
from cnnfix_core.visualization import panel, photo_of
from cnnfix_core.zoo import DownloadProgress
from cnnfix_ui.components.choices.component import Choice, choices
from cnnfix_ui.components.images import image_uri
from cnnfix_ui.components.panels.component import Panel, panels, thumbnail
from cnnfix_ui.errors import escaped
from cnnfix_ui.server import results
from cnnfix_ui.server.cache import Cache
from cnnfix_ui.server.turns import turns
from cnnfix_ui.signals import state
from cnnfix_ui.widgets import answer, controls, networks
from cnnfix_ui.widgets.downloads import downloads
from cnnfix_ui.widgets.fetching import load_with_bar
from cnnfix_ui.widgets.order import first
from cnnfix_ui.widgets.strip import choose_from_strip
from cnnfix_ui.widgets.uploads import OWN

_TILE = 200  # pixels, the longest side
_MODELS: Cache[str, ClipModel] = Cache(600_000_000, lambda model: model.nbytes)


def show() -> None:
    """Draw the strip of clips, the predictions for the chosen one, and the frames with the evidence."""
    clip = _choose_clip()
    said, seen = st.columns([1, 2.6], gap="large")
    with said:
        model = _choose_network()
        classes = st.container()
    if model is None:
        return
    with seen:
        with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
            answer.choose_shown()
            preset = get_preset("evidence", controls.choose_focus())
            with controls.more():
                answer.choose_opacity()
        place = first("answer")
    explanation = None
    with place, st.spinner("Following the evidence back …", show_time=True):
        try:
            networks.fit_classes(len(model.labels))
            explanation = controls.ask(lambda target: _explained(model, clip, target, preset))
        except CnnfixError as error:
            st.error(escaped(str(error)), icon=":material/info:")
    with classes:
        controls.choose_classes(explanation, model.labels)
    if explanation:
        with place:
            _draw(explanation)


def _choose_clip() -> Clip:
    sent: Clip | None = state.CLIP_UPLOAD.value
    tiles = [Choice(OWN, "Your clip", "", thumbnail(_middle(sent)))] if sent else []
    tiles += [
        Choice(one.name, one.label.capitalize(), "", thumbnail(_middle(one.clip), lasting=True))
        for one in clip_samples()
    ]
    note = "Computer-generated clips: one shape moves for a while, the others stand still."
    choose_from_strip(tiles, state.CLIP_UPLOAD, st.session_state["clip"], state.choose_clip, "Clips", note)
    if st.session_state["clip"] == OWN and sent:
        return sent
    return next(one.clip for one in clip_samples() if one.name == st.session_state["clip"])


def _middle(clip: Clip) -> Picture:
    return clip.frames[len(clip) // 2]


def _choose_network() -> ClipModel | None:
    """Draw the control; if the chosen network has no weights yet, draw a download button and return None."""
    infos = {info.name: info for info in clip_models()}
    st.selectbox(
        "Network",
        list(infos),
        format_func=lambda name: infos[name].title + ("" if _is_here(infos[name]) else " (not downloaded)"),
        key="network",
        on_change=networks.reset_classes,
    )
    info = infos[st.session_state["network"]]
    if _is_here(info):
        return _loaded(info.name)
    st.info(
        escaped(
            f"{info.title} knows 400 human actions (Kinetics-400). Its weights, {(info.size or 0) / 1e6:.0f} MB, "
            "are not on this machine yet."
        ),
        icon=":material/download:",
    )
    if st.button("Download the weights", type="primary"):
        load_with_bar(info, lambda progress: _loaded(info.name, progress))
    return None


def _is_here(info: ModelInfo) -> bool:
    return info.available or info.name in _MODELS.cached_keys()


def _loaded(name: str, progress: DownloadProgress | None = None) -> ClipModel:
    return _MODELS.get(name, lambda: load_clip_model(name, progress))


KEYS = {ClipModel: lambda model: model.name, Clip: lambda clip: clip.digest, **results.KEYS}


@st.cache_data(max_entries=64, max_size="128MB", show_spinner=False, hash_funcs=KEYS)
def _explained(model: ClipModel, clip: Clip, target: results.Target, preset: Preset) -> ClipExplanation:
    with turns.acquired(long=True):
        return explain_clip(model, clip, target, preset)


def _draw(found: ClipExplanation) -> None:
    """Draw one frame under both maps, all frames as a strip, a description and the downloads."""
    st.header(question(found.target, found.rather_than), anchor=False)
    density, rival = found.density(MAP_SIDE), found.rival(MAP_SIDE)
    numbers = [number + 1 for number in found.frames]
    if st.session_state["frame"] not in numbers:
        st.session_state["frame"] = numbers[int(found.by_frame.argmax())]
    frame = st.select_slider("Frame", numbers, key="frame") if len(numbers) > 1 else numbers[0]
    step = numbers.index(frame)
    text, shown = clip_words(found, density, rival), st.session_state["show"]
    maps = [Panel.of("CNN Fixations", density[step], found.fixations[step], density)]
    if rival is not None and shown != "points":
        maps.append(Panel.of("Grad-CAM", rival[step], among=rival))
    panels(
        found.clip.frames[frame - 1],
        maps,
        points="" if shown == "density" else "fixation: bigger dot, more evidence",
        opacity=0 if shown == "points" else st.session_state["opacity"] / 100,
        alt=text,
        key="panels",
    )
    st.markdown(escaped(text))
    if st.toggle("Play", key="clip.play", help="All frames, one after another, with both maps."):
        st.image(clip_animation(found), alt=text)
    choices(
        [
            Choice(str(number), f"{number}: {percent(share)}", "", _tile(found, density, place))
            for place, (number, share) in enumerate(zip(numbers, found.by_frame, strict=True))
        ],
        selected=str(frame),
        look="tiles",
        label="Frames, with their share of the evidence",
        key="clip.frames",
        on_choose=lambda value: state.choose_frame(int(value)),
    )
    st.caption(
        "All frames that the network saw, with the share of the evidence in each. All have the same colour scale."
    )
    name = f"fixations-{found.target.label.replace(' ', '-')}"
    downloads(
        {
            f"{name}.gif": ("Animation", lambda: clip_animation(found)),
            f"{name}.json": ("JSON", lambda: clip_json(found)),
        }
    )


def _tile(found: ClipExplanation, density: Floats, step: int) -> str:
    photo = photo_of(found.clip.frames[found.frames[step]], _TILE).convert("RGBA")
    return image_uri(panel(photo, density[step], among=density))
