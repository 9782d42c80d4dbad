"""Video clips, and how to read them from files."""

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

MOST_FRAMES = 64  # from a longer clip, this many evenly spaced frames are used
MOST_PIXELS = 400_000_000  # the limit for all frames of a file together
ANIMATIONS = ("GIF", "WEBP", "PNG")
_SIDE = 512


class ClipError(CnnfixError):
    """The clip cannot be used."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A video clip.

    Attributes:
        frames: 2 to 64 pictures of the same size, the longest side at most 512 pixels.
        digest: The SHA-256 digest of the frames, in hexadecimal.
    """

    frames: tuple[Picture, ...]
    digest: str

    @property
    def width(self) -> int:
        """The width of each frame, in pixels."""
        return self.frames[0].width

    @property
    def height(self) -> int:
        """The height of each frame, in pixels."""
        return self.frames[0].height

    def __len__(self) -> int:
        return len(self.frames)


def clip_of(frames: Sequence[NDArray[np.uint8]]) -> Clip:
    """Make a clip of frames, each H x W x 3; all are scaled to the size of the first, at most 512 pixels long.

    Raises:
        ClipError: There are fewer than two frames.
        PictureError: A frame cannot be used.
    """
    if len(frames) < 2:
        raise ClipError("A clip needs at least two frames: use an animated GIF or WebP, or several pictures.")
    size = scaled_size((frames[0].shape[1], frames[0].shape[0]), _SIDE)
    taken = [Image.fromarray(frames[number]) for number in _spread(len(frames), MOST_FRAMES)]
    pictures = tuple(open_picture(np.asarray(one if one.size == size else one.resize(size))) for one in taken)
    return Clip(pictures, hashlib.sha256("".join(one.digest for one in pictures).encode()).hexdigest())


def read_clip(files: Sequence[bytes]) -> Clip:
    """Read a clip from one animated GIF, WebP or PNG, or from several pictures in order.

    Raises:
        ClipError: The clip cannot be used.
        PictureError: A file is not a picture that can be read.
    """
    frames = _animation(files[0]) if len(files) == 1 else (open_picture(file) for file in files)
    return clip_of([frame.pixels for frame in frames])


def _animation(file: bytes) -> Iterator[Picture]:
    """The frames of an animation, at most as many as a clip may have."""
    first = open_picture(file)
    try:
        image = Image.open(io.BytesIO(file), formats=ANIMATIONS)
        count = getattr(image, "n_frames", 1)
    except Exception:  # another kind of picture, or one that cannot be decoded
        count = 1
    if count * first.width * first.height > MOST_PIXELS:
        raise ClipError("The clip is too long or too large: use fewer or smaller frames.")
    if count == 1:
        return
    for number in _spread(count, MOST_FRAMES):
        try:
            image.seek(number)
            frame = image.copy()
        except Exception as error:
            raise ClipError("The clip is damaged or incomplete: save it again.") from error
        yield open_picture(frame)


def _spread(count: int, most: int) -> list[int]:
    """At most `most` evenly spaced numbers from 0 to count - 1, including both ends."""
    numbers: list[int] = np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()
    return numbers
