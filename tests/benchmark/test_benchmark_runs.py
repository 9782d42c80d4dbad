"""Runs of the benchmark: rows, errors, interruptions, settings; and the comparison of methods on one picture."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import astuple, fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnfix_core as cnnfix
from cnnfix_core.benchmark import matched, proposing, read_annotations
from cnnfix_core.benchmark.datasets import scenes
from cnnfix_core.benchmark.datasets.items import Item
from cnnfix_core.benchmark.results import BenchmarkRow
from cnnfix_core.benchmark.runner import Plan, Source, in_order, run
from cnnfix_core.cli.main import main
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations.explanation import classes
from cnnfix_core.images import list_samples
from cnnfix_core.methods import METHODS, attribution
from cnnfix_core.metrics import BoxRule, GroundTruth, box_of, curves, iou, numbers
from cnnfix_core.metrics.evaluation import measured
from cnnfix_core.regions.highest_density import MAP_SIDE
from cnnfix_core.synthetic import CLASSES, HELD_OUT, compose
from cnnfix_core.utils.formatting import duration
from cnnfix_core.utils.journal import Journal
from tests.disk import room_for

ROOT = Path(__file__).parents[2]
NETWORK = "scenes_resnet"
COUNT = 6


@pytest.fixture(scope="module")
def network() -> cnnfix.Model:
    return cnnfix.load_model(NETWORK)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of scenes, and their boxes in boxes.csv beside them."""
    folder = tmp_path_factory.mktemp("scenes")
    lines = ["image,label,x0,y0,x1,y1"]
    for n in range(COUNT):
        scene = compose(HELD_OUT + n, n)
        Image.fromarray(scene.picture.pixels).save(folder / f"{n}.png")
        lines.append(",".join(map(str, (f"{n}.png", scene.name, *scene.truth.extents[0]))))
    (folder / "boxes.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def arguments(folder: Path, out: Path, *more: object) -> list[str]:
    words = ["benchmark", folder, "--boxes", folder / "boxes.csv", "--models", NETWORK, "--out", out]
    return [*map(str, words), "--methods", "gradcam,fixations", "--steps", "4", *map(str, more)]


def timeless(rows: list[BenchmarkRow]) -> list[str]:
    """Rows without their times, as text: NaN equals nothing."""
    return [repr(replace(row, seconds=0.0)) for row in rows]


def tables_of(out: Path) -> list[str]:
    """The table's lines without their last column, the seconds."""
    return [line.rpartition(" | ")[0] for line in (out / "tables.md").read_text("utf-8").splitlines()]


# --- rows -------------------------------------------------------------------------------------------------------------


def test_rows_are_what_the_functions_say(network: cnnfix.Model, tmp_path: Path) -> None:
    scene = compose(HELD_OUT, 1)
    items = (Item("a", scene.name, "", lambda: (scene.picture, scene.truth)),)
    results = Journal(tmp_path / "results.csv", BenchmarkRow)
    calls: list[tuple[int, int]] = []
    plan = Plan(items, ("gradcam", "fixations", "centre"), steps=4)
    assert run([Source("net", lambda: network)], plan, results, lambda *at: calls.append(at)) == []
    assert calls == [(0, 3), (1, 3), (2, 3), (3, 3)]
    said = classes(network, scene.picture)
    for row in results.rows:
        found = attribution(network, scene.picture, scene.name, row.method, longest_side=MAP_SIDE)
        expected, areas = numbers(found, scene.truth), curves(network, scene.picture, found.map, 1, 4)
        got = (row.peak, row.energy, row.evidence, row.iou, row.covered, row.insertion, row.deletion)
        wanted = (
            *(expected.peak, expected.energy, expected.evidence, expected.iou, expected.covered),
            *(areas.insertion_area, areas.deletion_area),
        )
        np.testing.assert_allclose(got, wanted, rtol=1e-5)
        assert found.box is not None
        assert row.iou == pytest.approx(iou(found.box, scene.truth.extents[0]))
        assert row.loc_given == (row.iou >= 0.5)
        assert row.right == (said.top(1)[0].index == 1)
        assert row.loc_top1 == row.right * row.loc_given
        assert row.probability == pytest.approx(said.prediction(1).probability)
        assert (row.asked, row.predicted) == (CLASSES[1], said.top(1)[0].label)
        assert row.layer == (found.layer or "")
        assert row.seconds >= 0
        assert math.isnan(row.evidence) == (row.method != "fixations")
    # What was written is what was kept, to nine digits.
    again = Journal(tmp_path / "results.csv", BenchmarkRow)
    for kept, read in zip(results.rows, again.rows, strict=True):
        assert read.key == kept.key
        assert (read.asked, read.layer, read.error) == (kept.asked, kept.layer, kept.error)
        got, wanted = (np.array([v for v in astuple(row) if isinstance(v, float)]) for row in (read, kept))
        np.testing.assert_allclose(got, wanted, rtol=1e-8)


def test_a_wrong_prediction_is_a_wrong_localization(network: cnnfix.Model, tmp_path: Path) -> None:
    """The whole picture as truth is hit by the centre's box, whatever the class: only the label decides."""
    scene = compose(HELD_OUT, 1)
    predicted = classes(network, scene.picture).top(1)[0].index
    truth = GroundTruth(96, 96, ((0, 0, 95, 95),))
    other = CLASSES[(predicted + 1) % len(CLASSES)]
    items = [
        Item(label or "unknown", label, "", lambda: (scene.picture, truth)) for label in (CLASSES[predicted], other, "")
    ]
    results = Journal(tmp_path / "results.csv", BenchmarkRow)
    run([Source("net", lambda: network)], Plan(tuple(items), ("centre",), steps=0), results)
    right, wrong, unknown = results.rows
    assert right.iou == wrong.iou > 0.5
    assert (right.right, right.loc_top1, right.loc_given) == (1, 1, 1)
    assert (wrong.right, wrong.loc_top1, wrong.loc_given) == (0, 0, 1)
    assert unknown.asked == unknown.predicted == CLASSES[predicted]
    assert math.isnan(unknown.right)
    assert math.isnan(unknown.loc_top1)
    assert unknown.loc_given == 1
    assert math.isnan(unknown.insertion)


def test_what_fails_is_a_row_and_what_does_not_fit_is_said(network: cnnfix.Model, tmp_path: Path) -> None:
    scene = compose(HELD_OUT, 1)

    def broken() -> tuple[cnnfix.Picture, GroundTruth]:
        raise cnnfix.PictureError("It is torn,\nin two lines.")

    good = Item("good", scene.name, "", lambda: (scene.picture, scene.truth))
    items = (Item("torn", scene.name, "", broken), replace(good, picture="odd", label="unicorn"), good)
    results = Journal(tmp_path / "results.csv", BenchmarkRow)
    run([Source("net", lambda: network)], Plan(items, ("centre", "random"), steps=0), results)
    assert [(row.picture, row.method) for row in results.rows] == [
        (item.picture, method) for item in items for method in ("centre", "random")
    ]
    assert [bool(row.error) for row in results.rows] == [True] * 4 + [False] * 2
    assert "unicorn" in results.rows[2].error
    read = list(csv.DictReader((tmp_path / "results.csv").open(encoding="utf-8")))
    assert read[0]["error"] == "It is torn,\\nin two lines."  # one line of the file, read back as it was
    assert Journal(tmp_path / "results.csv", BenchmarkRow).rows[0].error == "It is torn,\nin two lines."
    with pytest.raises(CnnfixError, match="no class for any of the labels"):
        run(
            [Source("net", lambda: network)],
            Plan(items[1:2], ("centre",)),
            Journal(tmp_path / "other.csv", BenchmarkRow),
        )


def test_a_method_that_does_not_fit_is_named_and_has_no_rows(tmp_path: Path, network: cnnfix.Model) -> None:
    import torch

    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 96 * 96, len(CLASSES)))
    model = cnnfix.Model.of(flat, network.labels, network.preprocess, "flat")
    scene = compose(HELD_OUT, 1)
    results = Journal(tmp_path / "results.csv", BenchmarkRow)
    items = (Item("a", scene.name, "", lambda: (scene.picture, scene.truth)),)
    calls: list[tuple[int, int]] = []
    unfit = run(
        [Source("flat", lambda: model)], Plan(items, ("gradcam", "centre"), 0), results, lambda *at: calls.append(at)
    )
    assert [(one.model, one.method) for one in unfit] == [("flat", "gradcam")]
    assert unfit[0].reason
    assert [row.method for row in results.rows] == ["centre"]
    assert calls == [(0, 2), (1, 1)]


