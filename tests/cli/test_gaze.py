"""`cnnfix gaze`, run in this process."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnfix_core.cli.main import main
from cnnfix_site import ASSETS

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: object) -> tuple[int, str, str]:
        try:
            code = main(["gaze", *map(str, arguments), "--model", "scenes_resnet"])
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        (tmp_path / "points.csv").write_text(text, "utf-8")
        return tmp_path / "points.csv"

    return write


def test_one_picture(run: Run, written: Callable[[str], Path]) -> None:
    points = written("x,y,observer\n20,20,a\n30,25,b\nx,1,a\n9999,5,b\n")
    code, out, err = run("drawn-star", "--points", points)
    assert code == 0
    assert "2 points of 2 observers" in out
    assert err.splitlines()[0] == "Line 4 is left out: x is “x”, no number."
    assert err.splitlines()[1].startswith("drawn-star: Line 5 is left out: (9999, 5) lies outside the picture")
    names = [line.split("  ")[0] for line in out.splitlines()[3:]]
    assert names == ["Fixations", "Grad-CAM", "Blob in the middle", "Random points", "Half of the observers"]


def test_a_folder(run: Run, written: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    source = next((ASSETS / "samples").glob("drawn-star*"))
    for number in range(6):
        shutil.copy(source, folder / f"{number}{source.suffix}")
    rows = "".join(f"0.{3 + number},0.5,{number}.png\n" for number in range(6))
    table = tmp_path / "out.csv"
    points = written(f"x,y,picture\n{rows}0.5,0.5,missing.png\n")
    code, out, err = run(folder, "--points", points, "--methods", "gradcam,random", "--csv", table)
    assert code == 0
    assert out.startswith("6 pictures. ")
    assert "The picture missing of the table is missing." in err
    assert " to " in out.splitlines()[3]  # intervals of six pictures
    found = list(csv.DictReader(table.open()))
    assert len(found) == 6 * 3
    assert {row["method"] for row in found} == {"gradcam", "centre", "random"}
    assert all(0 <= float(row["auc"]) <= 1 for row in found)


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        ("a,b\n1,2\n", (), "must name the columns, x and y at least"),
        ("x,y,picture\n1,2,other.png\n", (), "No point is on drawn-star: the table has points on other."),
        ("x,y\n9999,2\n", (), "None of its points lies in drawn-star"),
        ("x,y\n1,2\n", ("--sigma", "0"), "'0' is not a number of pixels above 0"),
        ("x,y\n1,2\n", ("--methods", "nope"), "There is no method 'nope'"),
    ],
)
def test_what_goes_wrong(
    run: Run, written: Callable[[str], Path], text: str, more: tuple[str, ...], words: str
) -> None:
    code, out, err = run("drawn-star", "--points", written(text), *more)
    assert (code, out) == (2, "")
    assert words in err


def test_a_folder_needs_names(run: Run, written: Callable[[str], Path], tmp_path: Path) -> None:
    code, _, err = run(tmp_path, "--points", written("x,y\n1,2\n"))
    assert code == 2
    assert "no column picture" in err


def test_a_table_that_is_not_there(run: Run, tmp_path: Path) -> None:
    code, _, err = run("drawn-star", "--points", tmp_path / "none.csv")
    assert code == 2
    assert "cannot be read" in err
