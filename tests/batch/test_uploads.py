"""Pictures that come together, in files and archives."""

from __future__ import annotations

import contextlib
import io
import struct
import time
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cnnfix_core.batch import uploads
from cnnfix_core.batch.uploads import UploadedPicture, unpack_uploads
from cnnfix_core.images.picture import PictureError


def archive(*members: tuple[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", kind) as made:
        for name, data in members:
            made.writestr(name, data)
    return content.getvalue()


def test_files_and_archives_together() -> None:
    packed = archive(
        ("b/2.jpg", b"two"), ("a.PNG", b"one"), ("__MACOSX/a.PNG", b"x"), ("b/.hidden.png", b"x"), ("notes.txt", b"x")
    )
    found = unpack_uploads([("a.PNG", b"zero"), ("all.zip", packed)])
    assert found.pictures == (
        UploadedPicture.of("a.PNG", b"zero"),
        UploadedPicture.of("a.PNG (2)", b"one"),
        UploadedPicture.of("b/2.jpg", b"two"),
    )
    assert found.left_out == ("__MACOSX/a.PNG", "b/.hidden.png", "notes.txt")


def test_names_that_lead_elsewhere_are_only_names() -> None:
    found = unpack_uploads([("x.zip", archive(("C:\\x.png", b"1"), ("/y.png", b"2"), ("../z.png", b"3")))])
    assert {one.content for one in found.pictures} == {b"1", b"2"}


def test_a_small_file_that_would_become_huge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_PICTURE_BYTES", 1000)
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 3000)
    huge = archive(("a.png", bytes(1_000_000)))
    assert len(huge) < 2000
    assert (
        len(unpack_uploads([("a.zip", huge)]).pictures[0].content) == 1001
    )  # more than a picture may have, which decoding refuses
    with pytest.raises(PictureError, match="fewer at a time"):
        unpack_uploads([("a.zip", archive(*((f"{n}.png", bytes(1_000_000)) for n in range(3))))])


def test_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_PICTURES", 3)
    assert len(unpack_uploads([(f"{n}.png", b"x") for n in range(3)]).pictures) == 3
    with pytest.raises(PictureError, match="more than 3 pictures"):
        unpack_uploads([(f"{n}.png", b"x") for n in range(4)])


@pytest.mark.parametrize("files", [[], [("x.zip", archive(("notes.txt", b"x")))]])
def test_no_picture(files: list[tuple[str, bytes]]) -> None:
    with pytest.raises(PictureError, match="no picture"):
        unpack_uploads(files)


KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
WHOLE = [archive(("a.png", b"one" * 50), ("b.png", b"two" * 50), kind=kind) for kind in KINDS]


@settings(max_examples=2000)
@given(st.sampled_from(WHOLE), st.integers(0, 1000), st.integers(0, 255), st.none() | st.integers(4, 1000))
@example(WHOLE[3], 44, 0xFF, None)  # the dictionary's size
def test_damaged_archives_are_refused_in_a_sentence(whole: bytes, place: int, byte: int, length: int | None) -> None:
    damaged = bytearray(whole)
    damaged[4 + place % (len(whole) - 4)] = byte
    with contextlib.suppress(PictureError):
        assert unpack_uploads([("x.zip", bytes(damaged[:length]))])


def test_a_locked_archive() -> None:
    locked = bytearray(archive(("a.png", b"one"), kind=zipfile.ZIP_STORED))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(PictureError, match="damaged or has a password"):
        unpack_uploads([("x.zip", bytes(locked))])


def test_a_directory_of_hundreds_of_thousands_of_files_is_not_read() -> None:
    entry = archive(("a.txt", b""))
    entry = entry[entry.index(b"PK\x01\x02") : entry.index(b"PK\x05\x06")]
    count = 400_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, len(entry) * count, 4, 0)
    started = time.process_time()
    with pytest.raises(PictureError, match="more than 10,000 files"):
        unpack_uploads([("x.zip", b"PK\x03\x04" + entry * count + end)])
    assert time.process_time() - started < 5  # 14 s when it is read
