"""The classifier of time series that comes with this project, and sample series."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from cnnfix_core.arrays import Floats
from cnnfix_core.modalities.timeseries.likeness import Likeness
from cnnfix_core.modalities.timeseries.model import SignalModel
from cnnfix_core.modalities.timeseries.network import FullyConvolutional
from cnnfix_core.zoo import Labels, project_file, state_dict
from cnnfix_site import ASSETS

FOLDER = ASSETS / "signals"
NAME, LENGTH = "exercises", 150
LABELS = Labels(
    ("arm raised", "arm turned inward", "shoulder blades", "rowing"),
    (
        "the straight arm is raised forward and lowered",
        "the forearm is turned inward against an elastic band, internal rotation",
        "the shoulder blades are drawn together, trapezius extension",
        "the hands are drawn up to the chest, upright row",
    ),
)
LICENCE = "MIT; trained on the smartwatch data of seglearn, BSD-3-Clause"


@dataclass(frozen=True, slots=True, eq=False)
class SignalSample:
    """A sample series; `label` is the index of its class in LABELS."""

    name: str
    label: int
    series: Floats


def weights() -> Path:
    """The path of the weights. Raises ModelError if the file is missing or damaged."""
    return project_file(FOLDER, f"{NAME}-*.safetensors", "The weights for exercises are", "assets/signals")


def load_signal_model() -> SignalModel:
    """Load the network that tells shoulder exercises apart. Raises ModelError if its file is missing or damaged."""
    module = FullyConvolutional(len(LABELS))
    state_dict.fill(module, load_file(weights()), "the network for exercises")
    module.requires_grad_(False).eval()
    likeness = Likeness.of(load_file(_likeness()))
    title = "Fully convolutional, shoulder exercises"
    return SignalModel(NAME, title, module, LABELS, LENGTH, "this project", LICENCE, likeness)


def _likeness() -> Path:
    return project_file(FOLDER, "likeness-*.safetensors", "The features of known series are", "assets/signals")


@cache
def signal_samples() -> tuple[SignalSample, ...]:
    """Sample series of the people from whom the network did not learn."""
    entries = json.loads((FOLDER / "samples.json").read_text("utf-8"))
    return tuple(SignalSample(one["name"], one["label"], np.array(one["series"], float)) for one in entries)