def test_two_objects_are_asked_about_with_the_energy_on_the_other(network: cnnfix.Model, tmp_path: Path) -> None:
    """Against the functions, on the same scene; "rather than" is a question of its own in the same file."""
    items = scenes.pairs(1) + scenes.pairs(1, contrast=True)
    star, ring = CLASSES[:2]
    assert [item.question[1:] for item in items] == [(star, ""), (ring, ""), (star, ring), (ring, star)]
    results = Journal(tmp_path / "results.csv", BenchmarkRow)
    run([Source("net", lambda: network)], Plan(items, ("fixations", "gradcam", "centre"), steps=0), results)
    assert len(results.rows) == len(results.keys) == 12
    scene = compose(HELD_OUT + 700_000, 0, other=1, side=scenes.PICTURE_SIDE)
    for row in results.rows:
        asked, other = (0, 1) if row.label == star else (1, 0)
        target = (asked, other) if row.rather_than else asked
        found = attribution(network, scene.picture, target, row.method, longest_side=MAP_SIDE).map
        inside, beside = (scene.truth_of(label).on(found.shape) for label in (asked, other))
        assert not (inside & beside).any()
        shares = [found[where].sum() / found.sum() for where in (inside, beside)]
        np.testing.assert_allclose((row.energy, row.other), shares, rtol=1e-5)
        assert row.error == ""
    by_question = {(row.label, row.rather_than, row.method): row for row in results.rows}
    for label, rival in ((star, ring), (ring, star)):
        plain, contrast = (by_question[label, other, "fixations"] for other in ("", rival))
        assert contrast.other < plain.other
        assert by_question[label, rival, "centre"].energy == by_question[rival, label, "centre"].other


