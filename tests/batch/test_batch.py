"""Batches: rows that depend on the picture alone, runs that are killed, pictures that are broken, and Ray."""

from __future__ import annotations

import csv
import hashlib
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
import torch
from PIL import Image

import cnnfix_core as cnnfix
from cnnfix_core.batch import processes
from cnnfix_core.batch.batching import BatchExplainer, BatchResult
from cnnfix_core.batch.items import Item, items
from cnnfix_core.batch.row import BatchRow, at_the_border
from cnnfix_core.batch.runner import BatchSettings, Engine, run
from cnnfix_core.batch.table import table
from cnnfix_core.batch.worker import Work, Worker, figure_name
from cnnfix_core.cli.main import main
from cnnfix_core.errors import CnnfixError, ModelError, NotFiniteError, TargetError
from cnnfix_core.metrics.agreement import overlap
from cnnfix_core.regions.highest_density import MAP_SIDE, area_holding
from cnnfix_core.synthetic import HELD_OUT, compose
from cnnfix_core.utils.journal import Journal
from tests.disk import room_for

NETWORK = "scenes_resnet"
COUNT = 11
SETTINGS = BatchSettings(NETWORK, "", "", {}, "cpu")


def load() -> cnnfix.Model:
    """At the top, so that other processes find it."""
    return cnnfix.load_model(NETWORK)


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes import the main module, which tests of pages leave behind as one that only Streamlit can run."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Composed scenes, one in a folder below, and two files that are no pictures."""
    place = tmp_path_factory.mktemp("pictures")
    (place / "below").mkdir()
    for n in range(COUNT):
        name = f"below/{n:02}.png" if n == 3 else f"{n:02}.png"
        Image.fromarray(compose(HELD_OUT + n).picture.pixels).save(place / name)
    (place / "broken.jpg").write_bytes(b"nothing")
    (place / "cut.png").write_bytes((place / "00.png").read_bytes()[:500])
    (place / "notes.txt").write_text("not asked about")
    return place


