"""Which files in a folder are pictures, and which are left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnfix_core.images import left_out, left_out_of, named_pictures, picture_files

PICTURES = ("a.jfif", "b.JPE", "c.jpeg", "d/e.tif", "f.Png")
OTHERS = ("._a.jpg", ".hidden/x.png", "__MACOSX/a.jpg", "g.heic", "notes.txt")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*PICTURES, *OTHERS):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_pictures_and_others(folder: Path) -> None:
    assert tuple(file.relative_to(folder).as_posix() for file in picture_files(folder)) == PICTURES
    assert left_out_of(folder) == (
        "Left out 5 files without the name of a picture: ._a.jpg, .hidden/x.png, __MACOSX/a.jpg and 2 more."
    )


def test_what_is_read_for_something_else_is_not_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "boxes.csv").write_bytes(b"x")
    assert left_out_of(folder).startswith("Left out 6 files")
    assert left_out_of(folder, folder / "boxes.csv").startswith("Left out 5 files")
    monkeypatch.chdir(folder)
    assert left_out_of(folder, Path("boxes.csv")).startswith("Left out 5 files")
    assert left_out_of(folder, folder) == ""


def test_nothing_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert left_out_of(tmp_path) == ""
    assert left_out(["a.txt"]) == "Left out 1 file without the name of a picture: a.txt."


def test_no_picture_is_lost_by_its_name(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "b  c.png", "b c.png"):
        (tmp_path / name).touch()
    found = named_pictures(tmp_path)
    assert {name: file.name for name, file in found.items()} == {
        "a": "a.jpg",
        "a.png": "a.png",
        "b c": "b  c.png",
        "b c.png": "b c.png",
    }
