"""What a benchmark measures only if it is asked to: cut-outs, ROAD, the sensitivity to noise, proposals."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnfix_core as cnnfix
from cnnfix_core.benchmark.datasets.items import Item
from cnnfix_core.benchmark.proposing import COUNTS, FIXATIONS, FIXED, ProposalRow, in_order, section
from cnnfix_core.benchmark.results import BenchmarkRow
from cnnfix_core.benchmark.runner import Source
from cnnfix_core.cli.main import main
from cnnfix_core.explanations import centre_boxes, proposals, recall
from cnnfix_core.methods import attribution
from cnnfix_core.metrics import cut_out_iou, max_sensitivity, road
from cnnfix_core.regions import MAP_SIDE, GroundTruth, best_iou, cut_out
from cnnfix_core.synthetic import HELD_OUT, Scene, compose
from cnnfix_core.utils import Journal

NETWORK = "scenes_resnet"
METHODS = ("fixations", "gradcam")
SCENES = [compose(HELD_OUT + 40 + n, n) for n in range(2)]


@pytest.fixture(scope="module")
def network() -> cnnfix.Model:
    return cnnfix.load_model(NETWORK)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scenes in pictures/, their masks in masks/, their boxes in boxes.csv."""
    folder = tmp_path_factory.mktemp("besides")
    lines = ["image,label,x0,y0,x1,y1"]
    for name in ("pictures", "masks"):
        (folder / name).mkdir()
    for n, scene in enumerate(SCENES):
        Image.fromarray(scene.picture.pixels).save(folder / "pictures" / f"{n}.png")
        Image.fromarray(mask_of(scene)).save(folder / "masks" / f"{n}.png")
        lines.append(",".join(map(str, (f"{n}.png", scene.name, *scene.truth.extents[0]))))
    (folder / "masks" / "labels.csv").write_text(
        "\n".join(["image,label", *(f"{n}.png,{scene.name}" for n, scene in enumerate(SCENES))]), "utf-8"
    )
    (folder / "boxes.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def mask_of(scene: Scene) -> np.ndarray:
    return scene.truth.on(scene.picture.pixels.shape[:2])


def benchmark(folder: Path, truth: str, out: Path, *more: str) -> list[BenchmarkRow]:
    words = ["benchmark", str(folder / "pictures"), "--boxes", str(folder / truth), "--out", str(out)]
    words += ["--models", NETWORK, "--methods", ",".join(METHODS), "--steps", "0", *more]
    assert main(words) == 0
    return Journal(out / "results.csv", BenchmarkRow).rows


def test_cut_outs_are_measured_against_masks_for_each_method_and_the_centre(
    folder: Path, tmp_path: Path, network: cnnfix.Model
) -> None:
    rows = benchmark(folder, "masks", tmp_path, "--cut-outs")
    assert {row.method for row in rows} == {*METHODS, "centre", "random"}
    for row in rows:
        scene, picture = SCENES[int(row.picture)], cnnfix.open_picture(folder / "pictures" / f"{row.picture}.png")
        map_ = attribution(network, picture, scene.label, row.method, longest_side=MAP_SIDE).map
        cut, mask = cut_out(picture.pixels, map_), mask_of(scene)
        assert row.cut_out == pytest.approx((cut & mask).sum() / (cut | mask).sum(), rel=1e-6)
    assert "Cut-out: IoU with the object" in (tmp_path / "tables.md").read_text("utf-8")


def test_where_only_boxes_are_known_the_box_around_a_cut_out_counts(folder: Path, tmp_path: Path) -> None:
    masks = {(row.picture, row.method): row for row in benchmark(folder, "masks", tmp_path / "masks", "--cut-outs")}
    for row in benchmark(folder, "boxes.csv", tmp_path / "boxes", "--cut-outs"):
        assert 0 <= row.cut_out <= 1
        assert row.cut_out != masks[row.picture, row.method].cut_out


def test_iou_of_a_cut_out_by_hand() -> None:
    cut = np.zeros((10, 20), bool)
    cut[2:6, 4:8] = True
    cut[3, 5] = False  # a hole
    mask = np.zeros((10, 20), bool)
    mask[2:6, 4:12] = True
    assert cut_out_iou(cut, GroundTruth(20, 10, mask=mask)) == 15 / 32
    boxes = ((4, 2, 11, 5), (15, 0, 19, 9))
    assert cut_out_iou(cut, GroundTruth(20, 10, boxes)) == best_iou((4, 2, 7, 5), boxes) == 0.5
    assert cut_out_iou(np.zeros_like(cut), GroundTruth(20, 10, boxes)) == 0
    assert cut_out_iou(np.zeros_like(cut), GroundTruth(20, 10, mask=mask)) == 0
    assert math.isnan(cut_out_iou(cut, GroundTruth(20, 10)))


def test_road_and_sensitivity_are_what_the_functions_say(folder: Path, tmp_path: Path, network: cnnfix.Model) -> None:
    rows = benchmark(folder, "boxes.csv", tmp_path, "--road", "--sensitivity", "--limit", "1")
    for row in rows:
        scene, picture = SCENES[int(row.picture)], cnnfix.open_picture(folder / "pictures" / f"{row.picture}.png")
        map_ = attribution(network, picture, scene.label, row.method, longest_side=MAP_SIDE).map
        assert row.road == pytest.approx(road(network, picture, map_, scene.label), rel=1e-6)
        assert row.sensitivity == pytest.approx(max_sensitivity(network, picture, scene.label, row.method))
        assert math.isnan(row.cut_out)


def test_proposals_are_measured_beside_fixed_boxes(folder: Path, tmp_path: Path, network: cnnfix.Model) -> None:
    benchmark(folder, "boxes.csv", tmp_path, "--proposals")
    rows = Journal(tmp_path / "proposals.csv", ProposalRow).rows
    assert len(rows) == len(SCENES) * len(COUNTS) * 2
    for n, scene in enumerate(SCENES):
        made = {
            FIXATIONS: [one.box for one in proposals(network, scene.picture, 50)],
            FIXED: centre_boxes(scene.picture.width, scene.picture.height, 50),
        }
        for row in rows:
            if row.picture == str(n):
                assert row.recall == recall(made[row.kind][: row.count], scene.truth.extents)
                assert row.truths == 1
    by_kind = defaultdict(list)
    for row in rows:
        by_kind[row.picture, row.kind].append(row.recall)
    assert all(recalls == sorted(recalls) for recalls in by_kind.values())  # more boxes never fit fewer
    assert "## Object proposals" in (tmp_path / "tables.md").read_text("utf-8")
    before = (tmp_path / "proposals.csv").read_bytes()
    benchmark(folder, "boxes.csv", tmp_path, "--proposals")  # nothing is missing
    assert (tmp_path / "proposals.csv").read_bytes() == before
    first = [Item("0", "", "", lambda: (SCENES[0].picture, SCENES[0].truth))]
    few = in_order(Journal(tmp_path / "proposals.csv", ProposalRow), [Source(NETWORK, lambda: network)], first)
    assert {row.picture for row in few} == {"0"}  # of an earlier run with more pictures


def test_all_objects_of_a_picture_are_to_be_found(tmp_path: Path) -> None:
    words = ["benchmark", "--scenes", "1", "--pairs", "1", "--models", NETWORK, "--methods", "gradcam", "--steps", "0"]
    assert main([*words, "--proposals", "--out", str(tmp_path)]) == 0
    truths = {row.picture: row.truths for row in Journal(tmp_path / "proposals.csv", ProposalRow).rows}
    assert sorted(truths.values()) == [1, 2]


@pytest.mark.parametrize("lost", [3, -1])
def test_a_damaged_row_of_proposals_is_measured_again_and_no_other(lost: int, folder: Path, tmp_path: Path) -> None:
    benchmark(folder, "boxes.csv", tmp_path, "--proposals")
    file = tmp_path / "proposals.csv"
    lines = file.read_bytes().splitlines(keepends=True)
    row = lines.pop(lost)
    file.write_bytes(b"".join([*lines, b"\0" * len(row[:-1]) + b"\n"]))
    benchmark(folder, "boxes.csv", tmp_path, "--proposals")
    found = file.read_bytes().splitlines(keepends=True)
    assert [*found[: len(lines)], *found[len(lines) + 1 :]] == [*lines, row]


def test_the_table_of_proposals_by_hand() -> None:
    rows = [
        ProposalRow("net", f"p{n}", kind, count, value, 1)
        for n in range(8)
        for kind, value in ((FIXATIONS, 1.0), (FIXED, 0.5))
        for count in COUNTS
    ]
    rows.append(ProposalRow("net", "torn", FIXED, 1, error="It is torn."))
    text = section(rows)
    assert "| 1 | **1.00** (1.00 to 1.00) | 0.50 (0.50 to 0.50) |" in text
    assert "8 pictures with\n8 true boxes" in text
    assert "Missing: torn. It is torn." in text
    worse = [replace(row, model="worse", recall=0.0 if row.kind == FIXATIONS else row.recall) for row in rows[:-1]]
    assert "| 1 | 0.00 (0.00 to 0.00) | **0.50** (0.50 to 0.50) |" in section(worse)
    assert "| 1 | **1.00** (1.00 to 1.00) | 0.00 (0.00 to 0.00) | 0.50 (0.50 to 0.50) |" in section([*rows, *worse])
    assert "| 1 | – | – |" in section([ProposalRow("net", "torn", FIXED, 1, error="It is torn.")])
    failed = section([ProposalRow("net", f"torn {n}", FIXED, 1, error="It is torn.") for n in range(7)])
    assert failed.endswith("- ... and 2 more: see the column error of proposals.csv.\n")


def test_compare_draws_and_measures_them(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, plain, cut = (tmp_path / name for name in ("numbers.csv", "plain.png", "cut.png"))
    box = ",".join(map(str, SCENES[0].truth.extents[0]))
    words = ["compare", str(folder / "pictures" / "0.png"), "--model", NETWORK, "--target", SCENES[0].name]
    words += ["--methods", "fixations", "--boxes", box]
    assert main([*words, "--figure", str(plain)]) == 0
    assert "cut_out" not in capsys.readouterr().out
    assert main([*words, "--cut-outs", "--road", "--csv", str(table), "--figure", str(cut)]) == 0
    assert "cut_out_iou" in capsys.readouterr().out
    row = next(csv.DictReader(table.open(encoding="utf-8")))
    assert 0 < float(row["cut_out_area"]) < 1
    assert 0 < float(row["cut_out_iou"]) <= 1
    assert -1 <= float(row["road"]) <= 1
    assert row["sensitivity"] == ""
    assert plain.read_bytes() != cut.read_bytes()
