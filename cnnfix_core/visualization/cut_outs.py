"""Draw a cut-out: the object alone, and its outline on the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor
from scipy.ndimage import binary_dilation, binary_erosion

from cnnfix_core.images import Picture, scaled_size

OUTLINE, AROUND = "#FFFFFF", "#06222B"


def transparent(picture: Picture, mask: NDArray[np.bool_]) -> Image.Image:
    """The picture where the mask is True, transparent elsewhere; as large as the picture."""
    return Image.fromarray(np.dstack([picture.pixels, np.where(mask, 255, 0).astype(np.uint8)]))


def outlined(picture: Picture, mask: NDArray[np.bool_], longest_side: int) -> Image.Image:
    """The picture, darker outside the mask, with a white line around it."""
    size = scaled_size((picture.width, picture.height), longest_side)
    photo = np.asarray(Image.fromarray(picture.pixels).resize(size, Image.Resampling.LANCZOS)).copy()
    photo[~_resized(mask, size)] //= 3
    return with_outline(Image.fromarray(photo), mask, OUTLINE)


def with_outline(image: Image.Image, mask: NDArray[np.bool_], colour: str) -> Image.Image:
    """An RGB image of the whole picture with a line along the inner edge of the mask, dark on both sides."""
    inside = _resized(mask, image.size)
    wide = max(1, round(max(image.size) / 400))
    line = inside & ~binary_erosion(inside, iterations=2 * wide)
    drawn = np.asarray(image).copy()
    drawn[binary_dilation(line, iterations=wide)] = ImageColor.getrgb(AROUND)
    drawn[line] = ImageColor.getrgb(colour)
    return Image.fromarray(drawn)


def _resized(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
