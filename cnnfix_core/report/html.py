"""A report as one self-contained HTML file, without scripts or external fonts and pictures."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape
from pathlib import Path

from cnnfix_core.report.blocks import Block, Command, Figure, Figures, Heading, Legend, Paragraph, Table, blocks, title
from cnnfix_core.report.report import Report

_STYLE = (Path(__file__).parent / "report.css").read_text("utf-8")
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def as_html(report: Report) -> bytes:
    """The report as an HTML file."""
    body = "\n".join(_html(block) for block in blocks(report))
    return _PAGE.format(title=escape(title(report)), style=_STYLE, body=body).encode()


def _html(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text, faint):
            return f"<p class={'faint' if faint else 'plain'}>{escape(text)}</p>"
        case Figures(figures, wide):
            inside = "\n".join(_figure(one) for one in figures)
            kind = "figures wide" if wide else "figures"
            return f'<div class="{kind}">\n{inside}\n</div>'
        case Table():
            return "\n".join(_table(block))
        case Legend(before, bands):
            parts = "".join(f'<span><i style="background:{colour}"></i>{words}</span>' for colour, words in bands)
            return f'<p class="legend">{escape(before)} {parts}</p>'
        case Command(text):
            return f"<pre><code>{escape(text)}</code></pre>"


def _figure(figure: Figure) -> str:
    source = base64.b64encode(figure.jpeg).decode()
    words = f"<br>{escape(figure.words)}" if figure.words else ""
    size = 'width="{}" height="{}"'.format(*figure.size)
    return (
        f'<figure><img src="data:image/jpeg;base64,{source}" alt="{escape(figure.title)}" {size}>'
        f"<figcaption><b>{escape(figure.title)}</b>{words}</figcaption></figure>"
    )


def _table(table: Table) -> Iterator[str]:
    yield '<div class="table">'
    yield '<table class="facts">' if table.header is None else "<table>"
    if table.header:
        yield "<tr>" + "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.header) + "</tr>"
    for first, *rest in table.rows:
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        yield f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>'
    yield "</table>"
    yield "</div>"
