"""The answer: two maps, a sentence, what the network saw, and files to download."""

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core import Explanation, Picture
from cnnfix_core.explanations import as_csv, as_json, summary
from cnnfix_core.visualization import comparison, png
from cnnfix_core.zoo import listed_channels
from cnnfix_ui.components.panels.component import Panel, panel_data, panels
from cnnfix_ui.errors import escaped
from cnnfix_ui.server import results
from cnnfix_ui.server.ahead import ahead
from cnnfix_ui.server.results import Network
from cnnfix_ui.server.visitors import visitor
from cnnfix_ui.widgets import depths, report
from cnnfix_ui.widgets.controls import listed
from cnnfix_ui.widgets.downloads import downloads
from cnnfix_ui.widgets.order import rest

_FIXATIONS, _GRAD_CAM = "CNN Fixations", "Grad-CAM"
SHOWN = {"both": "Both", "points": "Points", "density": "Heat map"}


def parse_opacity(text: str) -> int:
    """The colour strength in % from the address. Raises ValueError for anything else."""
    value = int(text)
    if value not in range(10, 101, 5):
        raise ValueError(text)
    return value


def choose_shown() -> None:
    """Draw the control for points, map or both."""
    st.segmented_control("Show", list(SHOWN), required=True, format_func=SHOWN.__getitem__, key="show")


def choose_opacity() -> None:
    """Draw the control for the colour strength."""
    st.slider("Colour strength", 10, 100, step=5, format="%d %%", key="opacity")


def show_explanation(
    picture: Picture,
    explanation: Explanation,
    found: NDArray[np.float32] | str,
    whole: Network | None = None,
    name: str = "",
    note: str = "",
) -> None:
    """Draw the fixations next to Grad-CAM, and describe both in words.

    The words and files show the depth that is chosen with the slider under the map.

    Args:
        picture: the picture that was explained.
        explanation: its fixations.
        found: Grad-CAM's map, or a sentence that says why there is none.
        whole: the network, if it classifies whole pictures: then there are a report and an animation.
        name: of the picture in the gallery.
        note: what to know of the answer, in sentences.
    """
    chosen = depths.chosen(explanation)
    explanation, map_ = explanation.at(chosen.depth), chosen.map
    gradcam = None if isinstance(found, str) else found
    text = summary(explanation, map_, gradcam)
    drawn, weighted = st.session_state["show"], explanation.preset.weighted
    panels(
        picture,
        _panels(chosen, explanation, found)[: 1 if drawn == "points" else None],  # the other method has no points
        points="" if drawn == "density" else "fixation" + (": bigger dot, more evidence" if weighted else ""),
        opacity=0 if drawn == "points" else st.session_state["opacity"] / 100,
        alt=text,
        key="panels",
        on_layer=chosen.choose,
    )
    st.markdown(escaped(text))
    if note:
        st.info(escaped(note), icon=":material/help:")
    if isinstance(found, str):
        st.caption(escaped(f"Grad-CAM is not available. {found}"))
    with rest("files"):
        stem = f"fixations-{explanation.target.label.split(' (')[0].replace(' ', '-')}"
        figure = partial(comparison, picture, explanation, map_, gradcam)
        downloads(_files(picture, explanation, figure, whole, stem))
        if whole:
            report.offer(whole, picture, name, explanation, stem)
        _what_it_saw(picture, explanation)


def prepare_others(network: Network, picture: Picture, explanation: Explanation) -> None:
    """Explain the other classes of the list while nobody waits: they are what most visitors ask next."""

    def explained(index: int) -> None:
        other = results.explained(network, picture, index, explanation.preset)
        gradcam = results.gradcam(network, picture, other.asked, other.preset.crops)
        panel_data(picture, _panels(depths.usual(other), other, gradcam), points="", opacity=1, alt="")

    if not network.takes_long and explanation.rather_than is None:
        others = [one.index for one in listed(explanation) if one != explanation.target]
        ahead.prepare(visitor(), [partial(explained, index) for index in others])


def maps(explanation: Explanation, found: NDArray[np.float32] | str) -> dict[str, NDArray[np.floating]]:
    """The maps that `show_explanation` draws, by their titles."""
    fixations: NDArray[np.floating] = depths.chosen(explanation).map
    return {_FIXATIONS: fixations} if isinstance(found, str) else {_FIXATIONS: fixations, _GRAD_CAM: found}


def _panels(chosen: depths.Chosen, explanation: Explanation, found: NDArray[np.float32] | str) -> list[Panel]:
    fixations = Panel(_FIXATIONS, chosen.layers, explanation.kept_fixations, shown=chosen.number)
    return [fixations] if isinstance(found, str) else [fixations, Panel.of(_GRAD_CAM, found)]


def _files(
    picture: Picture, explanation: Explanation, figure: Callable[[], Image.Image], whole: Network | None, stem: str
) -> dict[str, tuple[str, Callable[[], str | bytes]]]:
    numbers = partial(results.numbers_file, whole, picture, explanation) if whole else None
    files: dict[str, tuple[str, Callable[[], str | bytes]]] = {f"{stem}.png": ("Figure", lambda: png(figure()))}
    if whole:
        files[f"{stem}.gif"] = "Animation", results.animation_file(whole, picture, explanation)
    return files | {
        f"{stem}.json": ("JSON", numbers("json") if numbers else lambda: as_json(explanation)),
        f"{stem}.csv": ("CSV", numbers("csv") if numbers else lambda: as_csv(explanation)),
    }


def _what_it_saw(picture: Picture, explanation: Explanation) -> None:
    with st.expander("What the network saw", icon=":material/visibility:", key="saw", on_change="rerun") as box:
        if not box.open:
            return
        st.caption(
            "Exactly these pixels. A view marked “not followed” was left out because its top class is a different one."
        )
        channels = explanation.fixations.channels
        with st.container(horizontal=True, gap="small"):
            for view in explanation.views:
                followed = "" if view in explanation.explained else ", not followed"
                height, width = view.size
                caption = f"{view.name}{followed}: {width} × {height} pixels {listed_channels(channels)}"
                seen = view.render(picture).convert("RGB" if {"red", "green", "blue"} & {*channels} else "L")
                st.image(seen, caption=caption, alt=caption, width=width)
