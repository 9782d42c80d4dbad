"""Decoding pictures from untrusted sources."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import TiffImageFile

from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import percent

MAX_PICTURE_BYTES = 25_000_000
MAX_PIXELS = 80_000_000
WORKING_SIDE = 2048
_NEARLY = 0.95  # of the working side is enough for a JPEG that is reduced while it is decoded: phones have 4,000 pixels
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")  # JPEG includes the MPO files of phones

Notes: TypeAlias = tuple[str, ...]
Source: TypeAlias = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.uint8]

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION_TAG, _PHOTOMETRIC_TAG, _BITS_TAG = 0x0112, 0x0106, 0x0102
_TOPS = (255, 1023, 4095, 16383, 65535)  # of 8, 10, 12, 14 and 16 bits
_JPEG_END = b"\xff\xd9"
_SAME_COLOUR = 3  # levels
_DAMAGED = "The picture is damaged or incomplete: save it again or upload it again."
# First bytes of a file that could not be decoded, and the message for it.
_SIGNATURES = (
    (
        rb"\x89PNG|\xff\xd8|RIFF....WEBP|II\*\0|MM\0\*|BM|GIF8|....ftypavi[fs]",
        _DAMAGED,
    ),
    (rb"....ftyp(hei|hev|mif|msf)", "This is a HEIC picture: export it as JPEG and use that."),
    (rb"....ftyp", "This is a video, not a picture: save one of its frames as PNG or JPEG."),
    (rb"%PDF", "This is a PDF document: save the page as PNG or JPEG and use that."),
    (rb".*<(!doctype )?html", "This is a web page, not a picture: save the picture itself and use that."),
    (rb".*<svg", "This is an SVG drawing: save it as PNG and use that."),
    (rb"", "This is not a supported picture format: use a PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF file."),
)
_LOCK = threading.Lock()
logging.getLogger("PIL").addHandler(logging.NullHandler())  # without a handler, Python prints Pillow's warnings


class PictureError(CnnfixError):
    """A picture cannot be used. The message is one plain sentence for the user."""


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Picture:
    """A decoded picture, upright.

    Attributes:
        pixels: h x w x 3 RGB, read-only; the longest side is at most `WORKING_SIDE`, reduced if the original is
            larger; of large JPEG files it may be 5 % less, as they are reduced while they are decoded.
        width, height: of the original; all coordinates that are reported are in these pixels.
        digest: SHA-256 in hex, of the file's bytes; of mode, size and pixels for what never was a file.
        notes: what is missing or was brightened, in sentences; empty for most pictures.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    digest: str
    notes: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of the pixels."""
        return self.pixels.nbytes

    def changed(self, pixels: NDArray[np.uint8]) -> Picture:
        """The same picture with other pixels, h x w x 3 of any size, which become read-only; it has its own digest."""
        pixels.setflags(write=False)
        digest = hashlib.sha256(self.digest.encode() + pixels.tobytes()).hexdigest()
        return Picture(pixels, self.width, self.height, digest, self.notes)


def open_picture(source: Source) -> Picture:
    """Decode a picture.

    Files are known by their content, not by their name. The first frame counts, EXIF rotation is followed, transparent
    parts become white. The longest side is reduced to 2048 pixels if it is larger. A JPEG file without its end is
    opened if at least half of the picture is there, and pixels of 16 bits that use fewer are brightened; `notes` says
    so.

    Args:
        source: a path, a file's bytes, a PIL image, or a uint8 array: H x W, H x W x 3 or H x W x 4. At most 25 MB and
            80 million pixels.

    Raises:
        PictureError: the picture cannot be used; nothing else is raised, whatever the file holds.
    """
    if isinstance(source, str | os.PathLike):
        source = read_file(Path(source))
    if isinstance(source, np.ndarray):
        source = _from_array(source)
    if not isinstance(source, bytes | Image.Image):
        raise PictureError("A picture must be a path, the bytes of a file, a PIL image or an array.")
    if isinstance(source, bytes):
        _check_bytes(len(source))
    with _quiet():
        try:
            return _decode(source)
        except PictureError:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise _too_many_pixels() from None
        except Exception as error:  # decoders fail in too many ways to list
            raise PictureError(_reason_undecodable(source)) from error


def read_file(path: Path) -> bytes:
    """Read a picture file without decoding it. Raises PictureError if it is unreadable or too large."""
    try:
        if path.is_dir():
            raise PictureError(f"“{path}” is a folder: choose one of the pictures in it.")
        if re.match("(https?|ftp|data):", path.as_posix()):
            raise PictureError("Pictures are not fetched from the web: save this one and give its file.")
        if not path.exists():
            raise PictureError(f"There is no file “{path}”: check its name and folder.")
        if not path.is_file():
            raise PictureError(f"“{path}” is not an ordinary file: choose a picture.")
        _check_bytes(path.stat().st_size)
        return path.read_bytes()
    except OSError:
        raise PictureError(f"The file “{path}” cannot be read: check its name and permissions.") from None


def _from_array(array: NDArray[np.uint8]) -> Image.Image:
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise PictureError(
            f"An array must be H x W, H x W x 3 or H x W x 4 of type uint8, and this one is "
            f"{' x '.join(map(str, array.shape)) or 'a single number'} of type {array.dtype}."
        )
    _check_size(array.shape[1], array.shape[0])
    return Image.fromarray(array)


def _check_bytes(count: int) -> None:
    if count == 0:
        raise PictureError("The file is empty: save the picture again or upload it again.")
    if count > MAX_PICTURE_BYTES:
        raise PictureError(
            f"The file is larger than {MAX_PICTURE_BYTES / 1e6:g} MB: save the picture at a smaller size or as JPEG."
        )


def _check_size(width: int, height: int) -> None:
    if width * height == 0:
        raise PictureError("The picture has no pixels: choose another one.")
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> PictureError:
    return PictureError(f"The picture has more than {MAX_PIXELS / 1e6:g} million pixels: shrink it first.")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Pillow, one picture at a time: warning filters are global, and large pictures need much memory."""
    with _LOCK, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\b")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _decode(source: bytes | Image.Image) -> Picture:
    (width, height), image, notes = _loaded(source) if isinstance(source, bytes) else _loaded_image(source)
    orientation = _exif_orientation(image)
    if orientation in (5, 6, 7, 8):
        width, height = height, width
    image, brightened = _rgb_or_rgba(image)
    image = image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image
    content = source if isinstance(source, bytes) else f"{image.mode} {image.size} ".encode() + image.tobytes()
    pixels = np.asarray(_on_white(_reduced(image)))
    pixels.setflags(write=False)
    return Picture(pixels, width, height, hashlib.sha256(content).hexdigest(), (*notes, *brightened))


