"""Maps of one picture side by side, with a shared cursor, drawn in the browser."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core.explanations import Fixations
from cnnfix_core.images import Picture, scaled_size
from cnnfix_core.regions import BANDS, Box
from cnnfix_core.visualization import BAND_COLOURS, LEGEND_TEXT, MOST_POINTS, POINT, POINT_EDGE, overlay, photo_of, png
from cnnfix_ui.components.assets import script
from cnnfix_ui.components.images import image_uri
from cnnfix_ui.components.kept import kept_with_first

HERE = Path(__file__).parent
_PHOTO_SIDE, _READ_SIDE = 1024, 112
_OVERLAY_SIDE = 640  # as wide as a panel on most screens; twice as long would take more than twice the time to draw

# Text only ever travels as data, never inside these three strings, so that no label can become markup.
_component = st.components.v2.component(
    "cnnfix_panels",
    html='<div class="panels"></div><div class="legend"></div>',
    css=(HERE / "panels.css").read_text("utf-8"),
    js=script(HERE / "panels.js"),
)


@dataclass(frozen=True, eq=False)
class Layer:
    """A map of any size. name, about: in one or two words, and in a sentence, for a panel's slider."""

    map: NDArray[np.floating]
    name: str = ""
    about: str = ""


@dataclass(frozen=True, eq=False)
class Panel:
    """One map of the picture, or several that a slider fades between.

    title: of the panel.
    layers: its map, or what the slider leads to, in its order. All are sent at once, so that it needs no server.
    fixations: drawn as points, if any.
    among: all the maps that share its scale, if there are several.
    shown: the number of the layer that is shown first.
    """

    title: str
    layers: Sequence[Layer]
    fixations: Fixations | None = None
    among: NDArray[np.floating] | None = None
    shown: int = 0

    @classmethod
    def of(
        cls,
        title: str,
        map_: NDArray[np.floating],
        fixations: Fixations | None = None,
        among: NDArray[np.floating] | None = None,
    ) -> Panel:
        """A panel with one map."""
        return cls(title, [Layer(map_)], fixations, among)


def panels(  # noqa: PLR0913  # all but the first five are optional
    picture: Picture,
    shown: Sequence[Panel],
    *,
    points: str,
    opacity: float,
    alt: str,
    key: str,
    on_layer: Callable[[int], object] | None = None,
    frame: Box | None = None,
) -> None:
    """Draw the panels.

    key: of the component. on_layer: called with the number of the layer that the slider was left at; it comes from the
    browser and may be too large. The others are as for `panel_data`.
    """

    def moved() -> None:
        number: Any = st.session_state[key].layer
        if on_layer and type(number) is int and number >= 0:
            on_layer(number)

    data = panel_data(picture, shown, points=points, opacity=opacity, alt=alt, frame=frame)
    _component(key=key, data=data, on_layer_change=moved)


def panel_data(
    picture: Picture, shown: Sequence[Panel], *, points: str, opacity: float, alt: str, frame: Box | None = None
) -> dict[str, Any]:
    """What the browser is sent.

    Args:
        picture: the picture under all maps.
        shown: the panels.
        points: what a point means, for the legend; "" draws no points.
        opacity: of the maps, 0 to 1; 0 draws no maps.
        alt: a description of the panels.
        frame: the part of the picture that the network saw; what is around it is darkened.
    """
    size = scaled_size((picture.width, picture.height), _OVERLAY_SIDE)
    return {
        "photo": photo_uri(picture),
        "width": picture.width,
        "height": picture.height,
        "alt": alt,
        "opacity": opacity,
        "frame": frame,
        "panels": [_panel(panel, size, bool(points)) for panel in shown],
        "point": {"fill": POINT, "edge": POINT_EDGE, "label": points},
        **map_legend(),
    }


@kept_with_first
def photo_uri(picture: Picture) -> str:
    """The picture as a data URI."""
    return image_uri(photo_of(picture, _PHOTO_SIDE))


