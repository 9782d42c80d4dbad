"""Columns of a table, found by the names in its first line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cnnfix_core.tables.reading import TableError


def plain_name(name: str) -> str:
    """The name of a column in small letters, without marks and spaces."""
    return re.sub(r"[\W_]", "", name).lower()


def places_of(names: Sequence[str], known: Mapping[str, str]) -> dict[str, int]:
    """Where the known columns are, counted from 0; other columns are left out.

    Args:
        names: The cells of the first line.
        known: What a column is called here, by its `plain_name` in tables of others.

    Raises:
        TableError: Two columns mean the same.
    """
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        meant = known.get(plain_name(name))
        if meant in places:
            raise TableError(f"The first line has two columns for the same: {names[places[meant]]}, {name}.")
        if meant is not None:
            places[meant] = place
    return places