def test_pairs_are_of_all_classes_and_other_scenes_than_the_single_ones() -> None:
    items = scenes.pairs(10, seed=1)
    assert sorted({item.label for item in items}) == sorted(CLASSES)
    assert len({item.picture for item in items}) == 10
    assert {item.picture for item in items}.isdisjoint(item.picture for item in scenes.items(10, seed=1))
    assert {item.picture for item in items}.isdisjoint(item.picture for item in scenes.pairs(10))
    asked = [(items[n].label, items[n + 1].label) for n in range(0, len(items), 2)]
    assert all(one != other for one, other in asked)
    picture, truth = items[0].read()
    others = items[0].others
    assert others is not None
    np.testing.assert_array_equal(others().mask, items[1].read()[1].mask)
    assert (picture.width, truth.width) == (scenes.PICTURE_SIDE,) * 2


def test_methods_that_do_not_contrast_are_not_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "cmwp", replace(METHODS["cmwp"], contrasts=False))
    plan = Plan(scenes.pairs(1) + scenes.pairs(1, contrast=True), ("gradcam", "cmwp"))
    assert [plan.methods_for(n, plan.methods) for n in range(4)] == [["gradcam", "cmwp"]] * 2 + [["gradcam"]] * 2


def test_slow_methods_may_see_fewer() -> None:
    scene = compose(HELD_OUT, 1)
    items = tuple(Item(str(n), scene.name, "", lambda: (scene.picture, scene.truth)) for n in range(3))
    plan = Plan(items, ("gradcam", "rise"), slow=2)
    assert [plan.methods_for(n, plan.methods) for n in range(3)] == [["gradcam", "rise"]] * 2 + [["gradcam"]]
    assert Plan(items, ("gradcam", "rise")).methods_for(2, ("gradcam", "rise")) == ["gradcam", "rise"]


