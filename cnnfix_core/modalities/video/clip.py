"""Clips: pictures one after the other, and how they are read from files."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core.errors import CnnfixError
from cnnfix_core.images import Picture, open_picture, scaled_size

MOST_FRAMES = 64  # of a longer clip so many are taken, evenly
MOST_PIXELS = 400_000_000  # that a file may hold in all its frames together
ANIMATIONS = ("GIF", "WEBP", "PNG")
_SIDE = 512


class ClipError(CnnfixError):
    """This is no clip."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """frames: two to 64 pictures of one size, the longest side at most 512 pixels. digest: SHA-256 of them, in hex."""

    frames: tuple[Picture, ...]
    digest: str

    @property
    def width(self) -> int:
        """Of each frame, in pixels."""
        return self.frames[0].width

    @property
    def height(self) -> int:
        """Of each frame, in pixels."""
        return self.frames[0].height

    def __len__(self) -> int:
        return len(self.frames)


def clip_of(frames: Sequence[NDArray[np.uint8]]) -> Clip:
    """A clip of frames, each H x W x 3; all are brought to the size of the first, at most 512 pixels long.

    Raises ClipError for fewer than two, and PictureError.
    """
    if len(frames) < 2:
        raise ClipError("A clip needs two frames or more: send an animated GIF or WebP, or several pictures.")
    size = scaled_size((frames[0].shape[1], frames[0].shape[0]), _SIDE)
    taken = [Image.fromarray(frames[number]) for number in _spread(len(frames), MOST_FRAMES)]
    pictures = tuple(open_picture(np.asarray(one if one.size == size else one.resize(size))) for one in taken)
    return Clip(pictures, hashlib.sha256("".join(one.digest for one in pictures).encode()).hexdigest())


def read_clip(files: Sequence[bytes]) -> Clip:
    """The clip in these files: one animated GIF, WebP or PNG, or several pictures, its frames in their order.

    Raises ClipError and PictureError.
    """
    frames = _animation(files[0]) if len(files) == 1 else (open_picture(file) for file in files)
    return clip_of([frame.pixels for frame in frames])


def _animation(file: bytes) -> Iterator[Picture]:
    """The frames of a file, so many as a clip has at most."""
    first = open_picture(file)
    try:
        image = Image.open(io.BytesIO(file), formats=ANIMATIONS)
        count = getattr(image, "n_frames", 1)
    except Exception:  # another kind of picture, or what a decoder stumbles over
        count = 1
    if count * first.width * first.height > MOST_PIXELS:
        raise ClipError("The clip is too long or too large: send fewer frames, or smaller ones.")
    if count == 1:
        return
    for number in _spread(count, MOST_FRAMES):
        try:
            image.seek(number)
            frame = image.copy()
        except Exception as error:
            raise ClipError("The clip is damaged or incomplete: save or send it again.") from error
        yield open_picture(frame)


def _spread(count: int, most: int) -> list[int]:
    """Numbers of so many of `count` things at most, evenly, the first and the last among them."""
    numbers: list[int] = np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()
    return numbers
