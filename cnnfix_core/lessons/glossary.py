"""The terms of the glossary, which the documentation and the app share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from cnnfix_core.lessons.prose import Prose, read_prose
from cnnfix_site import GLOSSARY

_HEADING = re.compile(r"^## (.+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Term:
    """A term. name: as in links, "feature-map". title: as it is written. about: what it means."""

    name: str
    title: str
    about: Prose


@cache
def terms() -> dict[str, Term]:
    """All terms by name, in alphabetical order."""
    _, *parts = _HEADING.split(GLOSSARY.read_text("utf-8"))
    found = (
        Term(_name(title), title, read_prose(text)[0]) for title, text in zip(parts[::2], parts[1::2], strict=True)
    )
    return {term.name: term for term in found}


def _name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