# --- a run that ends too early ----------------------------------------------------------------------------------------


def test_a_row_that_was_cut_off_is_measured_again(tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    results = Journal(file, BenchmarkRow)
    for n in range(3):
        results.add(
            [BenchmarkRow(model="m", picture=f"“{n}”, a", label="", method="centre", peak=n / 3, error='a "b"\nc')]
        )
    whole, rows = file.read_bytes(), results.rows
    starts = [0, *(n + 1 for n, byte in enumerate(whole) if byte == ord("\n"))]
    for cut in range(len(whole)):
        file.write_bytes(whole[:cut])
        again = Journal(file, BenchmarkRow)
        complete = max(sum(start <= cut for start in starts) - 2, 0)
        assert len(again.rows) == complete
        for row in rows[complete:]:
            again.add([row])
        assert file.read_bytes() == whole


def test_a_file_of_something_else_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    for text in ("a,b\n1,2\n", ",".join(field.name for field in fields(BenchmarkRow)) + "\nx\n"):
        file.write_text(text)
        with pytest.raises(CnnfixError, match="not a results file of this command"):
            Journal(file, BenchmarkRow)
        assert file.read_text() == text


def test_a_run_that_was_killed_goes_on(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    killed, unbroken = tmp_path / "killed", tmp_path / "unbroken"
    assert main(arguments(folder, unbroken)) == 0
    code = f"from cnnfix_core.cli.main import main; main({arguments(folder, killed)!r})"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    file = killed / "results.csv"
    ends = time.monotonic() + 120
    while not file.exists() or file.read_bytes().count(b"\n") < 4:
        assert process.poll() is None
        assert time.monotonic() < ends
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = file.read_bytes()
    complete = done[: done.rfind(b"\n") + 1]
    assert 4 <= complete.count(b"\n") < 1 + COUNT * 4
    assert main(arguments(folder, killed)) == 0
    assert file.read_bytes().startswith(complete)
    rows = [Journal(out / "results.csv", BenchmarkRow).rows for out in (killed, unbroken)]
    assert len(rows[0]) == len({row.key for row in rows[0]}) == COUNT * 4
    assert timeless(rows[0]) == timeless(rows[1])
    assert tables_of(killed) == tables_of(unbroken)
    # Once more measures nothing.
    before = file.read_bytes()
    assert main(arguments(folder, killed)) == 0
    assert file.read_bytes() == before
    capsys.readouterr()
    assert main(arguments(folder, killed, "--limit", 3)) == 2
    assert "were made with different pictures and count" in capsys.readouterr().err


def test_rows_that_were_damaged_leave_the_tables_as_they_were(folder: Path, tmp_path: Path) -> None:
    assert main(arguments(folder, tmp_path)) == 0
    before, file = tables_of(tmp_path), tmp_path / "results.csv"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], *(line.replace(b",0.", b",1.") for line in lines[1:5]), *lines[5:]]))
    assert main(arguments(folder, tmp_path)) == 0
    assert file.read_bytes().count(b"\n") == len(lines) + 4
    assert tables_of(tmp_path) == before


