"""Many maps of one picture on one sheet, drawn with Pillow."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cnnfix_core.figures import FAINT, INK, PAPER, POINT, POINT_EDGE, fitted, panel, type_of, write_below
from cnnfix_core.fixations import Fixations
from cnnfix_core.images import Picture
from cnnfix_core.metrics.boxes import Box

TRUTH, FOUND = PAPER, POINT
_COLUMNS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One map, of any size, with what is drawn over it. note: a line under it."""

    caption: str
    map: NDArray[np.floating]
    fixations: Fixations | None = None
    box: Box | None = None
    note: str = ""


def grid(
    picture: Picture, cells: Sequence[Cell], title: str, text: str, truth: Sequence[Box] = (), width: int = 1600
) -> Image.Image:
    """A figure to keep: the picture under each map, in bands that mean the same for all of them.

    truth: boxes, drawn in white; a cell's own box is drawn in cyan. width: of the sheet in pixels.
    """
    columns = min(_COLUMNS, len(cells))
    margin, gap, line = width // 40, width // 60, width // 55
    room = (width - 2 * margin - gap * (columns - 1)) // columns
    size = fitted(picture, room)
    height = size[1] + 3 * line
    lines = textwrap.wrap(text, 150)
    top = margin + 2 * line
    below = top + -(-len(cells) // columns) * height
    sheet = Image.new("RGB", (width, below + (len(lines) + 2) * line + margin), PAPER)
    draw = ImageDraw.Draw(sheet)
    body = type_of(width // 80)
    draw.text((margin, margin), title, INK, type_of(width // 50))
    photo = Image.fromarray(picture.pixels).resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    for number, cell in enumerate(cells):
        left, upper = margin + number % columns * (room + gap), top + number // columns * height
        draw.text((left, upper), cell.caption, INK, body)
        sheet.paste(_panel(photo, picture, cell, truth), (left, upper + line))
        draw.text((left, upper + line + size[1] + line // 4), cell.note, FAINT, body)
    write_below(draw, (margin, below), lines, line, body)
    return sheet


def _panel(photo: Image.Image, picture: Picture, cell: Cell, truth: Sequence[Box]) -> Image.Image:
    drawn = panel(photo, cell.map, cell.fixations)
    for box in truth:
        _draw_box(drawn, picture, box, TRUTH)
    if cell.box is not None:
        _draw_box(drawn, picture, cell.box, FOUND)
    return drawn


def _draw_box(image: Image.Image, picture: Picture, box: Box, colour: str) -> None:
    """An outline with a dark one around it, so that it shows on every ground."""
    across, down = image.width / picture.width, image.height / picture.height
    x0, y0, x1, y1 = box[0] * across, box[1] * down, (box[2] + 1) * across - 1, (box[3] + 1) * down - 1
    draw = ImageDraw.Draw(image)
    draw.rectangle((x0, y0, max(x0, x1), max(y0, y1)), outline=POINT_EDGE, width=5)
    draw.rectangle((x0 + 1, y0 + 1, max(x0 + 1, x1 - 1), max(y0 + 1, y1 - 1)), outline=colour, width=3)
