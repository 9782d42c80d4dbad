"""What Compare measures besides boxes: cut-outs with their outlines, ROAD, sensitivity to noise, and the time left."""

from __future__ import annotations

import csv
import io
import math
import re
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cnnfix_core import load_model, open_picture
from cnnfix_core.images.samples import load_sample
from cnnfix_core.methods import METHODS, attribution
from cnnfix_core.metrics import GroundTruth, as_csv, cut_out_iou, max_sensitivity, road
from cnnfix_core.regions import MAP_SIDE, cut_out
from cnnfix_core.synthetic import HELD_OUT, compose
from cnnfix_core.utils import percent
from cnnfix_ui.compare import files, tables
from cnnfix_ui.compare.cells import CellStatus
from cnnfix_ui.compare.cut_outs import CutOut, cut
from cnnfix_ui.server.jobs import Job, Jobs
from tests.ui.test_compare_logic import compare

SCENE = {"picture": "drawn-star", "model": "scenes_resnet", "methods": "gradcam,fixations"}


def drawn(outline: dict[str, Any]) -> np.ndarray:
    """The places inside the path, by the edges to the left of each: (rows, columns)."""
    edges = np.zeros((outline["rows"] + 1, outline["columns"] + 1), int)
    for x, y, way, length in re.findall(r"M(\d+) (\d+)([hv])(\d+)", outline["path"]):
        if way == "v":
            edges[int(y) : int(y) + int(length), int(x)] += 1
    return (np.cumsum(edges, axis=1) % 2).astype(bool)[:-1, :-1]


def test_the_outline_is_the_edge_of_the_mask() -> None:
    mask = np.zeros((5, 6), bool)
    mask[1:4, 2:5] = True
    mask[2, 3] = False  # a hole
    mask[4, 5] = True  # in the corner
    outline = CutOut(mask, 0.0, None).outline
    np.testing.assert_array_equal(drawn(outline), mask)
    one = np.zeros((3, 3), bool)
    one[1, 1] = True
    assert CutOut(one, 0.0, None).outline["path"] == "M1 1h1M1 2h1M1 1v1M2 1v1"
    assert CutOut(np.zeros((3, 3), bool), 0.0, None).outline["path"] == ""
    random = np.random.default_rng(0).random((30, 40)) > 0.5
    np.testing.assert_array_equal(drawn(CutOut(random, 0.0, None).outline), random)


@pytest.mark.parametrize("side", [96, 500])
def test_a_cut_out_has_the_numbers_of_the_package(side: int) -> None:
    scene = compose(HELD_OUT + 300_500, side=side)
    map_ = scene.truth.on((96, 96)).astype(np.float32)
    found, mask = cut(scene.picture, map_), cut_out(scene.picture.pixels, map_)
    assert found.area == mask.mean()
    boxes = scene.truth.extents
    assert found.iou(boxes) == cut_out_iou(mask, GroundTruth(side, side, boxes))
    assert max(found.mask.shape) <= 320
    assert math.isnan(found.iou(()))
    empty = cut(scene.picture, np.zeros((9, 9), np.float32))
    assert (empty.area, empty.box, empty.iou(boxes)) == (0, None, 0)


def test_the_page_measures_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    offered: list[Any] = []
    monkeypatch.setattr(files, "offer", lambda grid: offered.append((grid, list(files._rows(grid)))))
    app = compare(**SCENE, cuts="True", road="True", sensitivity="True")
    model, picture = load_model(SCENE["model"]), open_picture(load_sample(SCENE["picture"]).read())
    by_columns = {tuple(one.value.columns): one.value.to_dict("records") for one in app.table}
    cuts = by_columns["Method", "Share of the picture", "Match (IoU)"]
    robust = by_columns["Method", "ROAD", "Sensitivity to noise"]
    grid, written = offered[-1]
    rows = list(csv.DictReader(io.StringIO(as_csv(written))))
    target = grid.cases[0].target.index
    names = ["gradcam", "fixations", "centre", "random"]
    assert [row["method"] for row in rows] == names
    for name, cut_row, robust_row, row in zip(names, cuts, robust, rows, strict=True):
        assert cut_row["Method"] == robust_row["Method"] == METHODS[name].title
        map_ = attribution(model, picture, target, name, longest_side=MAP_SIDE).map
        area = cut_out(picture.pixels, map_).mean()
        assert cut_row["Share of the picture"] == percent(float(area))
        wanted = road(model, picture, map_, target), max_sensitivity(model, picture, target, name)
        assert (robust_row["ROAD"], robust_row["Sensitivity to noise"]) == tuple(f"{value:.2f}" for value in wanted)
        found = (float(row[column]) for column in ("road", "sensitivity", "cut_out_area"))
        np.testing.assert_allclose(list(found), [*wanted, area], rtol=1e-4)
    said = " ".join(one.value.replace("\\", "") for one in app.markdown)
    assert "Best by ROAD: " in said
    assert "Moves least under noise: " in said


def test_nothing_is_measured_that_nobody_asked_for() -> None:
    app = compare(**SCENE)
    columns = {column for one in app.table for column in one.value.columns}
    assert not columns & {"ROAD", "Sensitivity to noise", "Share of the picture", "Insertion"}


def status(seconds: float, job: Job | None = None, method: str = "gradcam") -> CellStatus:
    cell = SimpleNamespace(method=method)
    found = SimpleNamespace(seconds=seconds)
    measured = {} if job is None else {"sensitivity": job}
    return CellStatus(cell, "done", found=found, measured=measured)  # type: ignore[arg-type]


def job(state: str, **given: Any) -> Job:
    made = Job("key", None, lambda _: True)
    for name, value in {"state": state, **given}.items():
        setattr(made, name, value)
    return made


def test_what_takes_long_says_how_long_before_and_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnfix_ui.server.jobs.time.monotonic", lambda: 130.0)
    waits = tables._waits
    assert waits(status(1.0, job("waiting")), "sensitivity") == "waiting, about 11 s left"
    assert waits(status(0.1, job("waiting")), "sensitivity") == "waiting"
    assert waits(status(9.0, job("running", share=0.5, started=100.0)), "sensitivity") == "50 %, about 30 s left"
    assert waits(status(0.1, job("running", share=0.75, started=127.0)), "sensitivity") == "75 %"
    assert waits(status(1.0, job("done", result=0.123)), "sensitivity") == "0.12"
    assert waits(status(1.0, job("failed", message="It failed.")), "sensitivity") == "It failed."
    assert waits(status(1.0), "sensitivity") == "–"
    grid = SimpleNamespace(measured=[status(10.0, method="rise"), status(0.5), status(0.5, job("done", result=0.1))])
    assert "about 2 min in all, most of it for RISE." in tables.how_long(grid)  # type: ignore[arg-type]
    assert tables.how_long(SimpleNamespace(measured=[status(0.1)])) == ""  # type: ignore[arg-type]


def test_a_running_job_knows_when_it_began() -> None:
    jobs, halfway, go_on = Jobs(1, 1000, lambda _: 1), threading.Event(), threading.Event()

    def work(at: Job) -> int:
        at.report(0.5)
        halfway.set()
        assert go_on.wait(60)
        return 1

    made = jobs.request("visitor", {"key": work})["key"]
    assert halfway.wait(60)
    assert 0 <= made.left < 600
    go_on.set()
    assert math.isnan(job("waiting").left)