def test_what_failed_in_an_earlier_run_is_tried_again(network: cnnfix.Model, tmp_path: Path) -> None:
    scene, there = compose(HELD_OUT, 1), False

    def read() -> tuple[cnnfix.Picture, GroundTruth]:
        if not there:
            raise cnnfix.PictureError("There is no file.")
        return scene.picture, scene.truth

    items = tuple(Item(name, scene.name, "", read) for name in "ab")
    plan = Plan(items, ("centre", "random"), steps=0)
    source = Source("net", lambda: network)
    for errors in (4, 0):
        results = Journal(tmp_path / "results.csv", BenchmarkRow)
        run([source], plan, results)
        assert [row.key for row in in_order(results, [source], plan)] == [
            ("net", item.question, method) for item in items for method in plan.methods
        ]
        assert sum(bool(row.error) for row in results) == errors
        there = True


def test_another_number_of_slow_pictures_gives_what_a_fresh_run_gives(network: cnnfix.Model, tmp_path: Path) -> None:
    scene = compose(HELD_OUT, 1)
    items = tuple(Item(name, scene.name, "", lambda: (scene.picture, scene.truth)) for name in "abc")
    source = Source("net", lambda: network)

    def keys(slow: int | None, file: Path) -> list[tuple[str, str]]:
        plan, results = Plan(items, ("centre", "occlusion"), 0, slow), Journal(file, BenchmarkRow)
        calls: list[tuple[int, int]] = []
        run([source], plan, results, lambda *at: calls.append(at))
        rows = in_order(results, [source], plan)
        assert calls[-1] == (len(rows), len(rows))
        return [(row.picture, row.method) for row in rows]

    for number, slow in enumerate((1, 2, 0, None)):
        assert keys(slow, tmp_path / "resumed.csv") == keys(slow, tmp_path / f"fresh-{number}.csv")


def test_results_of_other_devices_and_labels_are_never_mixed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = arguments(folder, tmp_path, "--methods", "centre", "--steps", 0)
    assert main(words) == 0
    load_model = cnnfix.zoo.load_model

    def other(name: str, progress: object = None) -> cnnfix.Model:
        model = load_model(name)
        return replace(model, labels=cnnfix.Labels.of([*model.labels.short[1:], model.labels.short[0]]))

    with monkeypatch.context() as patch:
        patch.setattr(cnnfix.Model, "on", lambda model, device: model)  # whatever machine this is
        assert main([*words, "--device", "cuda"]) == 2
    assert "made with different device: use" in capsys.readouterr().err
    monkeypatch.setattr(cnnfix.zoo, "load_model", other)
    assert main(words) == 2
    assert "made with different readings: use" in capsys.readouterr().err


def test_pictures_and_masks_that_go_in_the_middle_of_a_run_have_rows(
    folder: Path, network: cnnfix.Model, tmp_path: Path
) -> None:
    for name in ("pictures", "masks"):
        shutil.copytree(folder, tmp_path / name, ignore=shutil.ignore_patterns("*.csv"))
    (tmp_path / "masks" / "0.png").unlink()
    annotations = read_annotations(tmp_path / "masks").found
    (tmp_path / "masks" / "1.png").unlink()
    items = matched(tmp_path / "pictures", annotations).items
    (tmp_path / "pictures" / "2.png").unlink()
    (tmp_path / "pictures" / "3.png").write_bytes(b"half")
    plan, source = Plan(items, ("centre",), steps=0), Source("net", lambda: network)
    run([source], plan, Journal(tmp_path / "results.csv", BenchmarkRow))
    errors = {row.picture: row.error for row in Journal(tmp_path / "results.csv", BenchmarkRow)}
    assert [bool(errors[str(n)]) for n in range(1, COUNT)] == [True, True, True, False, False]
    for name, number in (("masks", 1), ("pictures", 2), ("pictures", 3)):
        shutil.copy(folder / f"{number}.png", tmp_path / name)
    run([source], plan, Journal(tmp_path / "results.csv", BenchmarkRow))
    assert not any(row.error for row in Journal(tmp_path / "results.csv", BenchmarkRow))


