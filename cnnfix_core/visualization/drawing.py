"""Draw an explanation with Pillow: overlays, points and figures."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cnnfix_core.arrays import Floats
from cnnfix_core.explanations import Fixations
from cnnfix_core.images import Picture, scaled_size
from cnnfix_core.regions import BANDS, floors

# Before the swatches of the bands, the darkest first.
LEGEND_TEXT = "Where this much of each map lies, darkest to brightest:"
# From the strongest band to the weakest. Lightness decreases steadily, so the order is clear with any colour vision and
# in a black-and-white print.
BAND_COLOURS = ("#FFF3A3", "#FDB84A", "#F0714F", "#B8317F", "#5D2A8C")
BAND_OPACITY = (0.92, 0.84, 0.74, 0.62, 0.48)
POINT, POINT_EDGE = "#19E3FF", "#06222B"
MOST_POINTS = 3000
_LARGEST = 150  # of these discs fit side by side on a picture, so that what they lie on stays visible
_POINTS_SHARE = 0.5  # of the evidence is drawn as points; more of them would hide what they lie on
_SMOOTH = 2  # points are drawn so many times larger first

PAPER, INK, FAINT = "#FFFFFF", "#1B2127", "#5B6670"


def overlay(
    density: NDArray[np.floating], size: tuple[int, int], among: NDArray[np.floating] | None = None
) -> Image.Image:
    """The map as bands of colour: a palette image with transparency.

    Args:
        density: The map.
        size: Width and height of the image.
        among: The map to take shares of, if `density` is only a part of it.
    """
    values = np.asarray(density, np.float32)
    # Enlarge before dividing into bands, so that their edges are smooth.
    large = np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))
    band = np.zeros(large.shape, np.uint8)
    for floor in floors(values if among is None else among, BANDS):
        band += large < floor
    image = Image.fromarray(band)
    image.putpalette([part for colour in BAND_COLOURS for part in _rgb(colour)] + [0, 0, 0])
    image.info["transparency"] = bytes([*(round(255 * opacity) for opacity in BAND_OPACITY), 0])
    return image


def radius(evidence: NDArray[np.floating], largest: float) -> Floats:
    """Radii of points whose area shows evidence, from a fifth of `largest` up to `largest` for the strongest."""
    radii: Floats = largest * np.maximum(np.sqrt(evidence / evidence.max()), 0.2)
    return radii


def draw_points(image: Image.Image, fixations: Fixations, largest: float) -> None:
    """Draw the strongest fixations, with half of the evidence, as discs on an image of the whole picture."""
    evidence = fixations.evidence
    half = np.searchsorted(np.cumsum(evidence), _POINTS_SHARE * evidence.sum())
    strongest = np.flatnonzero(evidence >= evidence[half])[:MOST_POINTS]  # all of them where none is stronger
    size = np.array(image.size) * _SMOOTH
    places = (fixations.xy[strongest] + 0.5) * size / (fixations.width, fixations.height)
    layer = Image.new("RGBA", tuple(size), POINT_EDGE + "00")
    draw_discs(layer, places, radius(evidence[strongest], largest * _SMOOTH))
    layer = layer.resize(image.size, Image.Resampling.BOX)
    image.paste(layer, mask=layer)


def photo_of(picture: Picture, longest_side: int) -> Image.Image:
    """The picture as an image whose longest side is at most `longest_side` pixels."""
    image = Image.fromarray(picture.pixels)
    return image.resize(scaled_size(image.size, longest_side), Image.Resampling.BICUBIC, reducing_gap=2.0)


def draw_discs(
    image: Image.Image, places: NDArray[np.floating], radii: NDArray[np.floating], colour: str = POINT
) -> None:
    """Draw discs at (N, 2) positions in pixels of the image, the first on top."""
    draw = ImageDraw.Draw(image)
    for (x, y), r in zip(places[::-1], radii[::-1], strict=True):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour, outline=POINT_EDGE if r > 1.5 else None)


def figure(
    picture: Picture,
    panels: Sequence[tuple[str, NDArray[np.floating], Fixations | None]],
    title: str,
    text: str,
    foot: str = "",
    points: str = "",
    width: int = 1600,
) -> Image.Image:
    """A figure: the picture under each panel's map and points, with title, legend, text and foot.

    Args:
        picture: The picture.
        panels: (caption, map of any size, fixations or None).
        title: Shown above.
        text: Shown below.
        foot: Shown below that, fainter: network and credit.
        points: What a point is, for the legend; "" if there are none.
        width: Of the figure, in pixels.
    """
    margin, gap = width // 40, width // 60
    head, body = type_of(width // 50), type_of(width // 80)
    room = width - 2 * margin
    panel_width = (room - gap * (len(panels) - 1)) // len(panels)
    size = fitted(picture, panel_width)
    lines = wrapped(text, body, room)
    line = width // 55
    top = margin + 2 * line
    below = top + line + size[1] + gap
    height = below + round((len(lines) + 1.7 + 1.3 * bool(foot)) * line) + margin
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((margin, margin), title, INK, head)
    photo = Image.fromarray(picture.pixels).resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    for number, (caption, density, fixations) in enumerate(panels):
        left = margin + number * (panel_width + gap)
        draw.text((left, top), caption, FAINT, body)
        sheet.paste(panel(photo, density, fixations), (left, top + line))
    write_below(draw, (margin, below), lines, line, body, points)
    draw.text((margin, height - margin), foot, FAINT, body, anchor="ld")
    return sheet


def fitted(picture: Picture, room: float) -> tuple[int, int]:
    """The picture's size scaled to the width `room`, or to a height of 1.2 times `room` if it is taller than that."""
    scale = min(room / picture.width, 1.2 * room / picture.height)
    return max(1, round(picture.width * scale)), max(1, round(picture.height * scale))


