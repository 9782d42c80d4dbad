"""What a row of the grid explains: the page's question, or a variation of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from cnnfix_ui.compare.changes import parse_change
from cnnfix_ui.widgets import networks
from cnnfix_ui.widgets.controls import parse_class
from cnnfix_ui.widgets.gallery import parse_picture


@dataclass(frozen=True)
class CompareQuestion:
    """A question as names and numbers, as in the address.

    wanted: the class; None for the predicted one. than: the class it is contrasted with. change: what is done to the
    picture or the network first, see changes.py.
    """

    model: str
    picture: str
    wanted: int | None = None
    than: int | None = None
    change: str | None = None

    @property
    def text(self) -> str:
        """The text for the address."""
        return ":".join("" if value is None else str(value) for value in self._values())

    @classmethod
    def parse(cls, text: str) -> CompareQuestion:
        """Read a question from the address. Raises ValueError for anything that is not allowed."""
        parts = text.split(":")
        if len(parts) != len(fields(cls)):
            raise ValueError(text)
        known = {field.name: _PARSERS[field.name](part) for field, part in zip(fields(cls), parts, strict=True) if part}
        if not {"model", "picture"} <= known.keys():
            raise ValueError(text)
        return cls(**known)

    def _values(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self)]


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "model": networks.parse_name,
    "picture": parse_picture,
    "wanted": parse_class,
    "than": parse_class,
    "change": parse_change,
}


@dataclass(frozen=True)
class Variation:
    """A question with one field changed. wanted: this row's own class, or None for the default.

    By default another network or picture explains its own predicted class, and anything else the page's class.
    """

    field: str
    value: Any
    wanted: int | None = None

    @property
    def text(self) -> str:
        """The text for the address."""
        return f"{self.field}:{self.value}" + ("" if self.wanted is None else f":{self.wanted}")

    @classmethod
    def parse(cls, text: str) -> Variation:
        """Read a variation from the address. Raises ValueError for anything that is not allowed."""
        field, value, *wanted = text.split(":")
        if field not in _PARSERS or len(wanted) > 1:
            raise ValueError(text)
        return cls(field, _PARSERS[field](value), parse_class(wanted[0]) if wanted else None)

    def of(self, question: CompareQuestion) -> CompareQuestion:
        """The question with this field changed."""
        changed = replace(question, **{self.field: self.value})
        if self.field in ("model", "picture"):
            changed = replace(changed, wanted=None, than=None)
        return changed if self.wanted is None else replace(changed, wanted=self.wanted)
