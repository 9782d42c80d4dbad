"""Explanations as JSON and CSV."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

import cnnfix_core as cnnfix
from cnnfix_core.explanations.export import as_csv, as_json


def test_json(explanation: cnnfix.Explanation, cat_file: Path) -> None:
    data = json.loads(as_json(explanation))
    assert {"model", "target", "preset", "image", "fixations", "box", "seconds"} <= set(data)
    assert data["model"] == "efficientnet_lite0"
    assert data["target"]["index"] == explanation.target.index
    assert data["target"]["label"] == explanation.target.label
    assert data["target"]["probability"] == pytest.approx(explanation.target.probability, abs=1e-6)
    assert data["rather_than"] is None
    assert data["preset"] == {"name": "evidence", "fan_out": 3, "beam": 8000, "crops": "whole"}
    digest = hashlib.sha256(cat_file.read_bytes()).hexdigest()
    assert data["image"] == {"width": 451, "height": 300, "sha256": digest}
    assert data["box"] == list(explanation.box())
    assert data["seconds"] == pytest.approx(explanation.seconds, abs=1e-4)


@pytest.mark.parametrize("which", ["explanation", "published"])
def test_the_fixations_in_json_are_those_that_are_shown(which: str, request: pytest.FixtureRequest) -> None:
    explained: cnnfix.Explanation = request.getfixturevalue(which)
    shown = explained.kept_fixations
    fixations = json.loads(as_json(explained))["fixations"]
    assert [place[:2] for place in fixations] == shown.xy.tolist()
    assert [place[2] for place in fixations] == pytest.approx(shown.evidence)


def test_a_contrast_in_json(explanation: cnnfix.Explanation) -> None:
    second = explanation.predictions[1]
    data = json.loads(as_json(replace(explanation, rather_than=second)))
    assert data["rather_than"]["index"] == second.index


def test_json_needs_no_traces(explanation: cnnfix.Explanation) -> None:
    assert as_json(explanation.without_traces()) == as_json(explanation)


def test_csv(explanation: cnnfix.Explanation) -> None:
    text = as_csv(explanation)
    assert text.startswith("x,y,evidence,channel\n")
    rows = list(csv.DictReader(io.StringIO(text)))
    fixations = explanation.fixations
    assert [[int(row["x"]), int(row["y"])] for row in rows] == fixations.xy.tolist()
    assert [float(row["evidence"]) for row in rows] == pytest.approx(fixations.evidence, rel=1e-5)
    assert [row["channel"] for row in rows] == [("red", "green", "blue")[c] for c in fixations.channel]
