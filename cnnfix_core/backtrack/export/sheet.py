"""The sheet around one picture of a walk: the question above, the step in words, a legend and the credit below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from cnnfix_core.backtrack.path import Step
from cnnfix_core.backtrack.step_texts import kind
from cnnfix_core.backtrack.walkthrough import Walked
from cnnfix_core.explanations import question
from cnnfix_core.images import Picture
from cnnfix_core.visualization import (
    FAINT,
    INK,
    PAPER,
    draw_legend,
    draw_point_legend,
    foot_of,
    photo_of,
    type_of,
    wrapped,
)

POINT_WORDS = "where the evidence is; a bigger dot is more"


@dataclass(frozen=True, eq=False)
class Sheet:
    """What stands around the pictures of one walk, which all have one size.

    title: lines above. foot: lines at the bottom. photo: without anything on it.
    """

    photo: Image.Image
    title: tuple[str, ...]
    foot: tuple[str, ...]

    @classmethod
    def of(cls, walked: Walked, picture: Picture, longest_side: int) -> Sheet:
        """The sheet for pictures whose longest side is at most so many pixels."""
        photo, explanation = photo_of(picture, longest_side), walked.explanation
        heading, small = _types(photo.width)
        title = wrapped(question(explanation.target, explanation.rather_than), heading, photo.width)
        return cls(photo, tuple(title), tuple(wrapped(foot_of([picture], explanation.model), small, photo.width)))

    @property
    def at(self) -> tuple[int, int]:
        """The upper left corner of the picture."""
        return self._margin, self._margin + len(self.title) * self._leading

    def around(
        self, image: Image.Image, lines: Sequence[str], rows: int | None = None, bands: bool = False
    ) -> Image.Image:
        """The sheet with this picture.

        Args:
            image: As large as the photo.
            lines: Below the picture, each broken where it is too wide.
            rows: How many rows they get; None for as many as needed.
            bands: Whether the legend is that of a map, rather than of points.
        """
        margin, leading, (heading, small) = self._margin, self._leading, _types(self.photo.width)
        # Pillow's own font has no multiplication sign.
        plain = (line.replace("×", "x") for line in lines)
        broken = [part for line in plain for part in wrapped(line, small, self.photo.width)][:rows]
        below = self.at[1] + self.photo.height + margin // 2
        legend = below + (rows or len(broken)) * leading + margin // 4
        foot = legend + 2 * leading + margin // 4
        size = self.photo.width + 2 * margin, foot + len(self.foot) * leading + margin // 4
        sheet = Image.new("RGB", size, PAPER)
        sheet.paste(image, self.at)
        draw = ImageDraw.Draw(sheet)
        for top, words, colour, font in (
            (round(0.7 * margin), self.title, INK, heading),
            (below, broken, INK, small),
            (foot, self.foot, FAINT, small),
        ):
            for number, line in enumerate(words):
                draw.text((margin, top + number * leading), line, colour, font)
        if bands:
            draw_legend(draw, (margin, legend), leading, small, below=True)
        else:
            draw_point_legend(draw, (margin, legend), leading, small, POINT_WORDS)
        return sheet

    @property
    def _margin(self) -> int:
        return _size(self.photo.width)

    @property
    def _leading(self) -> int:
        return round(1.5 * self._margin)


def place_in_walk(walked: Walked, step: Step) -> str:
    """The step's number, as on the page, and its layer."""
    return f"Step {step.number} of {len(walked.path.steps) - 1}: {step.module or kind(step.operation)}"


def _types(width: int) -> tuple[ImageFont.FreeTypeFont, ImageFont.FreeTypeFont]:
    """For headings and for the rest."""
    size = _size(width)
    return type_of(round(1.15 * size)), type_of(round(0.85 * size))


def _size(width: int) -> int:
    """Of type and margins, in pixels: small pictures need larger type for their size."""
    return 8 + width // 50
