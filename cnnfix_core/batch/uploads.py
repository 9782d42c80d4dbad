"""Read uploaded pictures and zip archives, which are untrusted, without decoding the pictures."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cnnfix_core.images import MAX_PICTURE_BYTES, PictureError, is_picture_name
from cnnfix_core.zoo.untrusted.archive import MAX_MEMBERS, entries

MAX_PICTURES = 200
MAX_UPLOAD_BYTES = 100_000_000
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class UploadedPicture:
    """An uploaded picture file.

    Attributes:
        name: Unique among the uploaded pictures.
        content: The bytes of the file.
        digest: SHA-256 of the bytes, in hex.
    """

    name: str
    content: bytes = field(repr=False)
    digest: str

    @classmethod
    def of(cls, name: str, content: bytes) -> UploadedPicture:
        """Create one with its digest."""
        return cls(name, content, hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class Uploads:
    """What was uploaded. left_out: names of files in archives that are not those of pictures."""

    pictures: tuple[UploadedPicture, ...]
    left_out: tuple[str, ...] = ()


def unpack_uploads(files: Iterable[tuple[str, bytes]]) -> Uploads:
    """The pictures among these files and in zip archives among them. Nothing is written to disk.

    In archives, only files with the name of a picture are read.

    Raises:
        PictureError: An archive is damaged, there is no picture, or there are too many pictures or bytes.
    """
    found: dict[str, UploadedPicture] = {}
    left: list[str] = []
    size = 0
    for name, content in _each(files):
        if content is None:
            left.append(name)
            continue
        size += len(content)
        if len(found) == MAX_PICTURES or size > MAX_UPLOAD_BYTES:
            raise PictureError(
                f"These are more than {MAX_PICTURES} pictures or {MAX_UPLOAD_BYTES / 1e6:g} MB: upload fewer at a "
                "time, or use the command cnnfix batch, which has no limit."
            )
        own = next(other for other in _names(name) if other not in found)
        found[own] = UploadedPicture.of(own, content)
    if not found:
        raise PictureError("There are no pictures in this upload: choose pictures, or a zip archive of pictures.")
    return Uploads(tuple(found.values()), tuple(left))


def _each(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes | None]]:
    """The names and bytes of the files; None instead of bytes for those that are left out."""
    for name, content in files:
        if content[:4] == _ZIP:
            yield from _members(name, content)
        else:
            yield name, content


def _members(name: str, content: bytes) -> Iterator[tuple[str, bytes | None]]:
    if entries(content) > MAX_MEMBERS:
        raise PictureError(f"The archive {name} has more than {MAX_MEMBERS:,} files: upload a smaller one.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in sorted(archive.infolist(), key=lambda member: member.filename):
                if member.is_dir():
                    continue
                if not is_picture_name(PurePosixPath(member.filename)):
                    yield member.filename, None
                    continue
                with archive.open(member) as file:
                    # A small archive can unpack to a huge file: one byte over the limit is enough to refuse it.
                    yield member.filename, file.read(MAX_PICTURE_BYTES + 1)
    except Exception:  # zipfile fails in too many ways to list
        raise PictureError(
            f"The archive {name} is damaged or has a password: save it again or upload it again."
        ) from None


def _names(name: str) -> Iterator[str]:
    """The name, then numbered variants of it."""
    yield name
    number = 2
    while True:
        yield f"{name} ({number})"
        number += 1
