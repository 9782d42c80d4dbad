"""The journal of a long run: damaged files, full disks, and what killed runs leave."""

from __future__ import annotations

import errno
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import Journal, keep_settings, only_run_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row."""

    name: str
    count: int = 0
    share: float = math.nan
    error: str = ""

    @property
    def key(self) -> str:
        """Identifies the row."""
        return self.name


ROWS = [
    Row(name="a.png", count=1, share=0.25),
    Row(name='b "c", \n=d.png', error="It is torn,\nin two lines."),
    Row(name="é\udce9.png", count=-3, share=1e-9),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A journal with these rows."""
    made = tmp_path / "rows.csv"
    Journal(made, Row).add(ROWS)
    return made


def _resumed(file: Path) -> set[Row]:
    """Those rows that the file still has; the others are added again, and then it has all, as new."""
    kept = {row.key for row in Journal(file, Row)}
    journal = Journal(file, Row)
    journal.add(row for row in ROWS if row.key not in kept)
    for known in (journal, Journal(file, Row)):
        assert sorted(map(repr, known)) == sorted(map(repr, ROWS))
        assert known.keys == {row.key for row in ROWS}
    return {row for row in ROWS if row.key in kept}


def test_a_flipped_bit_costs_its_row_and_never_makes_a_wrong_one(file: Path) -> None:
    whole = file.read_bytes()
    for at in range(len(whole)):
        for mask in (1, 0x10, 0x80, whole[at], whole[at] ^ ord("\n")):
            file.write_bytes(whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1 :])
            assert len(_resumed(file)) >= len(ROWS) - 2


@pytest.mark.parametrize("zeros", [1, 700, 1 << 20, (5 << 19) + 7])
def test_zeros_at_the_end_after_a_power_cut_cost_no_row(file: Path, zeros: int) -> None:
    whole = file.read_bytes()
    for cut in (0, 9, whole.index(b"\n"), whole.index(b"\n") + 1, len(whole) - 1, len(whole)):
        file.write_bytes(whole[:cut] + bytes(zeros))
        assert len(_resumed(file)) == max(0, whole[:cut].count(b"\n") - 1)
        assert file.read_bytes() == whole


def test_of_rows_with_one_key_the_last_counts(file: Path) -> None:
    whole = file.read_bytes()
    for start in range(len(whole)):  # a tail that is there twice
        file.write_bytes(whole + whole[start:])
        assert len(_resumed(file)) == len(ROWS)
    journal = Journal(file, Row)
    journal.add([Row(name="a.png", count=2)])
    for known in (journal, Journal(file, Row)):
        assert [row.count for row in known if row.name == "a.png"] == [2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A row of other columns."""

    name: str
    number: int = 0
    share: float = math.nan
    error: str = ""

    @property
    def key(self) -> str:
        """Identifies the row."""
        return self.name


def test_rows_of_other_columns_are_refused(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(CnnfixError, match="not a results file of this command"):
        Journal(file, Other)
    assert file.read_bytes() == before


def test_a_journal_that_vanishes_is_said_and_not_begun_anew(file: Path) -> None:
    journal = Journal(file, Row)
    file.unlink()
    with pytest.raises(CnnfixError, match="No such file"):
        journal.add([Row(name="e.png")])
    assert not file.exists()


class _Disk:
    """Is full for one call, the n-th from now."""

    def __init__(self) -> None:
        self.left = 0

    def failing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*given)

        return called


def _run(folder: Path) -> None:
    with only_run_in(folder):
        keep_settings(folder, Row(name="settings", share=1.0), "rows.csv")
        journal = Journal(folder / "rows.csv", Row)
        for row in ROWS:
            if row.key not in journal.keys:
                journal.add([row])


def test_a_disk_that_is_full_at_any_moment_costs_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = _Disk()
    for name in ("fsync", "replace"):  # each write ends with one of them
        monkeypatch.setattr(os, name, disk.failing(getattr(os, name)))
    _run(tmp_path / "whole")
    calls, disk.left = -disk.left, 0
    assert calls == len(ROWS) + 3  # with the header and the settings
    for number in range(1, calls + 1):
        out, disk.left = tmp_path / str(number), number
        with pytest.raises(CnnfixError, match="cannot be written: No space left"):
            _run(out)
        _run(out)
        assert _contents(out) == _contents(tmp_path / "whole")


def _contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def test_what_a_killed_run_left_half_written_is_removed(tmp_path: Path) -> None:
    code = "import os, sys; from pathlib import Path; from cnnfix_core.utils import replacing\n"
    code += "with replacing(Path(sys.argv[1])) as draft: draft.write_text('half'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "table.csv")], check=False)
    (mine,) = [tmp_path / f".cnnfix-{os.getpid()}.tmp"]
    mine.touch()  # a process that runs may still write it
    (tmp_path / ".cnnfix-notes.tmp").touch()
    assert len(list(tmp_path.iterdir())) == 3
    with only_run_in(tmp_path):
        pass
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([mine.name, ".cnnfix-notes.tmp"])
