"""Objects of classes that a network never learnt: labels off, boxes kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnfix_core as cnnfix
from cnnfix_core.benchmark import BenchmarkRow, Item, without_labels
from cnnfix_core.benchmark.datasets import scenes
from cnnfix_core.cli.main import main
from cnnfix_core.methods import attribution
from cnnfix_core.regions import MAP_SIDE, GroundTruth, best_iou
from cnnfix_core.synthetic import CLASSES, HELD_OUT, UNSEEN_CLASSES, compose
from cnnfix_core.utils import Journal

NETWORK = "scenes_resnet"


def test_scenes_show_shapes_that_are_no_class() -> None:
    items = scenes.unseen(8)
    assert [item.picture.split()[0] for item in items] == [*UNSEEN_CLASSES] * 2
    assert not set(UNSEEN_CLASSES) & set(CLASSES)
    for item in items:
        assert item.label == ""
        picture, truth = item.read()
        assert 0.01 < truth.covered < 0.2
        assert (picture.width, picture.height) == (scenes.PICTURE_SIDE, scenes.PICTURE_SIDE)
    assert not {item.about for item in items} & {item.about for item in scenes.unseen(8, seed=1)}


@pytest.mark.parametrize("shape", range(len(UNSEEN_CLASSES)))
def test_an_unseen_shape_takes_the_place_of_the_object(shape: int) -> None:
    scene = compose(HELD_OUT, len(CLASSES) + shape)
    assert scene.name == UNSEEN_CLASSES[shape]
    assert scene.truth.mask is scene.things[0].mask
    assert compose(HELD_OUT).label < len(CLASSES)  # none is drawn at random


def test_labels_off_keeps_all_boxes_of_a_picture() -> None:
    scene = compose(HELD_OUT, 1)
    one, two = (10, 10, 20, 20), (40, 40, 60, 60)
    mask = np.zeros((96, 96), bool)
    mask[5, 5] = True
    truths = [GroundTruth(96, 96, (one,)), GroundTruth(96, 96, (two,), mask), GroundTruth(96, 96, (two,))]
    items = [
        Item(name, label, f"about {label}", lambda truth=truth: (scene.picture, truth))
        for name, label, truth in zip(("a", "a", "b"), ("star", "ring", "star"), truths, strict=True)
    ]
    first, second = without_labels(items)
    assert (first.picture, first.label, first.about) == ("a", "", "about star; about ring")
    assert (second.picture, second.label) == ("b", "")
    assert first.read()[1].boxes == (one, two)
    assert first.read()[1].mask is not None
    assert second.read()[1].boxes == (two,)


def folder_with_boxes(folder: Path) -> list[GroundTruth]:
    lines, truths = ["image,label,x0,y0,x1,y1"], []
    for n in range(3):
        scene = compose(HELD_OUT + n, len(CLASSES) + n)
        Image.fromarray(scene.picture.pixels).save(folder / f"{n}.png")
        lines.append(",".join(map(str, (f"{n}.png", scene.name, *scene.truth.extents[0]))))
        truths.append(GroundTruth(96, 96, (scene.truth.extents[0],)))
    (folder / "boxes.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return truths


def test_a_folder_of_unseen_classes_is_measured_with_labels_off(tmp_path: Path) -> None:
    truths = folder_with_boxes(tmp_path)
    words = ["benchmark", str(tmp_path), "--boxes", str(tmp_path / "boxes.csv"), "--models", NETWORK, "--steps", "0"]
    words += ["--methods", "fixations", "--out", str(tmp_path / "out")]
    assert main(words) != 0  # the network has none of the classes
    assert main([*words[:-1], str(tmp_path / "off"), "--without-labels"]) == 0
    rows = [one for one in Journal(tmp_path / "off" / "results.csv", BenchmarkRow).rows if one.method == "fixations"]
    model = cnnfix.load_model(NETWORK)
    for n, (row, truth) in enumerate(zip(rows, truths, strict=True)):
        found = attribution(model, tmp_path / f"{n}.png", None, "fixations", longest_side=MAP_SIDE)
        assert row.asked == row.predicted in CLASSES
        assert row.iou == pytest.approx(best_iou(found.box, truth.boxes))
        assert row.loc_given == (row.iou >= 0.5)
        assert np.isnan(row.right)
        assert np.isnan(row.loc_top1)


def test_the_page_says_what_unseen_shapes_are_taken_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "unseen.md"
    words = ["--scenes", "4", "--unseen", "--models", NETWORK, "--methods", "gradcam", "--steps", "0"]
    assert main(["benchmark", *words, "--markdown", str(page)]) == 0
    text = page.read_text("utf-8")
    assert text == capsys.readouterr().out
    assert all(f"| {shape} |" in text for shape in UNSEEN_CLASSES)
    assert "(1 of 1)" in text
    assert " --unseen` wrote this page" in text
    assert "top-1, %" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["folder", "--boxes", "b", "--out", "o", "--unseen"], "--unseen needs --scenes"),
        (["--scenes", "2", "--without-labels"], "with --scenes use --unseen"),
    ],
)
def test_labels_off_and_unseen_belong_to_different_pictures(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", *words]) == 2
    assert said in capsys.readouterr().err
