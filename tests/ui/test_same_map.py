"""All pages and the command line show the same map for the same question."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import cnnfix_core as cnnfix
from cnnfix_core.batch import BatchExplainer
from cnnfix_core.cli.main import main
from cnnfix_core.engine import Depth, get_preset
from cnnfix_core.explanations import classes
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.report import make_report
from cnnfix_core.synthetic import HELD_OUT, compose
from cnnfix_core.visualization import figures
from cnnfix_ui.compare.cases import Case
from cnnfix_ui.compare.cells import GridCell
from cnnfix_ui.compare.questions import CompareQuestion
from cnnfix_ui.server import results
from cnnfix_ui.server.jobs import Job
from cnnfix_ui.widgets.controls import WalkSettings
from cnnfix_ui.widgets.depths import usual

NAME = "scenes_resnet"


@pytest.fixture(scope="module")
def model() -> cnnfix.Model:
    return cnnfix.load_model(NAME)


@pytest.fixture(scope="module")
def scene() -> cnnfix.Picture:
    return compose(HELD_OUT).picture


@pytest.fixture(scope="module")
def explanation(model: cnnfix.Model, scene: cnnfix.Picture) -> cnnfix.Explanation:
    return cnnfix.explain(model, scene).without_traces()


def shown_by_compare(model: cnnfix.Model, scene: cnnfix.Picture, method: str) -> NDArray[np.float32]:
    predicted = classes(model, scene)
    asked = CompareQuestion(NAME, "scene")
    case = Case(asked, results.Network(NAME, model), scene, predicted, predicted.top(1)[0], None)
    cell = GridCell(method, case, WalkSettings("evidence", "balanced", None))
    return cell.compute(Job(cell.key, cell.compute, lambda _: True)).map


@pytest.mark.parametrize("depth", ["all", 4, 1])
def test_the_map_is_the_same_everywhere(
    model: cnnfix.Model,
    scene: cnnfix.Picture,
    explanation: cnnfix.Explanation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    depth: Depth,
) -> None:
    preset = get_preset("evidence", depth=depth)
    at_depth = explanation.at(depth)
    wanted = at_depth.map(MAP_SIDE)
    assert (wanted == cnnfix.explain(model, scene, preset=preset).map(MAP_SIDE)).all()

    explored = results.explained(results.Network(NAME, model), scene, None, get_preset("evidence")).at(depth)
    assert (usual(explored).map == wanted).all()
    assert explored.box() == at_depth.box()

    method = "fixations" if depth == "all" else f"fixations_{depth}"
    assert (shown_by_compare(model, scene, method) == wanted.astype(np.float32)).all()

    made = make_report(model, scene, None, preset)
    assert made.explanation.map(MAP_SIDE) == pytest.approx(wanted, rel=1e-4, abs=1e-9)  # on one thread
    assert made.compared[0].found.map == pytest.approx(made.explanation.map(MAP_SIDE).astype(np.float32))
    assert ("--depth" in made.command) == (depth != "all")

    (row,) = BatchExplainer(model, preset).answers([scene])
    assert not isinstance(row, cnnfix.CnnfixError)
    assert row.map == pytest.approx(wanted, rel=1e-3, abs=1e-8)  # a batch rounds otherwise

    file, drawn = tmp_path / "scene.png", []
    Image.fromarray(scene.pixels).save(file)
    monkeypatch.setattr(figures, "comparison", lambda *given: drawn.append(given) or Image.fromarray(scene.pixels))
    figure = str(tmp_path / "figure.png")
    assert main(["explain", str(file), "--model", NAME, "--depth", str(depth), "--figure", figure]) == 0
    assert (drawn[0][2] == wanted).all()


def test_what_the_slider_leads_to(explanation: cnnfix.Explanation) -> None:
    found = usual(explanation)
    assert list(found.every) == ["all", *explanation.depths]
    assert [layer.name for layer in found.layers][:: len(found.layers) - 1] == ["All depths", "Pixels"]
    assert found.number == 0
    for depth, layer in found.every.items():
        assert (layer.map == explanation.map(MAP_SIDE, depth)).all()
    found.choose(99)  # from the browser: changes nothing
    assert usual(replace(explanation, maps=((),))).every.keys() == {"all"}
