"""Pictures of maps for notebooks."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_LEAST_SIDE = 224
_MARK = np.array([25.0, 227, 255])  # the colour of fixations


def marked(evidence: NDArray[np.floating], picture: NDArray[np.floating] | None = None) -> bytes:
    """A PNG of a map, bright where it is high, on a grey picture or on black.

    Args:
        evidence: (H, W), values at least 0.
        picture: (H, W) of any range; None for black.
    """
    grey = np.zeros(evidence.shape) if picture is None else picture - picture.min()
    grey = 150 * grey / (grey.max() or 1)
    share = np.sqrt(evidence / (evidence.max() or 1))[..., None]
    pixels = np.rint(grey[..., None] * (1 - share) + _MARK * share).astype(np.uint8)
    times = max(1, -(-_LEAST_SIDE // max(evidence.shape)))
    file = io.BytesIO()
    Image.fromarray(pixels.repeat(times, 0).repeat(times, 1)).save(file, "PNG")
    return file.getvalue()


def html_image(png: bytes) -> str:
    """An HTML image that holds its data."""
    return f'<img alt="" style="max-width: 100%" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
