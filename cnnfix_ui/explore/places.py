"""Places of a picture in the address: "x,y" in its pixels, several with "-" between them."""

from collections.abc import Sequence

from cnnfix_ui.components.taps.component import Pixel


def parse_pixel(text: str) -> Pixel:
    """A pixel from the address, "x,y". Raises ValueError for anything else."""
    x, y = map(int, text.split(","))
    if min(x, y) < 0:
        raise ValueError(text)
    return x, y


def pixel_text(pixel: Pixel) -> str:
    """A pixel as written in the address."""
    return f"{pixel[0]},{pixel[1]}"


def parse_pixels(text: str, most: int) -> tuple[Pixel, ...]:
    """At most so many pixels from the address. Raises ValueError for anything else."""
    pixels = tuple(map(parse_pixel, text.split("-")))
    if len(pixels) > most:
        raise ValueError(text)
    return pixels


def pixels_text(pixels: Sequence[Pixel]) -> str:
    """Pixels as written in the address."""
    return "-".join(map(pixel_text, pixels))
