"""Texts of lessons: a small part of Markdown, read into paragraphs of plain spans. Nothing in them can be markup."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from markdown_it.token import Token

# mdurl, which markdown-it-py asks about links, fills its tables at the first link, and not safely for several threads.
_one_at_a_time = threading.Lock()

# What a text may not contain, by the tokens of markdown-it-py, as a person would call it.
_REFUSED = {
    "heading_open": "a heading",
    "fence": "a block of code",
    "code_block": "an indented line",
    "blockquote_open": "a quotation",
    "hr": "a line across",
    "html_block": "HTML",
    "html_inline": "HTML",
    "image": "a picture",
}

# Tokens that hold text, those that stand for the space of a new line, and those that change the style of what follows.
_TEXTS = ("text", "text_special", "code_inline")
_BREAKS = ("softbreak", "hardbreak")
_STYLES: dict[str, dict[str, Any]] = {
    "strong_open": {"bold": True},
    "strong_close": {"bold": False},
    "em_open": {"italic": True},
    "em_close": {"italic": False},
    "link_close": {"link": ""},
}


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one style. link: where it leads: an address, "#" and a term of the glossary, or ""."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, or an entry of a list. mark: "•" or a number such as "2." before an entry, "" for a paragraph."""

    spans: tuple[Span, ...]
    mark: str = ""

    @property
    def plain(self) -> str:
        """The text alone."""
        return "".join(span.text for span in self.spans)


Prose = tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that a text may not contain. line: from 0. what: as a person would call it."""

    line: int
    what: str


def read_prose(text: str) -> tuple[Prose, tuple[Refused, ...]]:
    """Read a text: bold, italics, code, lists, and links to web pages or to terms.

    Needs markdown-it-py. What else there is, is left out of the paragraphs and listed.

    Args:
        text: In Markdown.

    Returns:
        The paragraphs, and what was refused.
    """
    from markdown_it import MarkdownIt

    with _one_at_a_time:
        tokens = MarkdownIt("commonmark").parse(text)
    refused = tuple(one for token in tokens for one in _refused_in(token, token.map[0] if token.map else 0))
    return tuple(_paragraphs(tokens)), refused


def plain(text: str) -> tuple[str, ...]:
    """The paragraphs of a text without their styles, for places that show none; entries of lists have their marks."""
    return tuple(f"{paragraph.mark} {paragraph.plain}".lstrip() for paragraph in read_prose(text)[0])


def words(prose: Prose) -> int:
    """How many words it has."""
    return sum(len(paragraph.plain.split()) for paragraph in prose)


def _refused_in(token: Token, line: int) -> Iterator[Refused]:
    if token.type in _REFUSED:
        yield Refused(line, _REFUSED[token.type])
    elif token.type == "link_open" and not _is_allowed(str(token.attrGet("href"))):
        yield Refused(line, f"a link to {str(token.attrGet('href'))[:60]!r}")
    for child in token.children or []:
        yield from _refused_in(child, line)
        line += child.type in ("softbreak", "hardbreak")


def _is_allowed(link: str) -> bool:
    parts = urlsplit(link)
    return (parts.scheme in ("http", "https") and bool(parts.netloc)) or (link.startswith("#") and len(link) > 1)


def _paragraphs(tokens: list[Token]) -> Iterator[Paragraph]:
    lists: list[int | None] = []  # of the lists around, the number of the next entry; None for bullets
    mark = ""
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            lists.append(int(token.attrGet("start") or 1) if token.type.startswith("ordered") else None)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            number = lists[-1]
            mark = "•" if number is None else f"{number}."
            lists[-1] = None if number is None else number + 1
        elif token.type == "inline":
            yield Paragraph(tuple(_joined(_spans(token))), mark)
            mark = ""


def _spans(token: Token) -> Iterator[Span]:
    style = Span("")
    for child in token.children or []:
        if child.type in _BREAKS:
            yield replace(style, text=" ")
        elif child.type in _TEXTS and child.content:  # there is an empty one before what begins bold
            yield replace(style, text=child.content, code=child.type == "code_inline")
        elif child.type == "link_open":
            link = str(child.attrGet("href"))
            style = replace(style, link=link if _is_allowed(link) else "")
        elif child.type in _STYLES:
            style = replace(style, **_STYLES[child.type])


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    """Neighbours in one style as one span."""
    last: Span | None = None
    for span in spans:
        if last is not None and replace(last, text="") == replace(span, text=""):
            last = replace(last, text=last.text + span.text)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last
