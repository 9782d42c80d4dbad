"""Files that commands write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cnnfix_core.utils import write_file
from tests.disk import room_for


def test_names_of_any_bytes_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    write_file(file, os.fsdecode(b"caf\xe9.jpg,\xc3\xa9"))
    assert file.read_text("utf-8") == r"caf\xe9.jpg,é"
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_leaves_what_was_there_and_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / ("x" * 251 + ".csv")
    write_file(file, b"whole")
    with room_for(100), pytest.raises(OSError, match="File too large") as error:
        write_file(file, b"y" * 1000)
    assert error.value.filename == str(file)
    assert file.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [file]


def test_links_and_pipes_are_written_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_file(tmp_path / "link", "text")
    assert (tmp_path / "file").read_text() == "text"
    assert (tmp_path / "link").is_symlink()
    write_file(Path("/dev/null"), "text")
    assert Path("/dev/null").is_char_device()
