"""The lessons that come with the app, and those in a teacher's folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cnnfix_core.cli.main import main
from cnnfix_core.errors import LessonError
from cnnfix_core.lessons import list_lessons, load_lesson, unread_lessons
from cnnfix_core.lessons.shipped import FOLDER

from .test_reading import HEAD, STEP


def test_every_shipped_lesson_can_be_read() -> None:
    assert [one.name for one in unread_lessons(FOLDER)] == []
    assert len(list_lessons()) == len(list(FOLDER.glob("*.md")))


def test_a_teachers_folder_comes_first_and_replaces(tmp_path: Path) -> None:
    name = list_lessons()[0].name
    (tmp_path / "mine.md").write_text(HEAD + STEP)
    (tmp_path / f"{name}.md").write_text(HEAD + STEP)
    (tmp_path / "broken.md").write_text("nothing")
    (tmp_path / "notes.txt").write_text("nothing")
    lessons = list_lessons(tmp_path)
    assert [lesson.name for lesson in lessons[:2]] == ["mine", name]
    assert [lesson.name for lesson in lessons].count(name) == 1
    assert [one.name for one in unread_lessons(tmp_path)] == ["broken.md"]
    assert load_lesson(name, tmp_path).title == "A title"
    # A file that is mended is read again.
    (tmp_path / "broken.md").write_text(HEAD + STEP)
    os.utime(tmp_path / "broken.md", (1, 1))
    assert not unread_lessons(tmp_path)


def test_an_unknown_lesson() -> None:
    with pytest.raises(LessonError, match="There are: "):
        load_lesson("nothing")


def test_the_command_checks_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.md"
    file.write_text(HEAD + STEP)
    assert main(["lesson", str(file)]) == 0
    assert "A title: 1 step," in capsys.readouterr().out
    file.write_text(HEAD + STEP.replace("cat", "cta") + "<b>b</b>\n")
    assert main(["lesson", str(file)]) == 2
    said = capsys.readouterr()
    assert said.out.splitlines()[0].startswith("line 9: There is no sample picture 'cta'.")
    assert said.out.splitlines()[1].startswith("line 12: ")
    assert "has 2 faults" in said.err
    assert main(["lesson", str(tmp_path / "none.md")]) == 2
    assert main(["lesson", list_lessons()[0].name]) == 0


def test_worksheets(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text(
        HEAD
        + STEP
        + "## Guess\nscreen: /explore?picture=cat\nask: How sure?\nanswer: guess 0 to 100 %\nright: probability\n"
        + "reveal: *So* sure.\nnotes: Ask why.\n\nA [class](#class).\n"
        + "## Which\nscreen: /explore?picture=cat\nask: Which?\nanswer: which fixations gradcam\n\nTwo.\n"
    )
    for more in ([], ["--answers"]):
        sheet = tmp_path / "sheet.pdf"
        assert main(["lesson", str(tmp_path / "mine.md"), "--worksheet", str(sheet), *more]) == 0
        assert sheet.read_bytes().startswith(b"%PDF")
    assert main(["lesson", str(tmp_path / "mine.md"), "--answers"]) == 2