@pytest.fixture(scope="module")
def many(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many pictures that a batch does not end before a test ends it."""
    place = tmp_path_factory.mktemp("many")
    for n in range(100):
        (place / f"{n}.png").write_bytes((folder / "00.png").read_bytes())
    return place


@pytest.fixture(scope="module")
def work() -> Work:
    return Work(load, cnnfix.EVIDENCE)


@pytest.fixture(scope="module")
def rows(folder: Path, work: Work) -> list[BatchRow]:
    """The rows of all pictures, on one worker."""
    return Worker(work).rows(items(folder))


def here(work: Work, parts: Iterator[Sequence[Item]]) -> Iterator[list[BatchRow]]:
    """An engine in this process."""
    worker = Worker(work)
    return (worker.rows(part) for part in parts)


def nobody(_done: int, _total: int) -> None:
    """Watches nothing."""


# --- which pictures ---------------------------------------------------------------------------------------------------


def test_a_folder_s_pictures_are_known_by_their_endings(folder: Path) -> None:
    names = [item.name for item in items(folder)]
    assert names == sorted([*(f"{n:02}.png" for n in range(COUNT) if n != 3), "below/03.png", "broken.jpg", "cut.png"])


def test_a_list_is_relative_to_its_own_folder(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    absolute = (folder / "00.png").as_posix()
    file.write_text(f"# which\n{absolute}\n\nbelow/x.png\n{absolute}\n")
    assert items(file) == [Item(absolute, folder / "00.png"), Item("below/x.png", tmp_path / "below" / "x.png")]


@pytest.mark.parametrize("content", [None, b"", b"# nothing\n", b"\xff\xfe\x00\x01"])
def test_what_lists_no_picture_is_refused_in_a_sentence(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CnnfixError, match=r"list\.txt.*(give|write)"):
        items(file)
    with pytest.raises(CnnfixError, match="no picture in"):
        items(tmp_path) if content is None else items(_empty(tmp_path))


NAMES = (
    b"caf\xe9.png",
    b"two\nlines.png",
    b"two\r\nlines.png",
    b"a\ttab.png",
    b"two  spaces.png",
    b"two spaces.png",
    b" before.png",
    b"after.png ",
    b"-dash.png",
    b"=1+1.png",
    b"'=1+1.png",
    b"@x.png",
    b"+x.png",
    b"#x.png",
    b"back\\nslash.png",
    b"\\xe9.png",
    b"..x.png",
    b"\x1b[2J.png",
    "14.13.07\u202fPM.png".encode(),
    b"14.13.07 PM.png",
    "line\u2028end\x85.png".encode(),
    '“é”, "x".png'.encode(),
    b"'quoted'.png",
    b"n" * 251 + b".png",
)


def test_names_of_any_kind_come_through(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place, out = tmp_path / "odd", tmp_path / "out"
    place.mkdir()
    for n, name in enumerate(NAMES):
        Image.fromarray(compose(HELD_OUT + n).picture.pixels).save(tmp_path / "one.png")
        os.rename(tmp_path / "one.png", os.fsencode(place) + b"/" + name)
    assert {os.fsencode(item.name) for item in items(place)} == set(NAMES)
    assert main(arguments(place, out, "--figures")) == 0
    assert f"{len(NAMES)} of {len(NAMES)} pictures explained" in capsys.readouterr().out
    found = pyarrow.parquet.read_table(out / "results.parquet").to_pylist()
    expected = {name.decode("utf-8", "backslashreplace"): _digest(place / os.fsdecode(name)) for name in NAMES}
    assert {row["picture"]: row["sha256"] for row in found} == expected
    assert {row["error"] for row in found} == {""}
    assert len(list((out / "figures").rglob("*.png"))) == len(NAMES)
    # Nothing is computed again.
    monkeypatch.setattr(processes, "rows", lambda _work, parts, **_: [[BatchRow(picture="again")] for _ in parts])
    before = (out / "journal.csv").read_bytes()
    assert main(arguments(place, out, "--figures", "--format", "csv")) == 0
    assert (out / "journal.csv").read_bytes() == before
    said = capsys.readouterr().out
    assert "5 cells could be formulas" in said
    formulas = {"'=1+1.png", "''=1+1.png", "'-dash.png", "'@x.png", "'+x.png"}
    assert {text for text in _pictures(out / "results.csv") if text.startswith("'")} == {*formulas, "'quoted'.png"}
    assert main(arguments(place, out, "--format", "csv", "--keep-formulas")) == 0
    assert _pictures(out / "results.csv") == [row["picture"] for row in found]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _pictures(file: Path) -> list[str]:
    with file.open(newline="", encoding="utf-8") as lines:
        return [row["picture"] for row in csv.DictReader(lines)]


def test_a_list_keeps_names_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    lines = [name for name in NAMES if b"\n" not in name and not name.startswith(b"#")]
    file.write_bytes(b"\n".join(lines))
    assert [os.fsencode(item.name) for item in items(file)] == lines
    file.write_bytes(b"\r\n".join(lines))  # as Windows writes it
    assert [os.fsencode(item.name) for item in items(file)] == lines


def _empty(place: Path) -> Path:
    (place / "empty").mkdir()
    return place / "empty"


# --- what a row says --------------------------------------------------------------------------------------------------


def test_a_row_says_what_explaining_the_picture_alone_says(folder: Path, rows: list[BatchRow]) -> None:
    model = load()
    for row in rows[:3]:
        picture = cnnfix.open_picture(folder / row.picture)
        found = cnnfix.explain(model, picture)
        map_ = found.map(MAP_SIDE)
        rival = cnnfix.attribute(model, picture, found.target.index, longest_side=MAP_SIDE)
        said = (row.sha256, row.width, row.height, row.predicted, row.asked_index)
        assert said == (picture.digest, 96, 96, found.predictions[0].label, found.target.index)
        assert row.probability == row.confidence == pytest.approx(found.target.probability, abs=1e-5)
        assert row.score == pytest.approx(found.target.score, abs=1e-4)
        assert row.spread == pytest.approx(area_holding(map_, 0.5), abs=0.002)
        assert row.disagreement == pytest.approx(1 - overlap(map_, rival, 0.1), abs=0.01)
        x, y = np.average((found.fixations.xy + 0.5) / 96, axis=0, weights=found.fixations.evidence)
        assert (row.x, row.y) == pytest.approx((x, y), abs=1e-3)
        assert row.border == pytest.approx(at_the_border(found.fixations), abs=0.002)
        assert not row.error


def test_the_border_is_the_outermost_tenth() -> None:
    from cnnfix_core.explanations.fixations import Fixations

    xy = np.array([(0, 50), (9, 50), (10, 50), (50, 89), (50, 90), (99, 99)])
    evidence = np.array([1.0, 2, 4, 8, 16, 32])
    found = Fixations(xy, evidence, np.zeros(6, int), 100, 100, (1, 1))
    assert at_the_border(found) == pytest.approx((1 + 2 + 16 + 32) / 63)
    every = np.stack(np.meshgrid(np.arange(100), np.arange(100)), axis=-1).reshape(-1, 2)
    even = Fixations(every, np.ones(10_000), np.zeros(10_000, int), 100, 100, (1, 1))
    assert at_the_border(even) == pytest.approx(0.36)


def test_another_class_for_all(folder: Path, work: Work) -> None:
    asked = Worker(replace(work, target=2)).rows(items(folder)[:2])
    assert {row.asked_index for row in asked} == {2}
    assert all(row.probability <= row.confidence for row in asked)
    with pytest.raises(TargetError, match="unicorn"):
        BatchExplainer(load(), cnnfix.EVIDENCE, "unicorn")


def test_five_crops_go_through_as_one_picture_s(folder: Path) -> None:
    model = load()
    slices = BatchExplainer(model, cnnfix.PUBLISHED)
    picture = cnnfix.open_picture(folder / "01.png")
    (answer,) = slices.answers([picture])
    alone = cnnfix.explain(model, picture, preset="published")
    assert isinstance(answer, BatchResult)
    assert slices.size == 1
    assert len(answer.explanation.views) == 5
    assert [view.name for view in answer.explanation.explained] == [view.name for view in alone.explained]
    assert answer.explanation.target.probability == pytest.approx(alone.target.probability, abs=1e-5)
    assert abs(len(answer.explanation.fixations) - len(alone.fixations)) <= 2


def test_a_network_that_takes_one_picture_is_asked_one_at_a_time(folder: Path, rows: list[BatchRow]) -> None:
    class One(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = load().module

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.network(x.reshape(1, 3, 96, 96))
            return scores

    model = cnnfix.Model.of(One(), load().labels, load().preprocess)
    slices = BatchExplainer(model, cnnfix.EVIDENCE)
    assert slices.size == 1
    (answer,) = slices.answers([cnnfix.open_picture(folder / "00.png")])
    assert isinstance(answer, BatchResult)
    assert answer.explanation.target.index == rows[0].asked_index


def test_networks_that_say_what_is_where_are_refused() -> None:
    with pytest.raises(ModelError, match="is a network for segmentation: explain a single pixel or box"):
        BatchExplainer(cnnfix.load_model("scenes_fcn"), cnnfix.EVIDENCE)


def test_values_that_are_not_finite_cost_their_own_row_only(folder: Path) -> None:
    class Bad(torch.nn.Module):
        """NaN where the picture's first pixel is black."""

        def __init__(self) -> None:
            super().__init__()
            self.network = load().module

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            black = (x[:, :, 0, 0] <= -1.7).all(dim=1)
            scores: torch.Tensor = self.network(x)
            return scores + torch.where(black, torch.nan, 0.0)[:, None]

    model = load()
    good = cnnfix.open_picture(folder / "00.png")
    bad = cnnfix.open_picture(np.zeros((96, 96, 3), np.uint8))
    black = float(model.preprocess(Image.new("RGB", (128, 128)))[0, 0, 0])
    assert black <= -1.7
    found = BatchExplainer(replace(model, module=Bad().eval()), cnnfix.EVIDENCE).answers([good, bad, good])
    assert isinstance(found[1], NotFiniteError)
    for answer in (found[0], found[2]):
        assert isinstance(answer, BatchResult)


# --- the same rows, however they are made -----------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 3, 8, 100])
def test_rows_do_not_depend_on_how_many_are_asked_at_once(
    at_once: int, folder: Path, work: Work, rows: list[BatchRow], tmp_path: Path
) -> None:
    journal = run(items(folder), work, here, tmp_path, SETTINGS, at_once, nobody)
    assert [_text(row) for row in journal] == [_text(row) for row in rows]


def _text(row: BatchRow) -> str:
    """With NaN equal to itself, and to the digits that the journal keeps."""
    return " ".join(f"{value:.9g}" if isinstance(value, float) else str(value) for value in _values(row))


def _values(row: BatchRow) -> list[object]:
    return [getattr(row, name) for name in BatchRow.__slots__]


def arguments(folder: Path, out: Path, *more: str) -> list[str]:
    return ["batch", str(folder), "--out", str(out), "--model", NETWORK, "--workers", "1", "--batch", "2", *more]


def test_the_command_writes_the_same_table_after_a_kill(
    folder: Path, rows: list[BatchRow], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    killed, unbroken = tmp_path / "killed", tmp_path / "unbroken"
    starter = "import sys; from cnnfix_core.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", starter, *arguments(folder, killed)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _wait_for(lambda: _lines(killed / "journal.csv") > 3)
    process.kill()
    process.wait()
    done = _lines(killed / "journal.csv") - 1
    assert done >= 3
    assert main(arguments(folder, killed, "--workers", "2", "--batch", "5")) == 0
    assert main(arguments(folder, unbroken)) == 0
    out, err = capsys.readouterr()
    assert f"{COUNT} of {COUNT + 2} pictures explained" in out
    assert "broken.jpg: This is not a supported picture format" in err
    assert "cut.png: The picture is damaged" in err
    assert (killed / "results.parquet").read_bytes() == (unbroken / "results.parquet").read_bytes()
    found = pyarrow.parquet.read_table(killed / "results.parquet").to_pylist()
    assert [row["picture"] for row in found] == [row.picture for row in rows]
    assert found[0]["spread"] == pytest.approx(rows[0].spread)
    assert found[-1]["spread"] is None
    assert _lines(killed / "journal.csv") == COUNT + 3


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def _wait_for(ready: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_csv_and_figures(folder: Path, tmp_path: Path) -> None:
    some = tmp_path / "some.txt"
    some.write_text("\n".join(str(folder / name) for name in ("below/03.png", "broken.jpg")))
    out = tmp_path / "out"
    assert main(arguments(some, out, "--format", "csv", "--figures")) == 0
    found = pyarrow.csv.read_csv(out / "results.csv").to_pylist()
    assert found[0]["predicted"]
    assert found[1]["error"].startswith("This is not a supported picture format")
    (figure,) = (out / "figures").rglob("*.png")
    assert figure.name == "03.png.png"
    assert Image.open(figure).width == 1600


def test_a_full_disk_is_said_and_nothing_is_lost(
    folder: Path,
    rows: list[BatchRow],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    known, out = {row.picture: row for row in rows}, tmp_path / "out"
    monkeypatch.setattr(processes, "rows", lambda _, parts, **__: ([known[one.name] for one in part] for part in parts))
    assert main(arguments(folder, out)) == 0
    whole, table_of_all = (out / "journal.csv").read_bytes(), (out / "results.parquet").read_bytes()
    first = whole.index(rows[4].picture.encode())
    for room in (0, 10, first, first + 100):  # in the middle of the header, of a row, and between two
        (out / "journal.csv").unlink()
        (out / "results.parquet").unlink()
        with room_for(room):
            assert main(arguments(folder, out)) == 2
        said = capsys.readouterr().err
        assert "journal.csv cannot be written: File too large. The results so far are kept" in said
        assert whole.startswith((out / "journal.csv").read_bytes())
        assert main(arguments(folder, out)) == 0
        assert (out / "results.parquet").read_bytes() == table_of_all
    with room_for(len(whole)):
        assert main(arguments(folder, out)) == 2
    assert "results.parquet cannot be written" in capsys.readouterr().err
    assert sorted(file.name for file in out.iterdir()) == ["journal.csv", "results.parquet", "settings.json"]


def test_a_figure_is_whole_or_not_there(
    folder: Path, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, wanted = replace(work, figures=tmp_path / "out" / "figures"), items(folder)[:2]
    (tmp_path / "out" / "figures").mkdir(parents=True)
    left = tmp_path / "out" / "figures" / ".cnnfix-999999999.tmp"
    left.write_bytes(b"of a run that was killed")
    with room_for(20_000), pytest.raises(CnnfixError, match=r"00\.png\.png cannot be written: File too large"):
        run(wanted, drawn, here, tmp_path / "out", SETTINGS, 1, nobody)
    assert not list((tmp_path / "out" / "figures").iterdir())
    run(wanted, drawn, here, tmp_path / "out", SETTINGS, 1, nobody)
    assert [Image.open(file).width for file in sorted((tmp_path / "out" / "figures").iterdir())] == [1600] * 2


def test_a_damaged_journal_costs_only_the_damaged_rows(
    folder: Path, work: Work, rows: list[BatchRow], tmp_path: Path
) -> None:
    journal = run(items(folder), work, here, tmp_path, SETTINGS, 100, nobody)
    lines = (tmp_path / "journal.csv").read_bytes().splitlines(keepends=True)
    lines[3] = lines[3][:30] + lines[4]  # the next row sticks to half a row
    lines[4] = b"\0" * 200 + b"\n"  # as after a power cut
    lines[5] = b'"' + lines[5]
    lines[-1] = lines[-1][:20]
    (tmp_path / "journal.csv").write_bytes(b"".join(lines))
    assert len(Journal(tmp_path / "journal.csv", BatchRow).keys) == len(rows) - 4
    journal = run(items(folder), work, here, tmp_path, SETTINGS, 100, nobody)
    assert sorted(map(_text, journal)) == sorted(map(_text, rows))


def test_what_changed_since_the_last_run_is_computed_again(folder: Path, work: Work, tmp_path: Path) -> None:
    pictures, seen = tmp_path / "pictures", list[str]()
    pictures.mkdir()
    for name in ("00.png", "01.png", "02.png", "04.png", "broken.jpg"):
        shutil.copy(folder / name, pictures)
    listed = items(pictures)

    def noting(work: Work, parts: Iterator[Sequence[Item]]) -> Iterator[list[BatchRow]]:
        for part in parts:
            seen.extend(one.name for one in part)
            yield from here(work, iter([part]))

    def again(asked: Work = work) -> list[str]:
        """What is computed; afterwards each picture has one row, that of the picture as it is now."""
        seen.clear()
        found = run(listed, asked, noting, tmp_path / "out", SETTINGS, 100, nobody).rows
        assert sorted(row.picture for row in found) == [one.name for one in listed]
        there = {one.name: one.file.read_bytes() for one in listed if one.file.exists()}
        assert all(row.error or row.sha256 == hashlib.sha256(there[row.picture]).hexdigest() for row in found)
        return seen

    (pictures / "00.png").rename(tmp_path / "later.png")
    assert again() == [one.name for one in listed]
    (tmp_path / "later.png").rename(pictures / "00.png")
    assert again() == ["00.png"]  # it could not be read; what is broken still is
    shutil.copy(folder / "02.png", pictures / "01.png")
    shutil.copy(folder / "02.png", pictures / "broken.jpg")
    assert again() == ["01.png", "broken.jpg"]
    drawn = replace(work, figures=tmp_path / "figures")
    assert again(drawn) == [one.name for one in listed]
    next(drawn.figures.rglob("04*")).unlink()  # type: ignore[union-attr]
    assert again(drawn) == ["04.png"]
    assert again(drawn) == []


def test_a_picture_that_is_gone_keeps_its_row(folder: Path, work: Work, tmp_path: Path) -> None:
    shutil.copy(folder / "00.png", tmp_path)
    (listed,) = items(tmp_path)
    before = run([listed], work, here, tmp_path / "out", SETTINGS, 1, nobody).rows
    listed.file.unlink()
    assert run([listed], work, here, tmp_path / "out", SETTINGS, 1, nobody).rows == before
    assert not before[0].error


def test_a_picture_that_goes_in_the_middle_of_a_run_has_a_row_and_comes_back(
    folder: Path, work: Work, tmp_path: Path
) -> None:
    pictures, seen = tmp_path / "pictures", list[str]()
    pictures.mkdir()
    for name in ("00.png", "01.png", "02.png", "04.png"):
        shutil.copy(folder / name, pictures)
    listed = items(pictures)

    def meanwhile(work: Work, parts: Iterator[Sequence[Item]]) -> Iterator[list[BatchRow]]:
        for number, part in enumerate(parts):
            yield from here(work, iter([part]))
            seen.extend(one.name for one in part)
            if number == 0:
                (pictures / "01.png").rename(tmp_path / "01.png")
                shutil.copy(folder / "00.png", pictures / "02.png")
                (pictures / "04.png").write_bytes((pictures / "04.png").read_bytes()[:500])

    def rows() -> dict[str, BatchRow]:
        found = run(listed, work, meanwhile, tmp_path / "out", SETTINGS, 1, nobody).rows
        assert sorted(row.picture for row in found) == [one.name for one in listed]
        return {row.picture: row for row in found}

    found = rows()
    assert "01.png" in found["01.png"].error
    assert found["04.png"].error
    assert found["02.png"].sha256 == found["00.png"].sha256
    shutil.copy(tmp_path / "01.png", pictures)
    shutil.copy(folder / "04.png", pictures)
    seen.clear()
    mended = run(listed, work, meanwhile, tmp_path / "out", SETTINGS, 4, nobody).rows
    assert seen == ["01.png", "04.png"]
    assert not any(row.error for row in mended)


def _load_what_has_changed() -> cnnfix.Model:
    raise ModelError("The files of it have changed.")


def test_a_network_that_a_worker_cannot_load_is_said_as_what_it_is(folder: Path) -> None:
    parts = iter([items(folder)[:1]])
    with pytest.raises(CnnfixError, match=r"The files of it have changed\. The results so far are kept\."):
        list(processes.rows(Work(_load_what_has_changed, cnnfix.EVIDENCE), parts, workers=1))


def test_workers_end_with_the_command_even_if_it_is_killed(many: Path, tmp_path: Path) -> None:
    starter = "import sys; from cnnfix_core.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", starter, *arguments(many, tmp_path / "out", "--workers", "2")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _wait_for(lambda: _lines(tmp_path / "out" / "journal.csv") > 1)
        workers = _children(process.pid)
        assert len(workers) >= 2
        process.kill()
    _wait_for(lambda: not any(map(_alive, workers)), seconds=60)


def test_two_runs_never_write_to_one_folder(folder: Path, work: Work, tmp_path: Path) -> None:
    def meanwhile(_work: Work, _parts: Iterator[Sequence[Item]]) -> Iterator[list[BatchRow]]:
        with pytest.raises(CnnfixError, match="Another run writes to"):
            run(items(folder), work, here, tmp_path, SETTINGS, 4, nobody)
        yield []

    run(items(folder), work, meanwhile, tmp_path, SETTINGS, 4, nobody)
    run(items(folder)[:1], work, here, tmp_path, SETTINGS, 4, nobody)  # it is free again


def test_figures_in_the_folder_of_the_pictures_are_not_explained(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "00.png", tmp_path)
    for _ in range(2):
        assert main(arguments(tmp_path, tmp_path, "--figures", "--format", "csv")) == 0
    assert (tmp_path / "figures" / "00.png.png").is_file()
    assert _lines(tmp_path / "results.csv") == 2


def test_ctrl_c_prints_no_traceback_of_any_process(many: Path, tmp_path: Path) -> None:
    starter = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "  # ignored in background
    starter += "from cnnfix_core.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", starter, *arguments(many, tmp_path / "out", "--workers", "2", "--batch", "1")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "start_new_session": True}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        _wait_for(lambda: _lines(tmp_path / "out" / "journal.csv") > 1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert "the same command resumes" in said
    assert "Traceback" not in said


class _StuckLoading:
    """Says that a worker has begun, and never ends."""

    def __init__(self, begun: Path) -> None:
        self._begun = begun

    def __call__(self) -> cnnfix.Model:
        (self._begun / str(os.getpid())).touch()
        threading.Event().wait()
        raise AssertionError


def test_after_ctrl_c_nobody_waits_for_workers(folder: Path, tmp_path: Path) -> None:
    def parts() -> Iterator[Sequence[Item]]:
        yield items(folder)[:1]
        _wait_for(lambda: any(tmp_path.iterdir()))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(processes.rows(Work(_StuckLoading(tmp_path), cnnfix.EVIDENCE), parts(), 1))
    workers = [int(file.name) for file in tmp_path.iterdir()]
    _wait_for(lambda: not any(map(_alive, workers)))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_figures_have_names_that_every_file_system_takes() -> None:
    names = [
        "a/b.jpg",
        "a/b c (1).jpg",
        "../b.jpg",
        "a.png/b.jpg",
        ".b.jpg",
        "b?.jpg",
        "x" * 251 + ".jpg",
        "a/" * 500 + "b.jpg",
    ]
    found = [figure_name(name, f"digest{n}") for n, name in enumerate(names)]
    assert found[:2] == ["a/b.jpg.png", "a/b c (1).jpg.png"]
    assert found[2:] == [f"digest{n}.png" for n in range(2, len(names))]
    assert figure_name("/data/a.jpg", "digest") == "data/a.jpg.png"


def test_a_worker_that_is_killed_is_said_and_what_is_done_is_kept(folder: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    pids.mkdir()

    def kill(done: int, _total: int) -> None:
        if done:
            for file in pids.iterdir():
                os.kill(int(file.name), signal.SIGKILL)

    def engine(work: Work, parts: Iterator[Sequence[Item]]) -> Iterator[list[BatchRow]]:
        return processes.rows(work, parts, workers=1)

    work = Work(Noting(pids), cnnfix.EVIDENCE)
    with pytest.raises(CnnfixError, match="same command again"):
        run(items(folder), work, engine, tmp_path / "out", SETTINGS, 2, kill)
    assert len(Journal(tmp_path / "out" / "journal.csv", BatchRow).keys) >= 2


def _load_where_threads_sleep() -> cnnfix.Model:
    policy = os.environ.get("OMP_WAIT_POLICY"), os.environ.get("GOMP_SPINCOUNT")
    if policy != ("PASSIVE", "8000"):
        raise ModelError(f"Idle threads of this worker spin: {policy}")
    return load()


def test_idle_threads_of_workers_sleep_and_the_caller_s_stay_as_they_are(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    parts = iter([items(folder)[:1]])
    [[row]] = processes.rows(Work(_load_where_threads_sleep, cnnfix.EVIDENCE), parts, workers=1)
    assert not row.error
    assert not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys()


def test_rows_of_other_settings_are_never_mixed(folder: Path, tmp_path: Path) -> None:
    assert main(arguments(folder, tmp_path)) == 0
    before = (tmp_path / "journal.csv").read_bytes()
    assert main(arguments(folder, tmp_path, "--focus", "sharp")) == 2
    assert main(arguments(folder, tmp_path, "--target", "1")) == 2
    assert (tmp_path / "journal.csv").read_bytes() == before


@pytest.mark.parametrize(
    "wrong", [["--target", "unicorn"], ["--device", "abacus"], ["--workers", "0"], ["--model", "scenes_fcn"]]
)
def test_what_cannot_be_asked_is_said_at_once(
    wrong: list[str], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(arguments(folder, tmp_path / "out", *wrong))
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 2
    assert capsys.readouterr().err.startswith("cnnfix: ")
    assert not (tmp_path / "out" / "journal.csv").exists()


def test_a_table_keeps_the_order_and_the_first_of_two() -> None:
    found = [
        BatchRow(picture="b", spread=0.5),
        BatchRow(picture="a"),
        BatchRow(picture="b", spread=0.7),
        BatchRow(picture="other"),
    ]
    made = table(found, ["a", "b", "missing"])
    assert made["picture"].to_pylist() == ["a", "b"]
    assert made["spread"].to_pylist() == [None, 0.5]
    assert math.isnan(found[1].spread)


# --- Ray, and a graphics card -----------------------------------------------------------------------------------------


class Noting:
    """Loads the network, and leaves the process's number in a folder."""

    def __init__(self, pids: Path) -> None:
        self.pids = pids

    def __call__(self) -> cnnfix.Model:
        assert os.environ.get("OMP_WAIT_POLICY") == "PASSIVE"
        (self.pids / str(os.getpid())).touch()
        return cnnfix.load_model(NETWORK)


@pytest.mark.slow
def test_ray_loses_nothing_when_a_worker_is_killed(
    folder: Path, rows: list[BatchRow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cnnfix_core.batch import ray_cluster

    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))  # where workers find what is below
    pids, killed = tmp_path / "pids", []
    pids.mkdir()

    def kill(done: int, total: int) -> None:
        if 0 < done < total and not killed:
            _wait_for(lambda: len(list(pids.iterdir())) == 2)
            killed.append(min(int(file.name) for file in pids.iterdir()))
            os.kill(killed[0], signal.SIGKILL)

    def engine(work: Work, parts: Iterator[Sequence[Item]]) -> Iterator[list[BatchRow]]:
        ray_cluster.ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
        return ray_cluster.rows(work, parts, workers=2)

    try:
        work = Work(Noting(pids), cnnfix.EVIDENCE)
        journal = run(items(folder), work, engine, tmp_path / "out", SETTINGS, 1, kill)
        assert len(killed) == 1
        assert sorted(map(_text, journal)) == sorted(map(_text, rows))
    finally:
        ray_cluster.ray.shutdown()


def test_nothing_of_ray_is_imported_otherwise(folder: Path, tmp_path: Path) -> None:
    lines = [
        "import sys",
        "from cnnfix_core.cli.main import main",
        f"assert main({arguments(folder, tmp_path)!r}) == 0",
        "assert 'ray' not in sys.modules",
    ]
    guarded = "\n".join(["if __name__ == '__main__':", *(f"    {line}" for line in lines)])
    script = tmp_path / "script.py"
    script.write_text(guarded)
    subprocess.run([sys.executable, str(script)], check=True, timeout=120)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here")
def test_a_gpu_gives_the_same_numbers(folder: Path, rows: list[BatchRow]) -> None:
    found = Worker(Work(_on_gpu, cnnfix.EVIDENCE)).rows(items(folder))
    for one, other in zip(found, rows, strict=True):
        assert one.asked_index == other.asked_index
        for name in ("probability", "score", "spread", "border", "x", "y", "disagreement"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0.01, atol=0.01)


def _on_gpu() -> cnnfix.Model:
    return load().on("cuda")


def test_an_engine_may_bring_a_row_twice(folder: Path, work: Work, rows: list[BatchRow], tmp_path: Path) -> None:
    def twice(work: Work, parts: Iterator[Sequence[Item]]) -> Iterator[list[BatchRow]]:
        for found in here(work, parts):
            yield found
            yield found

    engine: Engine = twice
    journal = run(items(folder), work, engine, tmp_path, SETTINGS, 4, nobody)
    assert [row.picture for row in journal] == [row.picture for row in rows]
