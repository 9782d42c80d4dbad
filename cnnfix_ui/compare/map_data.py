"""A map for the browser: small, a byte a place, in multiples of its own average."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core.images import scaled_size

_SIDE, _LEVELS = 160, 255


def map_data(map_: NDArray[np.floating], longest_side: int = _SIDE) -> dict[str, Any]:
    """The map as the browser reads it.

    Byte v at a place means `top * (v / 255) ** 2` times the average of the map: roots, so that weak places keep their
    digits. Of a place x times the average, that is off by at most `(2 * sqrt(x * top) + top * d) * d`, d = 0.5 / 255:
    0.4 % at the peak; where x = 1 in a map that peaks at 41, 0.03.

    Args:
        map_: (height, width), not negative, any size and unit. A map of zeros, or one whose sum is not finite, has a
            top of 0.
        longest_side: in places; larger maps become smaller by the mean over areas, smaller ones stay.

    Returns:
        columns, rows; values: base64 of one byte a place, row by row; top: the peak, in multiples of the average.
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
