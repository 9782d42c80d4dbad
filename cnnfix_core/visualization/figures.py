"""Many maps on one sheet, drawn with Pillow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cnnfix_core.explanations import Explanation, Fixations, question, summary
from cnnfix_core.images import Picture, credit_of
from cnnfix_core.regions import Box
from cnnfix_core.visualization.cut_outs import with_outline
from cnnfix_core.visualization.drawing import (
    FAINT,
    INK,
    PAPER,
    POINT,
    POINT_EDGE,
    figure,
    fitted,
    panel,
    type_of,
    wrapped,
    write_below,
)

TRUTH, FOUND = PAPER, POINT
CUT = "#A5FF5C"
BOXES_TEXT = "Cyan: the box found by each method. White: the ground truth."
_CUTS_TEXT = " Green: what is cut out from each map."
MOST_COLUMNS = 4  # of cells without a given arrangement
_CELL, _LINE, _TYPE = 400, 29, 20  # pixels: width of a cell, line height, font size


@dataclass(frozen=True, slots=True, eq=False)
class FigureCell:
    """A map of any size on its picture.

    Attributes:
        picture: The picture.
        caption: First line above it.
        map: The map.
        detail: Second line above it.
        note: Line below it.
        fixations: Drawn as points.
        box: The method's box, drawn in cyan.
        truth: Boxes of the ground truth, drawn in white.
        cut_out: (H, W) of the picture, outlined in green.
    """

    picture: Picture
    caption: str
    map: NDArray[np.floating]
    detail: str = ""
    note: str = ""
    fixations: Fixations | None = None
    box: Box | None = None
    truth: Sequence[Box] = ()
    cut_out: NDArray[np.bool_] | None = None


def grid(cells: Sequence[FigureCell | None], title: str, text: str, columns: int) -> Image.Image:
    """A figure with a grid of maps, in colour bands that mean the same for all of them.

    Args:
        cells: Row by row; None leaves a cell empty.
        title: Shown above.
        text: Shown below.
        columns: Number of columns.
    """
    width = _CELL * max(MOST_COLUMNS, columns)
    margin, gap, line = _CELL // 10, _CELL // 15, _LINE
    room = (width - 2 * margin - gap * (columns - 1)) // columns
    rows = [cells[n : n + columns] for n in range(0, len(cells), columns)]
    heights = [max((fitted(cell.picture, room)[1] for cell in row if cell), default=0) + 4 * line for row in rows]
    cut = any(cell is not None and cell.cut_out is not None for cell in cells)
    font = type_of(_TYPE)
    lines = wrapped(text + cut * _CUTS_TEXT, font, width - 2 * margin)
    top = margin + 2 * line
    below = top + sum(heights)
    foot = wrapped(foot_of(cell.picture for cell in cells if cell), font, width - 2 * margin)
    bottom = below + round((len(lines) + len(foot) + 2) * line)
    sheet = Image.new("RGB", (width, bottom + margin), PAPER)
    draw, head = ImageDraw.Draw(sheet), type_of(32)
    draw.text((margin, margin), _short(title, width - 2 * margin, head), INK, head)
    for row, height in zip(rows, heights, strict=True):
        for number, cell in enumerate(row):
            if cell is not None:
                _put(sheet, cell, (margin + number * (room + gap), top), room)
        top += height
    write_below(draw, (margin, below), lines, line, font)
    for number, words in enumerate(reversed(foot)):
        draw.text((margin, bottom - number * line), words, FAINT, font, anchor="ld")
    return sheet


def _put(sheet: Image.Image, cell: FigureCell, at: tuple[int, int], room: int) -> None:
    """Draw a cell with its lines of text. at: its upper left corner. room: its width."""
    draw, font = ImageDraw.Draw(sheet), type_of(_TYPE)
    (left, top), size = at, fitted(cell.picture, room)
    sheet.paste(_drawn(cell, size), (left, top + 2 * _LINE))
    below = top + 2 * _LINE + size[1] + _LINE // 4
    for words, height, colour in (
        (cell.caption, top, INK),
        (cell.detail, top + _LINE, FAINT),
        (cell.note, below, FAINT),
    ):
        draw.text((left, height), _short(words, room, font), colour, font)


def _short(words: str, room: float, font: ImageFont.FreeTypeFont) -> str:
    """The words, shortened if they are wider than `room`."""
    if font.getlength(words) <= room:
        return words
    while words and font.getlength(f"{words} …") > room:
        words = words[:-1].rstrip()
    return f"{words} …"


def _drawn(cell: FigureCell, size: tuple[int, int]) -> Image.Image:
    photo = Image.fromarray(cell.picture.pixels).resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    drawn = panel(photo, cell.map, cell.fixations)
    if cell.cut_out is not None:
        drawn = with_outline(drawn, cell.cut_out, CUT)
    for box in cell.truth:
        _draw_box(drawn, cell.picture, box, TRUTH)
    if cell.box is not None:
        _draw_box(drawn, cell.picture, cell.box, FOUND)
    return drawn


def _draw_box(image: Image.Image, picture: Picture, box: Box, colour: str) -> None:
    """Draw a box with a dark border, so that it is visible on any background."""
    across, down = image.width / picture.width, image.height / picture.height
    x0, y0, x1, y1 = box[0] * across, box[1] * down, (box[2] + 1) * across - 1, (box[3] + 1) * down - 1
    draw = ImageDraw.Draw(image)
    draw.rectangle((x0, y0, max(x0, x1), max(y0, y1)), outline=POINT_EDGE, width=5)
    draw.rectangle((x0 + 1, y0 + 1, max(x0 + 1, x1 - 1), max(y0 + 1, y1 - 1)), outline=colour, width=3)


def comparison(
    picture: Picture,
    explanation: Explanation,
    map_: NDArray[np.floating],
    rival: NDArray[np.floating] | None,
) -> Image.Image:
    """A figure of an explanation beside Grad-CAM.

    Args:
        picture: The picture.
        explanation: The explanation.
        map_: Its map, of any size.
        rival: Grad-CAM's map, of any size; None to show only the explanation.
    """
    panels: list[tuple[str, NDArray[np.floating], Fixations | None]]
    panels = [("CNN Fixations", map_, explanation.kept_fixations)]
    panels += [] if rival is None else [("Grad-CAM", rival, None)]
    return figure(
        picture,
        panels,
        question(explanation.target, explanation.rather_than),
        summary(explanation, map_, rival),
        foot_of([picture], explanation.model),
        "strongest fixations, with half of the evidence" if explanation.preset.weighted else "fixation",
    )


def foot_of(pictures: Iterable[Picture], network: str = "") -> str:
    """What stands below everything to keep: the network, who made the pictures, and what made the figure."""
    credits = list(dict.fromkeys(filter(None, map(credit_of, pictures))))
    parts = [f"Network: {network}"] if network else []
    parts += [f"Picture{'s' * (len(credits) > 1)}: {'; '.join(credits)}"] if credits else []
    return ". ".join([*parts, "Made with CNN Fixations Explorer."])
