"""Sketches, signals, clips, proposals and noise from a shell; every command that runs a network takes a device."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnfix_core as cnnfix
from cnnfix_core.cli.main import _COMMANDS, main
from cnnfix_core.explanations import centre_boxes, proposals, recall
from cnnfix_core.images import load_sample
from cnnfix_core.methods import attribution
from cnnfix_core.metrics import rank_correlation
from cnnfix_core.modalities.sketches import sketch, sketch_samples
from cnnfix_core.modalities.timeseries.shipped import signal_samples
from cnnfix_core.modalities.video.shipped import clip_samples
from cnnfix_core.perturbations import add_adversarial_noise, disturb
from cnnfix_core.regions import iou
from cnnfix_core.synthetic import HELD_OUT, compose

Said = Callable[..., str]
NETWORK = "scenes_resnet"


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command that succeeds: what it printed."""

    def said(*words: object) -> str:
        assert main([str(word) for word in words]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two scenes."""
    there = tmp_path / "pictures"
    there.mkdir()
    for number in range(2):
        Image.fromarray(compose(HELD_OUT + number).picture.pixels).save(there / f"{number}.png")
    return there


def test_sketch(say: Said, tmp_path: Path) -> None:
    drawing = tmp_path / "sun.png"
    Image.fromarray(sketch(next(one for one in sketch_samples() if one.kind == "sun").strokes).pixels).save(drawing)
    out = say("sketch", drawing, "--json", tmp_path / "sun.json", "--figure", tmp_path / "map.png")
    assert "sun" in out
    assert "of the evidence is on the ink" in out
    assert json.loads((tmp_path / "sun.json").read_text("utf-8"))["target"]["label"] == "sun"
    assert Image.open(tmp_path / "map.png").size[0] > 100


def test_signals(say: Said, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "series.csv"
    rows = [",".join(f"{value:.4f}" for value in one.series) for one in signal_samples()[:2]]
    table.write_text("\n".join(rows), "utf-8")
    out = say("signals", table, "--series", 2, "--csv", tmp_path / "values.csv", "--json", tmp_path / "values.json")
    assert "Half of the evidence" in out
    values = list(csv.DictReader((tmp_path / "values.csv").open(encoding="utf-8")))
    assert len(values) == len(signal_samples()[1].series)
    assert main(["signals", str(table), "--series", "3"]) == 2
    assert "2 series" in capsys.readouterr().err


def test_clip(say: Said, tmp_path: Path) -> None:
    frames = []
    for number, frame in enumerate(clip_samples()[0].clip.frames[:16]):
        frames.append(tmp_path / f"{number:02}.png")
        Image.fromarray(frame.pixels).save(frames[-1])
    out = say("clip", *frames, "--gif", tmp_path / "maps.gif", "--json", tmp_path / "clip.json")
    assert "Half of the evidence" in out
    assert Image.open(tmp_path / "maps.gif").format == "GIF"
    assert json.loads((tmp_path / "clip.json").read_text("utf-8"))["frames"]


def test_proposals(say: Said, folder: Path, tmp_path: Path) -> None:
    out = say("proposals", folder / "0.png", "--model", NETWORK, "--count", 6, "--csv", tmp_path / "boxes.csv")
    rows = list(csv.DictReader((tmp_path / "boxes.csv").open(encoding="utf-8")))
    found = proposals(cnnfix.load_model(NETWORK), cnnfix.open_picture(folder / "0.png"), 6)
    assert [tuple(int(row[side]) for side in ("x0", "y0", "x1", "y1")) for row in rows] == [one.box for one in found]
    assert len(out.splitlines()) == len(found) <= 6
    best = cnnfix.explain(cnnfix.load_model(NETWORK), folder / "0.png").box()
    assert best
    assert iou(found[0].box, best) > 0.9
    assert all(iou(a.box, b.box) < 0.8 for a in found for b in found if a is not b)


def test_recall_counts_true_boxes_that_one_fits() -> None:
    boxes = [(0, 0, 9, 9), (50, 50, 59, 59)]
    assert recall(boxes, [(0, 0, 9, 9), (20, 20, 29, 29)]) == 0.5
    assert recall(boxes, [(0, 0, 9, 4)]) == 1  # an IoU of exactly a half
    assert recall(boxes, [(0, 0, 9, 3)]) == 0
    assert np.isnan(recall(boxes, []))
    centred = centre_boxes(100, 80, 50)
    assert centred[0] == (10, 8, 89, 71)
    assert len(centred) > 15
    assert all(0 <= x0 <= x1 < 100 and 0 <= y0 <= y1 < 80 for x0, y0, x1, y1 in centred)


def test_disturb(say: Said, folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    words = ["--model", NETWORK, "--methods", "gradcam,cam", "--strength", 8, "--csv", table]
    out = say("disturb", folder, *words)
    model = cnnfix.load_model(NETWORK)
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert [row["picture"] for row in rows] == ["0", "1"]
    flipped = 0
    for row in rows:
        picture = cnnfix.open_picture(folder / f"{row['picture']}.png")
        noisy = add_adversarial_noise(model, picture, "fgsm", 8)
        flipped += noisy.before.index != noisy.after.index
        assert (row["before"], row["after"]) == (noisy.before.label, noisy.after.label)
        # Scenes have the size of the network's input, so the picture is the one that the noise was added to.
        maps = [attribution(model, one, noisy.before.index, "cam").map for one in (picture, noisy.picture)]
        wanted = rank_correlation(*maps)  # NaN for a map that the noise has emptied
        assert float(row["cam"] or "nan") == pytest.approx(wanted, abs=1e-4, nan_ok=True)
    assert f"changes the prediction of {flipped} of 2 pictures" in out
    assert "Grad-CAM" in out


def test_the_table_has_all_pictures_whatever_their_names(say: Said, folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "odd"
    place.mkdir()
    for name in (b"a.png", b"a.jpg", b"caf\xe9.png"):
        (place / os.fsdecode(name)).write_bytes((folder / "0.png").read_bytes())
    table = tmp_path / "rows.csv"
    say("disturb", place, "--model", NETWORK, "--methods", "gradcam", "--csv", table)
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert [row["picture"] for row in rows] == ["a", "a.png", r"caf\xe9"]


def test_without_noise_nothing_moves() -> None:
    found = disturb(cnnfix.load_model(NETWORK), compose(HELD_OUT).picture, ("gradcam",), strength=0)
    assert not found.flipped
    assert found.alike["gradcam"] == pytest.approx(1)


@pytest.mark.parametrize("command", [name for name in _COMMANDS if name not in ("models", "app")])
def test_every_command_that_runs_a_network_takes_a_device(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert "--device" in capsys.readouterr().out


def test_boxes_are_captioned_one_after_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, figure = tmp_path / "dog.jpg", tmp_path / "words.png"
    file.write_bytes(load_sample("dog").read())
    boxes = ["--box", "100,20,400,380", "--box", "0,0,250,300"]
    assert main(["caption", str(file), "--caption", "a dog", *boxes, "--figure", str(figure)]) == 0
    said = capsys.readouterr().out
    assert "Box 100,20,400,380: “a dog”" in said
    assert "Box 0,0,250,300: “a dog”" in said
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["words-1.png", "words-2.png"]
    assert main(["caption", str(file), "--box", "0,0,5,5"]) == 2
    assert "too small to see anything" in capsys.readouterr().err
