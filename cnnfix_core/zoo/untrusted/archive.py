"""Untrusted zip archives, checked before anything is unpacked."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import PurePosixPath

from cnnfix_core.errors import ModelError

MAX_MEMBERS = 10_000


def entries(content: bytes) -> int:
    """How many entries the directory of an archive may have, at most: reading one costs time and memory for each."""
    return content.count(b"PK\x01\x02")


class Archive:
    """The members of an archive written by PyTorch: in one folder, uncompressed, with unique names.

    Nothing is written to disk.

    Raises:
        ModelError: There are more than MAX_MEMBERS members, compressed members (a small file could become a huge one),
            members that claim more bytes than the file has, duplicate names, links, or paths that lead out of the
            folder.
    """

    def __init__(self, content: bytes, name: str) -> None:
        if entries(content) > MAX_MEMBERS:
            raise ModelError(f"{name} has {entries(content)} members; at most {MAX_MEMBERS} are allowed.")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except Exception:  # zipfile fails in too many ways to list
            raise ModelError(f"{name} is damaged or incomplete: save it again or upload it again.") from None
        members = self._zip.infolist()
        if members and min(member.header_offset for member in members) > 0:
            # The directory is that of an archive within this one, whose own is missing.
            raise ModelError(f"{name} is damaged or incomplete: save it again or upload it again.")
        self.name = name
        self._members = {_inside(member.filename): member for member in members}
        for member in members:
            self._check(member)
        if len(self._members) < len(members):
            raise ModelError(f"{name} has two members with the same name, which PyTorch never writes.")
        if sum(member.file_size for member in members) > len(content):
            raise ModelError(f"{name} has members that overlap, which PyTorch never writes.")

    def names(self) -> tuple[str, ...]:
        """Names of the members, without their common folder."""
        return tuple(self._members)

    def read(self, member: str) -> bytes:
        """The bytes of a member. Raises ModelError if it is missing or damaged."""
        try:
            return self._zip.read(self._members[member])
        except KeyError:
            raise ModelError(f"{self.name} is incomplete: {member} is missing. Save it again.") from None
        except Exception:  # zipfile fails in too many ways to list
            raise ModelError(f"{self.name} is damaged in {member}: save it again or upload it again.") from None

    def _check(self, member: zipfile.ZipInfo) -> None:
        path = PurePosixPath(member.filename)
        if (
            path.is_absolute()
            or ".." in path.parts
            or "\\" in member.filename
            or member.orig_filename != member.filename
        ):
            raise ModelError(f"{self.name} has a member whose path leads out of the archive: {member.filename[:80]!r}.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ModelError(f"{self.name} contains a link, {member.filename[:80]!r}, which PyTorch never writes.")
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise ModelError(
                f"{self.name} has compressed members, like TorchScript files and zipped folders: "
                "save the network with torch.export.save, or its weights with torch.save."
            )


def _inside(name: str) -> str:
    """The name without the archive's own folder."""
    return name.partition("/")[2] or name