@kept_with_first
def thumbnail(picture: Picture) -> str:
    """A small JPEG of the picture as a data URI."""
    return image_uri(photo_of(picture, 256))


def map_uri(picture: Picture, map_: NDArray[np.floating]) -> str:
    """A map of the picture, on the scale of all maps, as a data URI with transparency."""
    size = scaled_size((picture.width, picture.height), _OVERLAY_SIDE)
    return str(_drawn(map_, size)["overlay"])


def _overlay_uri(map_: NDArray[np.floating], size: tuple[int, int], among: NDArray[np.floating] | None = None) -> str:
    return "data:image/png;base64," + base64.b64encode(png(overlay(map_, size, among), effort=1)).decode()


def map_legend() -> dict[str, Any]:
    """What the colours of all maps mean, for the browser."""
    bands = zip(BAND_COLOURS[::-1], BANDS[::-1], strict=True)
    return {
        "legendText": LEGEND_TEXT,
        "legend": [{"colour": colour, "label": f"{100 * share:.0f} %"} for colour, share in bands],
    }


def _panel(panel: Panel, size: tuple[int, int], points: bool) -> dict[str, Any]:
    return {
        "title": panel.title,
        "points": _points(panel.fixations if points else None),
        "layers": [
            {
                "name": layer.name,
                "about": layer.about,
                **(_drawn(layer.map, size) if panel.among is None else _draw(layer.map, size, panel.among)),
            }
            for layer in panel.layers
        ],
        "shown": panel.shown,
    }


@kept_with_first
def _drawn(map_: NDArray[np.floating], size: tuple[int, int]) -> dict[str, Any]:
    return _draw(map_, size)


def _draw(
    map_: NDArray[np.floating], size: tuple[int, int], among: NDArray[np.floating] | None = None
) -> dict[str, Any]:
    """What is drawn of a map, and what the cursor reads there: most of the time that a panel takes."""
    return {"overlay": _overlay_uri(map_, size, among), "read": _readings(map_, among)}


def _points(fixations: Fixations | None) -> dict[str, list[Any]]:
    """Columns rather than rows: thousands of small lists would wake the garbage collector."""
    if fixations is None:
        return {"x": [], "y": [], "evidence": [], "channel": []}
    x, y = fixations.xy[:MOST_POINTS].T.tolist()
    evidence = [float(f"{e:.4g}") for e in fixations.evidence[:MOST_POINTS].tolist()]
    return {"x": x, "y": y, "evidence": evidence, "channel": fixations.channel_names[:MOST_POINTS]}


def _readings(map_: NDArray[np.floating], among: NDArray[np.floating] | None) -> dict[str, Any]:
    """What the cursor shows, packed for the browser: see `readings` in panels.js.

    rank: how many of all places are at least as strong, in %, rounded up. times: multiples of the average, in 65535ths
    of `most`.
    """
    size = scaled_size((map_.shape[1], map_.shape[0]), _READ_SIDE)
    small = np.asarray(Image.fromarray(np.asarray(map_, np.float32)).resize(size, Image.Resampling.BOX))
    average = float(small.mean() if among is None else among.mean())
    times = small / average if average > 0 else small
    most = float(times.max())
    return {
        "columns": size[0],
        "rows": size[1],
        "rank": _packed(np.ceil(100 * _rank(small, small if among is None else among)), "u1"),
        "times": _packed(times / (most or 1) * 65535, "<u2"),
        "most": most,
    }


def _rank(values: NDArray[np.floating], among: NDArray[np.floating]) -> NDArray[np.floating]:
    """The share of the places of a map that are at least as strong as each value."""
    ordered = np.sort(among, axis=None)
    found: NDArray[np.floating] = 1 - np.searchsorted(ordered, values) / ordered.size
    return found


def _packed(values: NDArray[np.floating], kind: str) -> str:
    return base64.b64encode(np.rint(values).astype(kind).tobytes()).decode()
