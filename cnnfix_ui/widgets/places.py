"""Places and boxes of a picture in the address: "x,y" or "x0,y0,x1,y1" in its pixels, several with "-" between them."""

from collections.abc import Sequence

from cnnfix_core.regions import Box
from cnnfix_ui.components.taps.component import Pixel, Taps


def parse_pixel(text: str) -> Pixel:
    """A pixel from the address, "x,y". Raises ValueError for anything else."""
    x, y = map(int, text.split(","))
    if min(x, y) < 0:
        raise ValueError(text)
    return x, y


def pixel_text(pixel: Pixel) -> str:
    """A pixel as written in the address."""
    return f"{pixel[0]},{pixel[1]}"


def parse_taps(text: str, most: int, boxes: bool = False) -> Taps:
    """At most so many pixels from the address, or a box. Raises ValueError for anything else."""
    if boxes and text.count(",") == 3 and "-" not in text:
        return Taps(box=_box(text))
    pixels = tuple(map(parse_pixel, text.split("-")))
    if len(pixels) > most:
        raise ValueError(text)
    return Taps(pixels)


def taps_text(taps: Taps) -> str:
    """Pixels or a box as written in the address."""
    return ",".join(map(str, taps.box)) if taps.box else "-".join(map(pixel_text, taps.points))


def parse_boxes(text: str, most: int) -> tuple[Box, ...]:
    """At most so many boxes from the address. Raises ValueError for anything else."""
    boxes = tuple(map(_box, text.split("-")))
    if len(boxes) > most:
        raise ValueError(text)
    return boxes


def boxes_text(boxes: Sequence[Box]) -> str:
    """Boxes as written in the address."""
    return "-".join(",".join(map(str, box)) for box in boxes)


def _box(text: str) -> Box:
    x0, y0, x1, y1 = map(int, text.split(","))
    if not (0 <= x0 <= x1 and 0 <= y0 <= y1):
        raise ValueError(text)
    return x0, y0, x1, y1
