"""Draw a cut-out: the object alone, and its outline on the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion

from cnnfix_core.images import Picture, scaled_size

OUTLINE, AROUND = (255, 255, 255), (6, 34, 43)


def transparent(picture: Picture, mask: NDArray[np.bool_]) -> Image.Image:
    """The picture where the mask is True, transparent elsewhere; as large as the picture."""
    return Image.fromarray(np.dstack([picture.pixels, np.where(mask, 255, 0).astype(np.uint8)]))


def outlined(picture: Picture, mask: NDArray[np.bool_], longest_side: int) -> Image.Image:
    """The picture, darker outside the mask, with a white line around it that is dark on both sides."""
    size = scaled_size((picture.width, picture.height), longest_side)
    photo = np.asarray(Image.fromarray(picture.pixels).resize(size, Image.Resampling.LANCZOS)).copy()
    inside = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
    photo[~inside] //= 3
    wide = max(1, round(max(size) / 400))
    line = inside & ~binary_erosion(inside, iterations=2 * wide)
    photo[binary_dilation(line, iterations=wide)] = AROUND
    photo[line] = OUTLINE
    return Image.fromarray(photo)