def panel(
    photo: Image.Image,
    density: NDArray[np.floating],
    fixations: Fixations | None = None,
    among: NDArray[np.floating] | None = None,
) -> Image.Image:
    """The photo, an RGBA image, with the map's overlay and the points on top: an RGB image of the same size."""
    drawn = Image.alpha_composite(photo, overlay(density, photo.size, among).convert("RGBA"))
    if fixations is not None:
        draw_points(drawn, fixations, largest=max(photo.size) / _LARGEST)
    return drawn.convert("RGB")


def write_below(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    lines: Sequence[str],
    line: int,
    font: ImageFont.FreeTypeFont,
    points: str = "",
) -> None:
    """Write the legend, and then these lines of text, starting at `at`.

    line: line height in pixels. points: what a point is, "" if there are none.
    """
    x = draw_legend(draw, at, line, font)
    if points:
        draw_point_legend(draw, (x, at[1]), line, font, points)
    for row, words in enumerate(lines):
        draw.text((at[0], at[1] + (row + 1.7) * line), words, INK, font)


def draw_point_legend(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], line: int, font: ImageFont.FreeTypeFont, words: str
) -> None:
    """Write what a point is."""
    x, y = at
    draw.ellipse((x, y + line * 0.15, x + line * 0.5, y + line * 0.65), fill=POINT, outline=POINT_EDGE)
    draw.text((x + line * 0.8, y), words, FAINT, font)


def draw_legend(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], line: int, font: ImageFont.FreeTypeFont, below: bool = False
) -> int:
    """Write the legend of the bands, and return where it ends. below: the swatches are on a row of their own."""
    x, y = at
    draw.text((x, y), LEGEND_TEXT, FAINT, font)
    if below:
        y += line
    else:
        x += math.ceil(draw.textlength(LEGEND_TEXT, font)) + line
    for share, colour in reversed(list(zip(BANDS, BAND_COLOURS, strict=True))):
        draw.rectangle((x, y, x + line, y + line * 0.8), fill=colour)
        words = f"{share:.0%}".replace("%", " %")
        draw.text((x + line * 1.3, y), words, FAINT, font)
        x += math.ceil(draw.textlength(words, font) + line * 2.2)
    return x + line


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """The text in lines of at most this width; a word that is wider has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def png(image: Image.Image, effort: int = 6) -> bytes:
    """The image as the bytes of a PNG file. effort: of the compression, 1 to 9; with 9 it takes ten times as long."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=effort)
    return buffer.getvalue()


def type_of(size: int) -> ImageFont.FreeTypeFont:
    """The font of figures, `size` pixels high."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels include FreeType
    return font


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
