"""The strongest feature maps of a step for the browser, on one scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats
from cnnfix_core.backtrack import Chosen, Field, Step, Walked
from cnnfix_core.engine import Selection
from cnnfix_ui.backtrack.playback_data import packed

_CHANNELS, _PLACES, _SIDE = 12, 20, 64


def maps_data(walked: Walked, step: Step, selection: Selection, current: int | None) -> dict[str, Any]:
    """The channels with the most evidence, always including that of the current row."""
    field = step.field
    assert field is not None
    channels = field.channels(selection.index)
    by_channel = np.bincount(channels, weights=selection.evidence)
    chosen = None if current is None else int(channels[current])
    strongest = [int(channel) for channel in np.argsort(-by_channel, kind="stable")[:_CHANNELS] if by_channel[channel]]
    if chosen is not None and chosen not in strongest:
        strongest = [*strongest[: _CHANNELS - 1], chosen]
    factor = -(-max(field.size) // _SIDE)
    activations = step.value.array().reshape(-1)
    maps = [_map(activations[field.channel_map(channel)], factor) for channel in strongest]
    low, high = min(0.0, *(map_.min() for map_ in maps)), max(0.0, *(map_.max() for map_ in maps))
    return {
        "rows": maps[0].shape[0],
        "columns": maps[0].shape[1],
        "low": float(low),
        "high": float(high),
        "extent": _extent(walked, field),
        "channels": [
            {
                "channel": channel,
                "label": Chosen(step.number, channel).label(step),
                "share": float(by_channel[channel]),
                "values": packed(_bytes(map_, low, high)),
                "places": _places(field, selection, channels == channel, factor),
                "current": channel == chosen,
            }
            for channel, map_ in zip(strongest, maps, strict=True)
        ],
        "reduced": f"{field.size[0]} × {field.size[1]}, shown as the maximum of each {factor} × {factor}"
        if factor > 1
        else "",
    }


def _map(values: NDArray[Any], factor: int) -> Floats:
    missing = [(0, -side % factor) for side in values.shape]
    whole = np.pad(values.astype(float), missing, constant_values=-np.inf)
    rows, columns = (side // factor for side in whole.shape)
    largest: Floats = whole.reshape(rows, factor, columns, factor).max(axis=(1, 3))
    return largest


def _bytes(values: Floats, low: float, high: float) -> NDArray[np.uint8]:
    return np.rint(255 * (values - low) / (high - low or 1)).astype(np.uint8)


def _places(field: Field, selection: Selection, here: NDArray[np.bool_], factor: int) -> list[tuple[int, int, float]]:
    """Row, column and evidence of the strongest elements of a channel."""
    rows = np.flatnonzero(here)
    rows = rows[np.argsort(-selection.evidence[rows], kind="stable")[:_PLACES]]
    places = (field.places(selection.index[rows]) // factor).tolist()
    return [(y, x, float(f"{e:.3g}")) for (y, x), e in zip(places, selection.evidence[rows].tolist(), strict=True)]


def _extent(walked: Walked, field: Field) -> tuple[float, ...]:
    """The part of the picture that the map covers, x0, y0, x1, y1 from 0 to 1: each place is as wide as its stride."""
    height, width = walked.view.size
    axes = (field.columns, width), (field.rows, height)
    first = np.array([(axis.offset - axis.stride / 2 + 0.5) / length for axis, length in axes])
    whole = np.array([axis.count * axis.stride / length for axis, length in axes])
    return tuple(walked.on_picture(np.stack([first, first + whole])).reshape(-1).tolist())
