"""What a benchmark was asked for, kept beside its results, so that only the same benchmark goes on."""

from __future__ import annotations

from dataclasses import dataclass, field

from cnnfix_core.provenance import versions


@dataclass(frozen=True, slots=True)
class Settings:
    """All that decides what the rows of a benchmark say.

    models: name, and `digest_of` its weights. steps: of insertion and deletion; 0 leaves them out.
    pictures: SHA-256 in hex of the list of pictures, labels and truths; count: how many.
    """

    models: dict[str, str]
    methods: tuple[str, ...]
    steps: int
    pictures: str
    count: int
    versions: dict[str, str] = field(default_factory=versions)
