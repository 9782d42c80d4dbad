"""A map for the browser: scaled down, one byte per place, in multiples of its own average."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core.images import scaled_size

_SIDE, _LEVELS = 160, 255


def map_data(map_: NDArray[np.floating], longest_side: int = _SIDE) -> dict[str, Any]:
    """The map for the browser.

    Byte v means `top * (v / 255) ** 2` times the average of the map; square roots keep the precision of weak places.
    At a place with x times the average the error is at most `(2 * sqrt(x * top) + top * d) * d` with d = 0.5 / 255:
    0.4 % at the peak, and 0.03 where x = 1 in a map that peaks at 41.

    Args:
        map_: (height, width), not negative, of any size and unit. A map of zeros, or one whose sum is not finite, has
            a top of 0.
        longest_side: in places; larger maps are scaled down by averaging areas, smaller ones stay.

    Returns:
        columns, rows; values: base64 of one byte per place, row by row; top: the peak, in multiples of the average.
    """
    size = scaled_size((map_.shape[1], map_.shape[0]), longest_side)
    small = np.asarray(Image.fromarray(np.asarray(map_, np.float32)).resize(size, Image.Resampling.BOX), float)
    average = small.mean()
    times = small / average if 0 < average < np.inf else np.zeros_like(small)
    top = times.max()
    levels = np.rint(_LEVELS * np.sqrt(times / (top or 1))).astype(np.uint8)
    return {
        "columns": size[0],
        "rows": size[1],
        "values": base64.b64encode(levels.tobytes()).decode(),
        "top": float(f"{top:.6g}"),
    }
