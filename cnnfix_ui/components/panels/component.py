"""Maps of one picture side by side, with a shared cursor, drawn in the browser."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
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
from cnnfix_ui.components.images import jpeg
from cnnfix_ui.components.kept import kept_with_first
from cnnfix_ui.served import Served, served, served_later, shown_at

HERE = Path(__file__).parent
_PHOTO_SIDE, _THUMBNAIL_SIDE, _READ_SIDE = 1024, 256, 112
_OVERLAY_SIDE = 640  # as wide as a panel on most screens; twice as long would take more than twice the time to draw

# Text only ever travels as data, never inside these three strings, so that no label can become markup.
_component = st.components.v2.component(
    "cnnfix_panels",
    html='<div class="panels"></div><div class="legend"></div>',
    css=(HERE / "panels.css").read_text("utf-8"),
    js=script(HERE / "panels.js"),
)


class Layer:
    """A map of any size, computed when it is needed first.

    Args:
        make: computes it.
        name, about: in one or two words, and in a sentence, for a panel's slider.
    """

    def __init__(self, make: Callable[[], NDArray[np.floating]], name: str = "", about: str = "") -> None:
        self.made = cache(make)
        self.name, self.about = name, about

    @classmethod
    def of(cls, map_: NDArray[np.floating]) -> Layer:
        """A layer with a map that is there."""
        return cls(lambda: map_)

    @property
    def map(self) -> NDArray[np.floating]:
        """The map."""
        return self.made()

    @property
    def nbytes(self) -> int:
        """Memory of the map, if it was computed."""
        return self.map.nbytes if self.made.cache_info().currsize else 0


@dataclass(frozen=True, eq=False)
class Panel:
    """One map of the picture, or several that a slider fades between.

    title: of the panel.
    layers: its map, or what the slider leads to, in its order. One is sent at once; the browser asks for the others as
        soon as somebody reaches for the slider.
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
        return cls(title, [Layer.of(map_)], fixations, among)


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


def photo_uri(picture: Picture) -> str:
    """Where the page finds the picture."""
    return shown_at(_photo(picture))


def thumbnail(picture: Picture, lasting: bool = False) -> str:
    """Where the page finds a small JPEG of the picture. lasting: whether browsers may keep it."""
    return shown_at(_thumbnail(picture, lasting))


@kept_with_first
def _photo(picture: Picture) -> Served:
    return served(jpeg(photo_of(picture, _PHOTO_SIDE)), "image/jpeg")


@kept_with_first
def _thumbnail(picture: Picture, lasting: bool) -> Served:
    return served(jpeg(photo_of(picture, _THUMBNAIL_SIDE)), "image/jpeg", lasting)


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
                "drawn": _drawn_among(layer.map, size, panel.among) if number == panel.shown else None,
                "address": "" if number == panel.shown else shown_at(_drawn_later(layer, size)),
            }
            for number, layer in enumerate(panel.layers)
        ],
        "shown": panel.shown,
    }


@kept_with_first
def _drawn_later(layer: Layer, size: tuple[int, int]) -> Served:
    return served_later(partial(_as_json, layer.made, size), "application/json")


def _as_json(made: Callable[[], NDArray[np.floating]], size: tuple[int, int]) -> bytes:
    return json.dumps(_drawn(made(), size)).encode()


def _drawn_among(
    map_: NDArray[np.floating], size: tuple[int, int], among: NDArray[np.floating] | None
) -> dict[str, Any]:
    return _drawn(map_, size) if among is None else _draw(map_, size, among)


@kept_with_first
def _drawn(map_: NDArray[np.floating], size: tuple[int, int]) -> dict[str, Any]:
    return _draw(map_, size)


def _draw(
    map_: NDArray[np.floating], size: tuple[int, int], among: NDArray[np.floating] | None = None
) -> dict[str, Any]:
    """What is drawn of a map, and what the cursor reads there: most of the time that a panel takes."""
    return {"overlay": _overlay_uri(map_, size, among), "read": _readings(map_, among)}


def _points(fixations: Fixations | None) -> dict[str, Any]:
    """Packed for the browser: see `pointsIn` in panels.js. channel: a position in `channels`."""
    if fixations is None:
        return {"x": "", "y": "", "evidence": "", "channel": "", "channels": []}
    x, y = fixations.xy[:MOST_POINTS].T
    return {
        "x": _packed(x, "<u4"),
        "y": _packed(y, "<u4"),
        "evidence": _packed(fixations.evidence[:MOST_POINTS], "<f4"),
        "channel": _packed(fixations.channel[:MOST_POINTS], "u1"),
        "channels": fixations.channels,
    }


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
        "times": _packed(np.rint(times / (most or 1) * 65535), "<u2"),
        "most": most,
    }


def _rank(values: NDArray[np.floating], among: NDArray[np.floating]) -> NDArray[np.floating]:
    """The share of the places of a map that are at least as strong as each value."""
    ordered = np.sort(among, axis=None)
    found: NDArray[np.floating] = 1 - np.searchsorted(ordered, values) / ordered.size
    return found


def _packed(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(values.astype(kind).tobytes()).decode()