def _loaded_image(image: Image.Image) -> tuple[tuple[int, int], Image.Image, Notes]:
    _check_size(*image.size)
    image.load()
    return image.size, image, ()


def _loaded(content: bytes) -> tuple[tuple[int, int], Image.Image, Notes]:
    """The size of a picture in a file, its pixels, reduced for large ones, and what is missing of them."""
    image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
    size = image.size
    deep = image.mode == "RGB" and any(";16" in str(tile) for tile in getattr(image, "tile", ()))
    _check_size(*size)
    if (factor := int(max(size) / (_NEARLY * WORKING_SIDE))) > 1:
        image.draft(None, (max(1, size[0] // factor), max(1, size[1] // factor)))  # JPEG is reduced while it is decoded
    try:
        image.load()
    except OSError:
        if image.format != "JPEG" or content.endswith(_JPEG_END):
            raise
        size, image, _ = _loaded(content + _JPEG_END)
        return size, image, _without_end(image)
    return size, *(_brightened(image) if deep else (image, ()))


def _brightened(image: Image.Image) -> tuple[Image.Image, Notes]:
    """Colours of 16 bits, of which Pillow keeps the upper 8, stretched if the file uses only lower ones."""
    highest = np.asarray(image).max()
    top = next(top for top in (3, 15, 63, 255) if highest <= top)  # of 10, 12, 14 and 16 bits
    if top == 255:
        return image, ()
    note = (
        f"The picture has 16 bits a colour and uses only the lower ones: it was brightened, with {top + 1} levels left."
    )
    return image.point(lambda level: round(level * 255 / top)), (note,)


def _without_end(image: Image.Image) -> Notes:
    """A note on a JPEG file without its end. Raises PictureError if more than half of the picture is missing.

    The decoder gives all blocks that are missing the colour of the last one that it has.
    """
    pixels = np.asarray(image.convert("RGB")).astype(int)
    present = np.flatnonzero(abs(pixels - pixels[-1, -1]).max(axis=(1, 2)) > _SAME_COLOUR)
    missing = 1 - (present[-1] + 1 if len(present) else 0) / len(pixels)
    if missing > 0.5:
        raise PictureError(_DAMAGED)
    much = f"the lowest {percent(missing)} of the picture" if missing > 0 else "a part of the picture"
    return (f"The file lacks its end: {much} may be missing.",)


def _exif_orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 if it is missing or unreadable. Pillow rotates TIFF files itself while loading."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # broken EXIF is no reason to refuse a picture
        return 1


def _rgb_or_rgba(image: Image.Image) -> tuple[Image.Image, Notes]:
    notes: Notes = ()
    if image.mode == "F" or image.mode.startswith("I"):
        image, notes = _to_8_bit_grey(image)
    if image.mode == "LAB":
        lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(lab, rgb, "LAB", "RGB").apply(image), ()
    if image.mode == "La":  # Pillow knows only one way out of this mode
        image = image.convert("LA")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode), notes


def _to_8_bit_grey(image: Image.Image) -> tuple[Image.Image, Notes]:
    """Convert 16-bit, 32-bit and floating-point grey to 8-bit grey.

    Files do not say what range their values have: cameras and scanners write 10, 12 or 14 bits into 16. The smallest of
    the common ranges that holds all values is taken, otherwise the range of the values. NaN and infinity count as 0.
    """
    values = np.asarray(image)
    levels = values.astype(np.float32)
    levels[~np.isfinite(levels)] = 0
    low, high = float(levels.min()), float(levels.max())
    notes: Notes = ()
    tops = (1, *_TOPS) if image.mode == "F" else _TOPS
    if low >= 0 and high <= tops[-1]:
        used, (low, high) = high, (0.0, float(next(top for top in tops if high <= top)))
        if image.mode.startswith("I;16") and high < _TOPS[-1] and _bits_in(image) == 16:
            notes = (
                f"The picture has 16 bits a pixel and goes only up to {used:,.0f}: {high:,.0f} is shown as white.",
            )
    scale = 255 / (high - low or 1)
    with np.errstate(all="ignore"):  # ranges near the limits of floating point
        levels *= scale  # in place, to save memory
        levels -= low * scale
        grey = np.rint(levels, out=levels).astype(np.uint8)
    if _tiff_tag(image, _PHOTOMETRIC_TAG) == 0:  # 0 is white; Pillow knows that only of 8 bits
        grey = 255 - grey
    key = image.info.get("transparency")
    if isinstance(key, int):  # PNG: this level means transparent
        grey[values == key] = 255
    return Image.fromarray(grey), notes


def _bits_in(image: Image.Image) -> int:
    """How many bits a pixel has, as far as its file says."""
    bits = _tiff_tag(image, _BITS_TAG)
    return bits[0] if isinstance(bits, tuple) else 16


def _tiff_tag(image: Image.Image, tag: int) -> Any:
    """The value of a TIFF file's tag; None for other pictures."""
    return image.tag_v2.get(tag) if isinstance(image, TiffImageFile) else None


def _reduced(image: Image.Image) -> Image.Image:
    size = scaled_size(image.size, WORKING_SIDE)
    return image if size == image.size else image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image)
    return white


def _reason_undecodable(source: bytes | Image.Image) -> str:
    """The message for a source that could not be decoded."""
    if isinstance(source, Image.Image):
        return f"This PIL image (mode {source.mode}) cannot be read: its file may be closed, damaged or incomplete."
    return next(message for start, message in _SIGNATURES if re.match(start, source[:1024], re.DOTALL | re.IGNORECASE))


def scaled_size(size: tuple[int, int], longest_side: float | None) -> tuple[int, int]:
    """The size scaled down, keeping its aspect ratio, until the longest side is at most this; no side below 1."""
    scale = min(1.0, (longest_side or max(size)) / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
