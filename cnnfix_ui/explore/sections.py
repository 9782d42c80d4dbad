"""Choosing the pixel or box to explain, for segmentation and detection networks."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image
from scipy.ndimage import distance_transform_edt

from cnnfix_core import Picture
from cnnfix_core.images import scaled_size
from cnnfix_core.tasks import Detection, Segmentation, detect, segment
from cnnfix_core.visualization import png
from cnnfix_ui.components.taps.component import Pixel
from cnnfix_ui.explore.component import pointing
from cnnfix_ui.server.results import KEYS, Network
from cnnfix_ui.server.turns import turns
from cnnfix_ui.widgets import networks
from cnnfix_ui.widgets.places import pixel_text

# Distinguishable with any colour vision (Okabe and Ito); repeated if there are more classes.
_COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#F0E442", "#0072B2")
_BACKGROUND, _OPACITY = 0, 150
_READ_SIDE = 112
_MAX_LEGEND = 6  # classes in the legend


def choose_part(network: Network, picture: Picture) -> Network:
    """Draw the segmentation or the boxes, and return a classifier of the chosen pixel or box.

    A classification network is returned as it is. Raises ModelError if nothing is found.
    """
    if network.model.task == "segmentation":
        return _choose_pixel(network, picture)
    if network.model.task == "detection":
        return _choose_box(network, picture)
    return network


def _choose_pixel(network: Network, picture: Picture) -> Network:
    found = _segmented(network, picture)
    chosen: Pixel | None = st.session_state["at"]
    if chosen is None or chosen[0] >= picture.width or chosen[1] >= picture.height:
        chosen = _default_pixel(found)
    names = found.model.labels.short
    shares = np.bincount(found.classes.ravel(), minlength=len(names)) / found.classes.size
    there = [int(one) for one in np.argsort(-shares) if shares[one] > 0 and one != _BACKGROUND][:_MAX_LEGEND]
    size = scaled_size((found.classes.shape[1], found.classes.shape[0]), _READ_SIDE)
    small = np.asarray(Image.fromarray(found.classes.astype(np.uint8)).resize(size, Image.Resampling.NEAREST))
    shown = {
        "layer": _layer(found),
        "classes": {"columns": size[0], "rows": size[1], "values": small.ravel().tolist()},
        "names": names,
        "legend": [{"name": names[one], "colour": _colour(one), "share": float(shares[one])} for one in there],
        "chosen": {"x": chosen[0], "y": chosen[1]},
    }

    def pick(at: dict[str, int]) -> None:
        networks.reset_classes()
        st.session_state["at"] = (at.get("x", 0), at.get("y", 0))

    st.caption("Click a pixel to see why the network gives it its class.")
    pointing(picture, shown, key="pointing", on_pick=pick)
    return Network(f"{network.key} at {pixel_text(chosen)}", found.at(*chosen))


def _choose_box(network: Network, picture: Picture) -> Network:
    found = _detected(network, picture)
    networks.fit_classes(len(found.found))
    chosen = st.session_state["class"] or 0
    boxes: list[dict[str, Any]] = [
        {"name": one.name, "score": one.score, "box": one.box, "chosen": number == chosen}
        for number, one in enumerate(found.found)
    ]

    def pick(at: dict[str, int]) -> None:
        if at.get("box", 0) < len(boxes):
            networks.reset_classes()
            st.session_state["class"] = at.get("box", 0)

    st.caption("Click a box to see the evidence for it.")
    pointing(picture, {"boxes": boxes}, key="pointing", on_pick=pick)
    return Network(f"{network.key} in {picture.digest}", found.model)


@st.cache_resource(max_entries=32, show_spinner="Looking at the picture …", hash_funcs=KEYS)
def _segmented(network: Network, picture: Picture) -> Segmentation:
    with turns.acquired(long=True):
        return segment(network.model, picture)


@st.cache_resource(max_entries=32, show_spinner="Looking at the picture …", hash_funcs=KEYS)
def _detected(network: Network, picture: Picture) -> Detection:
    with turns.acquired(long=True):
        return detect(network.model, picture)


def _default_pixel(found: Segmentation) -> Pixel:
    """A pixel well inside the largest object; the centre of the picture if there is only background."""
    sizes = np.bincount(found.classes.ravel())
    sizes[_BACKGROUND] = 0
    height, width = found.classes.shape
    row, column = height // 2, width // 2
    if sizes.any():
        depth = distance_transform_edt(found.classes == sizes.argmax())
        row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    x, y = (int(column) + 0.5) * found.picture.width / width, (int(row) + 0.5) * found.picture.height / height
    return int(x), int(y)


def _layer(found: Segmentation) -> str:
    """The classes as colours on a transparent image, as a data URI."""
    image = Image.fromarray(found.classes.astype(np.uint8))
    used = int(found.classes.max()) + 1
    image.putpalette([int(_colour(one)[at : at + 2], 16) for one in range(used) for at in (1, 3, 5)])
    image.info["transparency"] = bytes(0 if one == _BACKGROUND else _OPACITY for one in range(used))
    return "data:image/png;base64," + base64.b64encode(png(image)).decode()


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]
