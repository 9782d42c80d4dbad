"""Text with bold, italics, code, lists, links, and terms that open in place: see prose.js."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from cnnfix_core.lessons import Prose, read_prose, terms
from cnnfix_ui.components.assets import script

HERE = Path(__file__).parent

# Text only ever travels as data, never inside these strings, so that nothing in it can become markup.
_component = st.components.v2.component(
    "cnnfix_prose",
    html='<div class="prose"></div>',
    css=(HERE / "prose.css").read_text("utf-8"),
    js=script(HERE / "prose.js"),
)

# Of the type: as usual, or larger, as below a title.
Size = Literal["usual", "lead"]


def prose(text: str, *, key: str, size: Size = "usual") -> None:
    """Draw a text of a lesson; a link such as [evidence](#evidence) opens the term of the glossary in place.

    Args:
        text: in the Markdown of `read_prose`; what that refuses is left out.
        key: of the component.
        size: of the type.
    """
    _component(key=key, data=_read(text) | {"size": size})


@lru_cache(maxsize=256)
def _read(text: str) -> dict[str, Any]:
    paragraphs, _ = read_prose(text)
    named = {name: _term(name) for name in sorted(_terms_in(paragraphs))}
    return {"paragraphs": _sent(paragraphs), "terms": named}


def _terms_in(paragraphs: Prose) -> set[str]:
    """The terms that a text names, and those that these name, so that one leads to the next."""
    found: set[str] = set()
    left = _named(paragraphs)
    while left:
        name = left.pop()
        found.add(name)
        left |= _named(terms()[name].about) - found
    return found


def _named(paragraphs: Prose) -> set[str]:
    links = (span.link for paragraph in paragraphs for span in paragraph.spans)
    return {link[1:] for link in links if link.startswith("#") and link[1:] in terms()}


def _term(name: str) -> dict[str, Any]:
    return {"title": terms()[name].title, "paragraphs": _sent(terms()[name].about)}


def _sent(paragraphs: Prose) -> list[dict[str, Any]]:
    return [asdict(paragraph) for paragraph in paragraphs]