def test_a_full_disk_is_said_and_leaves_no_half_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proposing, "proposals", lambda *_: [])
    more = ("--methods", "centre", "--steps", 0, "--limit", 2, "--proposals")
    assert main(arguments(folder, tmp_path / "whole", *more)) == 0
    sizes = {file.name: file.stat().st_size for file in (tmp_path / "whole").iterdir()}
    assert sizes.keys() == {"settings.json", "results.csv", "proposals.csv", "tables.md"}
    capsys.readouterr()
    for room in sorted({part for size in sizes.values() for part in (0, size // 2, size - 1)}):
        out = tmp_path / str(room)
        with room_for(room):
            assert main(arguments(folder, out, *more)) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert re.match(r"cnnfix: .*/(settings\.json|results\.csv|proposals\.csv|tables\.md)", said)
        assert "File too large" in said
        for file in out.iterdir():
            if file.suffix == ".csv":  # whole rows
                assert file.read_bytes()[-1:] in (b"", b"\n")
            else:
                assert json.loads(file.read_text())["count"] == 2
        assert main(arguments(folder, out, *more)) == 0
        assert tables_of(out) == tables_of(tmp_path / "whole")
        assert {file.name for file in out.iterdir()} == sizes.keys()


def test_ctrl_c_keeps_what_is_done(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add = Journal.add

    def add_three(self: Journal[BenchmarkRow], rows: list[BenchmarkRow]) -> None:
        if len(self.keys) == 3:
            raise KeyboardInterrupt
        add(self, rows)

    monkeypatch.setattr(Journal, "add", add_three)
    assert main(arguments(folder, tmp_path / "out")) == 130
    err = capsys.readouterr().err
    assert err.splitlines()[-1] == f"Stopped. The results so far are in {tmp_path / 'out'}; the same command resumes."
    monkeypatch.setattr(Journal, "add", add)
    assert len(Journal(tmp_path / "out" / "results.csv", BenchmarkRow).rows) == 3


# --- the command ------------------------------------------------------------------------------------------------------


def test_a_folder_with_stray_pictures_and_bad_lines(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = tmp_path / "boxes.csv"
    lines = (folder / "boxes.csv").read_text("utf-8").splitlines()
    boxes.write_text("\n".join([*lines[:3], "x.png,star,1,2", "gone.png,star,1,2,3,4"]), "utf-8")
    out, page = tmp_path / "out", tmp_path / "page.md"
    words = ["--boxes", boxes, "--methods", "centre", "--steps", 0, "--against", "random", "--markdown", page]
    assert main(arguments(folder, out, *words)) == 0
    printed, err = capsys.readouterr()
    assert f"{boxes}, line 4, is left out: a box is four numbers" in err
    assert "The picture gone of the annotations is missing." in err
    assert err.count("has no annotation.") == COUNT - 2
    assert page.read_text("utf-8") == (out / "tables.md").read_text("utf-8") == printed
    assert "2 pictures and labels" in printed
    assert "Differences from Random" in printed
    assert "Insertion" not in printed
    assert {row.method for row in Journal(out / "results.csv", BenchmarkRow).rows} == {"centre", "random"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["benchmark"], "Give a folder of pictures with --boxes and --out, or --scenes."),
        (["benchmark", "FOLDER", "--boxes", "FOLDER/boxes.csv"], "--out"),
        (["benchmark", "--scenes", "0"], "not a whole number, 1 or more"),
        (["benchmark", "--scenes", "3", "--seed", "-1"], "--seed"),
        (["benchmark", "--scenes", "3", "--methods", "gradcan"], "Did you mean gradcam"),
        (["benchmark", "--scenes", "3", "--methods", ","], "Give a comma-separated list of methods"),
        (["benchmark", "--scenes", "3", "--models", "lenet"], "no model 'lenet'"),
        (
            ["benchmark", "--scenes", "3", "--models", "scenes_fcn"],
            "scenes_fcn is not a classifier: only networks that",
        ),
        (["benchmark", "--scenes", "3", "--methods", "cam", "--against", "rise"], "--against must be one of"),
        (["benchmark", "FOLDER", "--boxes", "FOLDER/none", "--out", "OUT"], "There is no"),
        (["benchmark", "OUT", "--boxes", "FOLDER/boxes.csv", "--out", "OUT"], "not a folder"),
        (["benchmark", "FOLDER", "--boxes", "FOLDER/boxes.csv", "--out", "FOLDER/boxes.csv"], "cannot write"),
        (["compare", "FOLDER/0.png", "--boxes", "1,2,3"], "four numbers"),
        (["compare", "FOLDER/0.png", "--boxes", "3,2,1,4"], "ends before it starts"),
        (["compare", "FOLDER/0.png", "--boxes", "100,100,120,120"], "outside the picture, which has 96 x 96"),
        (["compare", "FOLDER/0.png", "--methods", "magic"], "There is no method 'magic'"),
        (["compare", "no-such-sample"], "There is no file"),
        (["compare", "FOLDER/0.png", "--model", NETWORK, "--target", "unicorn"], "no class called 'unicorn'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    places = {"FOLDER": str(folder), "OUT": str(tmp_path / "out")}
    for name, place in places.items():
        more = [argument.replace(name, place) for argument in more]
    try:
        code = main(more)
    except SystemExit as ended:
        code = int(ended.code or 0)
    err = capsys.readouterr().err
    assert code == 2
    assert words in err
    assert err.startswith("cnnfix: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("kept", ["{", "[]", "results"])
def test_settings_that_cannot_be_read(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kept: str
) -> None:
    (tmp_path / ("results.csv" if kept == "results" else "settings.json")).write_text(kept)
    assert main(arguments(folder, tmp_path)) == 2
    assert "choose another --out" in capsys.readouterr().err


@pytest.mark.parametrize(("seconds", "words"), [(4.4, "4 s"), (89, "89 s"), (95, "2 min"), (7800, "2 h 10 min")])
def test_times_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_scenes_without_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    words = ["--methods", "fixations,gradcam,rise", "--steps", "2", "--slow", "0", "--markdown", str(page)]
    assert main(["benchmark", "--scenes", "1", "--pairs", "1", *words]) == 0
    text = capsys.readouterr().out
    assert text == page.read_text("utf-8")
    assert (
        f"`cnnfix benchmark --scenes 1 --pairs 1 --steps 2 --slow 0 --methods fixations,gradcam,rise --markdown {page}`"
        in text
    )
    assert "RISE are slow" not in text
    assert "RISE is slow and saw the first 0 only" in text
    for heading in ("## Methods x networks", "## Where fixations lose", "## The clever Hans", "## How to read it"):
        assert heading in text
    pairs = text[text.index("## Two objects") : text.index("## The clever Hans")]
    assert pairs.count("2 pictures and labels") == 2
    assert pairs.count("**Energy on the other object, % (lower is better)**") == 2
    assert "Energy on the other object" not in text[: text.index("## Two objects")]
    # The baselines do not depend on the weights.
    sanity = text[text.index("## Weight randomisation test") :]
    assert "| Centre | 1.00 | 1.00 | 1.00 | 1.00 | 1.00 |" in sanity
    assert "| Random | 1.00 | 1.00 | 1.00 | 1.00 | 1.00 |" in sanity
    assert "| Fixations | 1.00" not in sanity


# --- one picture ------------------------------------------------------------------------------------------------------


def test_compare_gives_the_numbers_of_the_functions(
    folder: Path, tmp_path: Path, network: cnnfix.Model, capsys: pytest.CaptureFixture[str]
) -> None:
    out, figure = tmp_path / "out.csv", tmp_path / "out.png"
    words = ["--model", NETWORK, "--methods", "fixations,gradcam,cam", "--boxes", "10,20,60,70", "80,80,90,200"]
    words += ["--target", "ring", "--rather-than", "star", "--curves", "--csv", out, "--figure", figure]
    assert main(["compare", str(folder / "1.png"), *map(str, words)]) == 0
    printed, err = capsys.readouterr()
    assert err == ""
    picture = cnnfix.open_picture(folder / "1.png")
    truth = GroundTruth(96, 96, ((10, 20, 60, 70), (80, 80, 90, 95)))
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert [row["method"] for row in rows] == ["fixations", "gradcam", "cam", "centre", "random"]
    asked = (CLASSES.index("ring"), CLASSES.index("star"))
    for row in rows:
        found = attribution(network, picture, asked, row["method"], longest_side=MAP_SIDE)
        expected, areas = numbers(found, truth), curves(network, picture, found.map, asked)
        for name in ("peak", "energy", "iou", "covered"):
            assert float(row[name]) == pytest.approx(getattr(expected, name), rel=1e-5)
        assert float(row["insertion"]) == pytest.approx(areas.insertion_area, rel=1e-5)
        assert float(row["deletion"]) == pytest.approx(areas.deletion_area, rel=1e-5)
        assert tuple(int(row[side]) for side in ("x0", "y0", "x1", "y1")) == found.box
        assert (row["evidence"] == "") == (row["method"] != "fixations")
        assert f"{expected.energy:.3f}" in printed
    assert printed.startswith("Why “ring” rather than “star”?")
    assert "Agreement" in printed
    assert Image.open(figure).size[0] == 1600


def test_compare_a_sample_with_its_boxes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sample = next(one for one in list_samples() if one.boxes_of("star"))
    out = tmp_path / "out.csv"
    asked = [sample.name, "--model", NETWORK, "--target", "star"]
    assert main(["compare", *asked, "--methods", "gradcam", "--csv", str(out)]) == 0
    assert "The box around the star covers" in capsys.readouterr().out
    picture = cnnfix.open_picture(sample.read())
    rows = {row["method"]: row for row in csv.DictReader(out.open(encoding="utf-8"))}
    assert list(rows) == ["gradcam", "centre", "random"]
    covered = GroundTruth(picture.width, picture.height, sample.boxes_of("star")).covered
    assert float(rows["centre"]["covered"]) == pytest.approx(covered)


def test_compare_without_a_truth(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(folder / "0.png"), "--model", NETWORK, "--methods", "gradcam"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[2].split() == ["method", "layer", "seconds"]
    assert "Agreement" not in out
    assert "Centre" not in out


def test_on_scenes_each_method_has_the_rule_that_docs_boxes_found_best() -> None:
    found = {}
    for line in (ROOT / "docs" / "boxes.md").read_text("utf-8").split("## All rules")[0].splitlines():
        if match := re.match(r"\| ([^|]+) \| +\d+ \| \d+, ([\d.]+) of the (map|maximum)(, largest part)? \|", line):
            title, level, of, part = match.groups()
            found[title] = BoxRule("share" if of == "map" else "threshold", float(level), bool(part))
    names = {method.title: name for name, method in METHODS.items()}
    by_name = {names[title]: rule for title, rule in found.items()}
    assert by_name.pop("fixations")  # its own rule was chosen with photographs, and is not the best on scenes
    assert by_name == dict(scenes.RULES)


def test_a_rule_of_the_plan_draws_the_box() -> None:
    (item,) = scenes.items(1)
    model = cnnfix.load_model(NETWORK)
    picture, truth = item.read()
    rule = BoxRule("share", 0.1)
    plain, ruled = (measured(model, picture, truth, 0, "gradcam", rule=one) for one in (None, rule))
    assert ruled.found.box == box_of(ruled.found.map, rule, picture.width, picture.height) != plain.found.box
    assert ruled.numbers.iou != plain.numbers.iou
    assert ruled.numbers.energy == plain.numbers.energy
