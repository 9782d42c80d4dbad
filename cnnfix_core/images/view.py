"""Views: the parts of a picture that a network sees, and the mapping back to original pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Literal, Protocol, assert_never

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core.images.picture import Picture, PictureError, scaled_size

Crops = Literal["whole", "centre", "five"]
Bounds = tuple[float, float, float, float]  # left, top, right, bottom in pixels of the picture
_LEAST_SIDE = 16  # pixels of a part of a picture: less is enlarged to nothing but blur


class Sized(Protocol):
    """A picture, or what knows its size in pixels."""

    @property
    def width(self) -> int:
        """The width of the picture."""

    @property
    def height(self) -> int:
        """The height of the picture."""


@dataclass(frozen=True, slots=True)
class View:
    """The part of a picture that a network sees, at the size of its input.

    name: "whole", "centre", "top left", "top right", "bottom left", "bottom right" or "part".
    box: x0, y0, x1, y1 in original pixels; fractions are allowed.
    size: height and width of the network's input.
    resample: the interpolation, always antialiased.
    alone: whether pixels beside the box play no part, as if the picture ended there; else they do at its edges, as when
        a scaled picture is cropped.
    """

    name: str
    box: Bounds
    size: tuple[int, int]
    resample: Image.Resampling = Image.Resampling.BICUBIC
    alone: bool = False

    def render(self, picture: Picture) -> Image.Image:
        """What the network sees, before normalisation: an RGB image of `size`."""
        image = Image.fromarray(picture.pixels)
        across, down = image.width / picture.width, image.height / picture.height
        x0, y0, x1, y1 = self.box
        box = x0 * across, y0 * down, min(x1 * across, image.width), min(y1 * down, image.height)
        if self.alone:
            left, top = floor(box[0]), floor(box[1])
            image = image.crop((left, top, ceil(box[2]), ceil(box[3])))
            box = box[0] - left, box[1] - top, box[2] - left, box[3] - top
        return image.resize(self.size[::-1], self.resample, box=box)

    def to_picture(
        self, x: NDArray[np.integer], y: NDArray[np.integer], picture: Picture
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The original pixels (x, y) that contain the centres of these input pixels, clipped to the picture."""
        x0, y0, x1, y1 = self.box
        height, width = self.size
        xs = np.floor(x0 + (np.asarray(x) + 0.5) * ((x1 - x0) / width)).astype(np.int64)
        ys = np.floor(y0 + (np.asarray(y) + 0.5) * ((y1 - y0) / height)).astype(np.int64)
        return xs.clip(0, picture.width - 1), ys.clip(0, picture.height - 1)


def maps_on_picture(
    picture: Sized, seen: Sequence[View], maps: Sequence[NDArray[np.float32]], longest_side: int | None
) -> NDArray[np.float32]:
    """Resize each view's map to its part of the picture, and average them where views overlap.

    Args:
        picture: What has the picture's size.
        seen: The views.
        maps: One map of any size for each view.
        longest_side: Of the result, if smaller than the picture; None for the picture's size.

    Returns:
        (height, width).
    """
    width, height = scaled_size((picture.width, picture.height), longest_side)
    total = np.zeros((height, width), np.float32)
    times = np.zeros_like(total)
    for view, small in zip(seen, maps, strict=True):
        x0, x1 = (round(side * width / picture.width) for side in view.box[::2])
        y0, y1 = (round(side * height / picture.height) for side in view.box[1::2])
        size = max(x1 - x0, 1), max(y1 - y0, 1)
        large = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BILINEAR))
        inside = total[y0 : y0 + size[1], x0 : x0 + size[0]]
        inside += large[: inside.shape[0], : inside.shape[1]]
        times[y0 : y0 + size[1], x0 : x0 + size[0]] += 1
    total /= np.maximum(times, 1)
    return total


def views(
    picture: Picture,
    crops: Crops,
    input_size: int | tuple[int, int],
    crop_pct: float = 0.875,
    interpolation: str = "bicubic",
) -> list[View]:
    """The views of a picture for a network's input size.

    Args:
        picture: The picture.
        crops: "whole" resizes the whole picture to the input, ignoring its aspect ratio. "centre" scales the picture,
            keeping its aspect ratio, until it just covers input_size / crop_pct, and takes the centre. "five" takes
            the four corners, then the centre, at that scale.
        input_size: Side length, or (height, width), in pixels.
        crop_pct: In (0, 1].
        interpolation: Name of a Pillow filter.
    """
    size = (input_size, input_size) if isinstance(input_size, int) else input_size
    resample = Image.Resampling[interpolation.upper()]
    if crops == "whole":
        return [View("whole", (0, 0, picture.width, picture.height), size, resample)]
    height, width = _covering(picture, size, crop_pct)
    right, bottom = width - size[1], height - size[0]
    corners = {"top left": (0, 0), "top right": (right, 0), "bottom left": (0, bottom), "bottom right": (right, bottom)}
    centre = {"centre": (round(right / 2), round(bottom / 2))}
    if crops == "centre":
        offsets = centre
    elif crops == "five":
        offsets = corners | centre
    else:
        assert_never(crops)
    across, down = picture.width / width, picture.height / height
    return [
        View(name, (x * across, y * down, (x + size[1]) * across, (y + size[0]) * down), size, resample)
        for name, (x, y) in offsets.items()
    ]


def part_view(
    picture: Picture, part: tuple[int, int, int, int], size: tuple[int, int], interpolation: str = "bicubic"
) -> View:
    """The view of a part of a picture, scaled to a network's input without keeping its aspect ratio.

    Args:
        picture: The picture.
        part: x0, y0, x1, y1 in inclusive pixels of the picture.
        size: (height, width) of the network's input, in pixels.
        interpolation: Name of a Pillow filter.

    Raises:
        PictureError: The part is not inside the picture, or one of its sides has less than 16 pixels.
    """
    x0, y0, x1, y1 = part
    if not (0 <= x0 <= x1 < picture.width and 0 <= y0 <= y1 < picture.height):
        raise PictureError(
            f"The box {x0}, {y0}, {x1}, {y1} does not fit into the picture, which has {picture.width} x "
            f"{picture.height} pixels: give left, top, right and bottom in pixels, counted from 0."
        )
    width, height = x1 + 1 - x0, y1 + 1 - y0
    if min(width, height) < _LEAST_SIDE:
        raise PictureError(
            f"The box has {width} x {height} pixels, which is too small to see anything: draw one of at least "
            f"{_LEAST_SIDE} x {_LEAST_SIDE}."
        )
    return View("part", (x0, y0, x1 + 1, y1 + 1), size, Image.Resampling[interpolation.upper()], alone=True)


def _covering(picture: Picture, size: tuple[int, int], crop_pct: float) -> tuple[int, int]:
    """Height and width of the scaled picture: one side is input_size / crop_pct, the other at least that."""
    if not 0 < crop_pct <= 1:
        raise ValueError(f"crop_pct must be above 0 and at most 1, and is {crop_pct}")
    height, width = (int(side / crop_pct) for side in size)
    if height * picture.width >= width * picture.height:
        return height, height * picture.width // picture.height
    return width * picture.height // picture.width, width
