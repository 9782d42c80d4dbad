"""The content of a report as headings, paragraphs, figures and tables, which the HTML and PDF writers render."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core.explanations import question, summary
from cnnfix_core.images import credit_of
from cnnfix_core.methods import METHODS
from cnnfix_core.metrics import overlap, rank_correlation
from cnnfix_core.regions import BANDS, MAP_SIDE, area_holding, strongest_ninth
from cnnfix_core.report.report import Report
from cnnfix_core.utils import decimals, percent
from cnnfix_core.visualization import BAND_COLOURS, LEGEND_TEXT, panel, photo_of

_SIDE = 720  # pixels of a figure's longest side


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences. faint: for explanatory notes."""

    text: str
    faint: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """An image as a JPEG file, small enough for a report with many, with its size in pixels and its caption."""

    jpeg: bytes
    size: tuple[int, int]
    title: str
    words: str = ""

    @classmethod
    def of(cls, image: Image.Image, title: str, words: str = "") -> Figure:
        """A figure of an image of any mode."""
        content = io.BytesIO()
        image.convert("RGB").save(content, "JPEG", quality=88)
        return cls(content.getvalue(), image.size, title, words)


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures side by side, as many per row as fit. wide: at most two per row."""

    figures: tuple[Figure, ...]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column holds row headings. header: None for a list of facts."""

    header: tuple[str, ...] | None
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Legend:
    """A legend of the colour bands: (colour, words)."""

    before: str
    bands: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command."""

    text: str


@dataclass(frozen=True, slots=True)
class Options:
    """Answers to tick on paper."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines to write on."""

    count: int


Block: TypeAlias = Heading | Paragraph | Figures | Table | Legend | Command
# What is printed, besides reports.
Part: TypeAlias = Block | Options | Lines
LEGEND = Legend(
    LEGEND_TEXT,
    tuple((colour, f"{100 * share:.0f} %") for colour, share in zip(BAND_COLOURS[::-1], BANDS[::-1], strict=True)),
)


# As long as the report, since its files are often wanted one after the other.
_kept: WeakKeyDictionary[Report, tuple[Block, ...]] = WeakKeyDictionary()


def blocks(report: Report) -> tuple[Block, ...]:
    """The whole report, from the title to the command."""
    if report not in _kept:
        _kept[report] = _made(report)
    return _kept[report]


def _made(report: Report) -> tuple[Block, ...]:
    return (
        *_answer(report),
        *_walk(report),
        *_comparison(report),
        Heading("How this was made"),
        Table(None, (*report.facts.items(), ("Made", report.made))),
        Paragraph("To make the same report again, in the picture's folder and with the same versions installed:"),
        Command(report.command),
    )


def title(report: Report) -> str:
    """The question."""
    return question(report.explanation.target, report.explanation.rather_than)


def _answer(report: Report) -> Iterator[Block]:
    explanation, picture = report.explanation, report.picture
    map_ = explanation.map(MAP_SIDE)
    photo = photo_of(picture, _SIDE)
    drawn = panel(photo.convert("RGBA"), map_, explanation.kept_fixations)
    yield Heading(title(report), 1)
    yield Paragraph(f"{report.model.title} says “{explanation.predictions[0].label}”. {summary(explanation, map_)}")
    yield Figures((Figure.of(photo, "The picture", _source(report)), Figure.of(drawn, "CNN Fixations")), wide=True)
    yield LEGEND
    yield Heading("What the network says")
    rows = [(one.label, percent(one.probability), decimals(one.score, 2)) for one in explanation.predictions[:5]]
    yield Table(("Class", "Probability", "Score"), tuple(rows))


def _source(report: Report) -> str:
    return ". ".join(filter(None, (report.file.name, credit_of(report.picture))))


def _walk(report: Report) -> Iterator[Block]:
    yield Heading("The walk back, in a few steps")
    yield Paragraph(
        "From the score to the picture: at each layer the walk hops to the inputs that contributed. Each disc marks "
        "the centre of an element's receptive field, and its area shows the element's evidence.",
        faint=True,
    )
    yield Figures(tuple(Figure.of(stop.image, stop.title, stop.words) for stop in report.walk))


def _comparison(report: Report) -> Iterator[Block]:
    yield Heading("Other methods")
    yield Paragraph("All maps have one scale: a colour means the same share of each map.", faint=True)
    photo = photo_of(report.picture, _SIDE).convert("RGBA")
    shown = [
        Figure.of(panel(photo, one.found.map), METHODS[one.found.method].title, one.found.layer or "")
        for one in report.compared
    ]
    yield Figures(tuple(shown), wide=True)
    yield LEGEND
    yield Table(
        ("Method", "Half of the map on", "Largest part of that half", "Correlation", "Overlap"), tuple(_rows(report))
    )
    yield Paragraph(
        "Correlation and overlap compare each map with the fixations: Spearman's rank correlation of all pixels, and "
        "the share of the strongest tenth of the pixels that both maps have in common.",
        faint=True,
    )
    for failed in report.failed:
        yield Paragraph(f"{METHODS[failed.method].title} is left out. {failed.why}", faint=True)


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    own = next((one.found.map for one in report.compared if one.found.method == "fixations"), None)
    for one in report.compared:
        shown = one.found.map
        pair: Sequence[float] = (math.nan, math.nan)
        if own is not None and one.found.method != "fixations" and shown.any():
            pair = rank_correlation(shown, own), overlap(shown, own)
        numbers = (decimals(value, 2) for value in pair)
        yield (
            METHODS[one.found.method].title,
            percent(area_holding(shown, 0.5)) if shown.any() else "empty",
            _largest_part(shown),
            *numbers,
        )


def _largest_part(map_: NDArray[np.floating]) -> str:
    name, part = strongest_ninth(map_)
    return f"{percent(part)} {name}" if part else "–"
