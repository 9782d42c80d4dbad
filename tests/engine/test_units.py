"""Any element inside a network as the question: units, channels at their strongest place."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.backtrack import Chosen, unit_of, walked
from cnnfix_core.batch import BatchExplainer, BatchResult, row_of
from cnnfix_core.cli.main import main
from cnnfix_core.errors import TargetError
from cnnfix_core.explanations.description import question, summary
from cnnfix_core.explanations.export import as_json


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Conv2d(6, 8, 3), nn.ReLU()
        )
        self.mix = nn.Linear(8, 8)
        self.head = nn.Linear(8, 4)
        self.unused = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        self.unused(x.mean((2, 3)))
        x = self.mix(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        scores: Tensor = self.head(x.relu().mean((2, 3)))
        return scores


SIZE = cnnfix.Preprocessing((16, 16), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), crop_pct=1.0)


@pytest.fixture(scope="module")
def model() -> cnnfix.Model:
    return cnnfix.Model.of(Net().eval(), preprocessing=SIZE)


def noise(seed: int) -> cnnfix.Picture:
    return cnnfix.open_picture(np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8))


def outputs(network: nn.Module, x: Tensor, name: str) -> Tensor:
    kept = []
    hook = network.get_submodule(name).register_forward_hook(lambda _module, _x, out: kept.append(out.detach().clone()))
    network(x)
    hook.remove()
    return kept[-1]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["body.0", "body.1", "body.3", "body", "mix", "head"])
def test_a_channel_is_explained_at_its_strongest_place(name: str, model: cnnfix.Model) -> None:
    x = model.inputs(noise(0), model.views(noise(0), "whole"))
    there = outputs(model.module, x, name)
    channels = there.movedim(-1, 1) if name == "mix" else there
    channel = int(channels[0].flatten(1).amax(1).argmax()) if channels.ndim > 2 else int(channels[0].argmax())
    tape = cnnfix.record_whole(model.module, x)
    reduced, place = cnnfix.Unit(name, channel).start(tape)
    assert reduced.output.shape == there.shape
    assert float(there[place]) == pytest.approx(float(channels[0, channel].max()), rel=1e-5)
    trace = cnnfix.unravel(tape, cnnfix.Unit(name, channel))
    assert trace.selection(trace.tape.output).index.tolist() == [int(np.ravel_multi_index(place, there.shape))]
    assert trace.fixations.evidence.sum() + sum(trace.left.values()) == pytest.approx(1)
    exact = cnnfix.unravel(cnnfix.record(model.module, x), cnnfix.Unit(name, place[1:]))  # needs no values
    assert exact.fixations.index.tolist() == trace.fixations.index.tolist()
    assert exact.fixations.evidence == pytest.approx(trace.fixations.evidence)


def test_an_element_sees_its_receptive_field(model: cnnfix.Model) -> None:
    tape = cnnfix.record(model.module, torch.rand(1, 3, 16, 16))
    rows = cnnfix.unravel(tape, cnnfix.Unit("body.3", (2, 5, 7))).fixations.index[:, 2]
    assert {int(n) for n in rows} <= set(range(4, 9))


@pytest.mark.parametrize(
    ("unit", "complaint"),
    [
        (cnnfix.Unit("body.33", 0), "No module 'body.33' computed anything. Did you mean"),
        (cnnfix.Unit("unused", 0), "No module 'unused' computed anything"),
        (cnnfix.Unit("body.0", 6), "no channel 6 in body.0: it has 6"),
        (cnnfix.Unit("body.0", (0, 16, 0)), "outside of what the module computes for a picture, 6 x 16 x 16"),
        (cnnfix.Unit("body.0", (0, 1)), "outside of what the module computes"),
    ],
)
def test_what_is_no_unit(unit: cnnfix.Unit, complaint: str, model: cnnfix.Model) -> None:
    tape = cnnfix.record_whole(model.module, torch.rand(1, 3, 16, 16))
    with pytest.raises(TargetError, match=complaint.replace(".", r"\.")):
        cnnfix.unravel(tape, unit)


def test_a_channel_needs_the_values(model: cnnfix.Model) -> None:
    with pytest.raises(TargetError, match="use record_whole"):
        cnnfix.unravel(cnnfix.record(model.module, torch.rand(1, 3, 16, 16)), cnnfix.Unit("body.1", 1))


@pytest.mark.parametrize("text", ["layer3:87", "layer3.1.conv2:87.4.5", "fc:0"])
def test_units_as_text(text: str) -> None:
    assert str(cnnfix.Unit.parse(text)) == text


@pytest.mark.parametrize("text", ["layer3", ":3", "layer3:", "layer3:-1", "layer3:a", "layer3:1.*"])
def test_what_is_no_text_of_a_unit(text: str) -> None:
    with pytest.raises(TargetError, match="is no unit"):
        cnnfix.Unit.parse(text)


# --- explanations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["evidence", "published"])
def test_a_unit_of_a_picture(preset: str, model: cnnfix.Model) -> None:
    found = cnnfix.explain(model, noise(1), cnnfix.Unit("body", 2), preset)
    assert found.unit is not None
    assert found.unit.module == "body"
    assert found.target.label == str(found.unit)
    assert found.target.score > 0
    assert math.isnan(found.target.probability)
    assert len(found.explained) == 1
    assert len(found.predictions) == 4
    assert f"from “{found.unit}” (activation" in summary(found, found.density())
    assert question(found.target, None) == f"Why “{found.unit}”?"
    read = json.loads(as_json(found))
    assert read["unit"] == str(found.unit)
    assert read["target"]["probability"] is None
    drawn = cnnfix.attribution(model, noise(1), cnnfix.Unit("body", 2), "fixations")
    assert drawn.asked == cnnfix.Unit("body", 2)
    assert drawn.fixations is not None


def test_methods_for_classes_refuse_units(model: cnnfix.Model) -> None:
    with pytest.raises(cnnfix.CnnfixError, match="Grad-CAM explains classes, not units"):
        cnnfix.attribution(model, noise(1), cnnfix.Unit("body", 2), "gradcam")


def test_a_batch_asks_each_picture(model: cnnfix.Model) -> None:
    unit = cnnfix.Unit("body", 2)
    pictures = [noise(seed) for seed in range(5)]
    for picture, answer in zip(pictures, BatchExplainer(model, cnnfix.EVIDENCE, unit).answers(pictures), strict=True):
        assert isinstance(answer, BatchResult)
        alone = cnnfix.explain(model, picture, unit)
        assert answer.explanation.unit == alone.unit
        assert answer.explanation.fixations.xy.tolist() == alone.fixations.xy.tolist()
        row = row_of("picture", answer)
        assert row.asked == str(alone.unit)
        assert row.score == pytest.approx(alone.target.score, rel=1e-5)
    with pytest.raises(TargetError, match="No module 'nowhere'"):
        BatchExplainer(model, cnnfix.EVIDENCE, cnnfix.Unit("nowhere", 2))


def test_backtrack_goes_on_from_what_is_chosen(model: cnnfix.Model) -> None:
    walk = walked(model, noise(2), None, [cnnfix.EVIDENCE])
    step = next(step for step in walk.path.steps if step.module == "body.3")
    assert step.field is not None
    selection = walk.trace.selection(step.value)
    channel = int(step.field.channels(selection.index)[0])
    assert unit_of(walk, Chosen(step.number, channel)) == cnnfix.Unit("body.3", channel)
    row, column = (int(n) for n in step.field.places(selection.index[:1])[0])
    exact = unit_of(walk, Chosen(step.number, channel, (row, column)))
    assert exact == cnnfix.Unit("body.3", (channel, row, column))
    assert unit_of(walk, Chosen(step.number, None, (row, column))) is None
    assert unit_of(walk, Chosen(len(walk.path.steps) - 1, 0)) is None  # the picture
    onward = walked(model, noise(2), exact, [cnnfix.EVIDENCE, cnnfix.PUBLISHED])
    assert onward.explanation.unit == exact
    assert len(onward.path.steps) < len(walk.path.steps)


# --- the command line -------------------------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for seed in range(3):
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8)).save(
            tmp_path / f"{seed}.png"
        )
    return tmp_path


def test_explain_a_unit(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["explain", str(pictures / "0.png"), "--model", "scenes_vgg", "--unit"]
    assert main([*command, "0:2", "--figure", str(pictures / "figure.png")]) == 0
    assert "from “0:2." in capsys.readouterr().out
    assert (pictures / "figure.png").stat().st_size > 0
    assert main([*command, "0:2", "--target", "3"]) == 2
    assert "a class or a unit, not both" in capsys.readouterr().err
    assert main([*command, "feature:2"]) == 2
    assert "No module 'feature'" in capsys.readouterr().err


def test_a_folder_for_a_unit(
    pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))  # workers load no script of another test
    command = ["batch", str(pictures), "--out", str(pictures / "out"), "--model", "scenes_vgg", "--workers", "1"]
    assert main([*command, "--unit", "0:2"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0].startswith("3 of 3 pictures explained")
    scores = [float(line.split()[0]) for line in lines[1:]]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)


def test_backtrack_from_a_unit(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtrack", str(pictures / "0.png"), "--model", "scenes_vgg", "--unit", "0:2"]) == 0
    assert "convolution" in capsys.readouterr().out.lower()
