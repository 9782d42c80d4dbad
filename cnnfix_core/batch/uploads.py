"""Pictures that come together, as files and zip archives, from strangers: names and bytes, none of them decoded."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cnnfix_core.images import ENDINGS, MAX_PICTURE_BYTES, PictureError
from cnnfix_core.zoo.untrusted.archive import BROKEN

MOST_PICTURES = 200
MAX_UPLOAD_BYTES = 100_000_000
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Packed:
    """A picture's file: its name, unlike that of any other, and its bytes. digest: SHA-256 of them, in hex."""

    name: str
    content: bytes = field(repr=False)
    digest: str

    @classmethod
    def of(cls, name: str, content: bytes) -> Packed:
        """With its digest."""
        return cls(name, content, hashlib.sha256(content).hexdigest())


def unpacked(files: Iterable[tuple[str, bytes]]) -> list[Packed]:
    """The pictures among these files, and in those that are zip archives.

    In archives only what is called as a picture is looked at, and nothing is written to disk. Raises PictureError for
    a damaged archive, where there is no picture, and for more than MOST_PICTURES or MAX_UPLOAD_BYTES of them.
    """
    found: dict[str, Packed] = {}
    size = 0
    for name, content in _each(files):
        size += len(content)
        if len(found) == MOST_PICTURES or size > MAX_UPLOAD_BYTES:
            raise PictureError(
                f"These are more than {MOST_PICTURES} pictures or {MAX_UPLOAD_BYTES / 1e6:g} MB: send fewer at a time,"
                " or use the command cnnfix batch, which has no limit."
            )
        own = next(other for other in _names(name) if other not in found)
        found[own] = Packed.of(own, content)
    if not found:
        raise PictureError("There is no picture in this: send pictures, or a zip archive of pictures.")
    return list(found.values())


def _each(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    for name, content in files:
        if content[:4] == _ZIP:
            yield from _members(name, content)
        else:
            yield name, content


def _members(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in sorted(archive.infolist(), key=lambda member: member.filename):
                place = member.filename
                hidden = any(part.startswith((".", "__")) for part in place.split("/"))  # __MACOSX
                if not member.is_dir() and not hidden and place.lower().endswith(tuple(f".{end}" for end in ENDINGS)):
                    with archive.open(member) as file:
                        # A small file can become a huge one: one byte more than is let in says that it did.
                        yield place, file.read(MAX_PICTURE_BYTES + 1)
    except BROKEN:
        raise PictureError(f"The archive {name} is damaged or locked: save or send it again.") from None


def _names(name: str) -> Iterator[str]:
    """The name, and others like it for those that come later."""
    yield name
    number = 2
    while True:
        yield f"{name} ({number})"
        number += 1
