"""How ReportLab lays out a report or a worksheet; imported when a PDF is written."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import matplotlib
from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Image as Picture
from reportlab.platypus import KeepTogether, SimpleDocTemplate, Spacer
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from cnnfix_core.report.blocks import (
    Command,
    Figure,
    Figures,
    Heading,
    Legend,
    Lines,
    Options,
    Paragraph,
    Part,
    Table,
)
from cnnfix_core.visualization import FAINT, INK

rl_config.useA85 = 0  # else most of the time is spent on writing pictures as text, which makes them larger

_MARGIN, _GAP = 48, 12
_PADDING = 6  # that ReportLab puts around everything
_WIDTH = A4[0] - 2 * (_MARGIN + _PADDING)
_LINE, _SHADE = "#D5DBE0", "#F3F5F7"


def pdf_of(whole: Sequence[Part], title: str) -> bytes:
    """The file, A4."""
    _fonts()
    content = io.BytesIO()
    document = SimpleDocTemplate(
        content,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=title,
        author="CNN Fixations Explorer",
        invariant=1,
    )
    after_heading = (False, *(isinstance(block, Heading) for block in whole))
    parts = [part for block, after in zip(whole, after_heading, strict=False) for part in _parts(block, after)]
    document.build(parts, onFirstPage=_numbered, onLaterPages=_numbered)
    return content.getvalue()


@cache
def _fonts() -> None:
    """The type that matplotlib brings: PDF's own has few letters, and labels come in every language."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name, file in (("Sans", "DejaVuSans"), ("Sans-Bold", "DejaVuSans-Bold"), ("Mono", "DejaVuSansMono")):
        registerFont(TTFont(name, str(folder / f"{file}.ttf")))
    registerFontFamily("Sans", "Sans", "Sans-Bold", "Sans", "Sans-Bold")


def _style(size: float, colour: str = INK, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(
        "", **{"fontName": "Sans", "fontSize": size, "leading": 1.45 * size, "textColor": colour} | more
    )


_BODY, _SMALL, _NOTE = _style(9.5, spaceAfter=8), _style(7.5, FAINT), _style(8.5, FAINT, spaceAfter=6)
_LEAD = _style(8.5, FAINT, spaceAfter=6, keepWithNext=1)
_CELL = _style(8.5)
_CODE = _style(8, fontName="Mono", backColor=_SHADE, borderPadding=6, leftIndent=6, rightIndent=6, spaceBefore=6)
_TITLES = {
    1: _style(18, fontName="Sans-Bold", spaceAfter=8, leading=24),
    2: _style(12.5, fontName="Sans-Bold", spaceBefore=16, spaceAfter=6, keepWithNext=1),
}


def _parts(block: Part, after_heading: bool) -> Iterator[Any]:
    match block:
        case Heading(text, level):
            yield Text(escape(text), _TITLES[level])
        case Paragraph(text, faint):
            yield Text(escape(text), (_LEAD if after_heading else _NOTE) if faint else _BODY)
        case Figures(figures, wide):
            yield from _rows(figures, 2 if wide else 3)
        case Table():
            yield _grid(block)
            yield Spacer(1, 8)
        case Legend():
            yield _legend(block)
            yield Spacer(1, 8)
        case Options() | Lines():
            yield from _to_fill_in(block)
        case Command(text):
            yield Text(escape(text), _CODE)


def _to_fill_in(block: Options | Lines) -> Iterator[Any]:
    if isinstance(block, Options):
        yield from (Text(f"☐  {escape(text)}", _BODY) for text in block.texts)
        return
    line = ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(_LINE))
    yield Grid([[""]] * block.count, [_WIDTH], [22] * block.count, style=[line])
    yield Spacer(1, 8)


def _rows(figures: tuple[Figure, ...], columns: int) -> Iterator[Any]:
    width = (_WIDTH - (columns - 1) * _GAP) / columns
    for first in range(0, len(figures), columns):
        cells: list[Any] = [_figure(figure, width) for figure in figures[first : first + columns]]
        cells += [""] * (columns - len(cells))
        style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
        style += [("RIGHTPADDING", (0, 0), (-1, -1), _GAP), ("RIGHTPADDING", (-1, 0), (-1, -1), 0)]
        widths = [width + _GAP] * (columns - 1) + [width]
        yield KeepTogether(Grid([cells], widths, style=style, hAlign="LEFT"))


def _figure(figure: Figure, width: float) -> list[Any]:
    height = width * figure.size[1] / figure.size[0]
    scale = min(1.0, 300 / height)
    image = Picture(io.BytesIO(figure.jpeg), width * scale, height * scale, hAlign="LEFT")
    words = f"<font color='{INK}'>{escape(figure.title)}</font><br/>{escape(figure.words)}"
    return [image, Spacer(1, 3), Text(words, _SMALL)]


def _grid(table: Table) -> Grid:
    rows = [[Text(escape(cell), _CELL) for cell in row] for row in table.rows]
    if table.header:
        rows = [[Text(escape(cell), _SMALL) for cell in table.header], *rows]
        widths = [_WIDTH / len(table.header)] * len(table.header)
    else:
        widths = [_WIDTH * 0.28, _WIDTH * 0.72]
    line = ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(_LINE))
    style = [line, ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
    return Grid(rows, widths, style=style, hAlign="LEFT", repeatRows=int(table.header is not None))


def _legend(legend: Legend) -> Text:
    bands = "  ".join(f"<font color='{colour}'>■</font> {words}" for colour, words in legend.bands)
    return Text(f"{legend.before} {bands}", _SMALL)


def _numbered(canvas: Any, document: Any) -> None:
    canvas.setFont("Sans", 7.5)
    canvas.setFillColor(HexColor(FAINT))
    canvas.drawRightString(A4[0] - _MARGIN - _PADDING, _MARGIN / 2, str(document.page))
