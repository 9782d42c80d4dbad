"""The classifier of time series that comes with this project, and sample series."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from cnnfix_core.arrays import Floats
from cnnfix_core.modalities.timeseries.model import SignalModel
from cnnfix_core.modalities.timeseries.network import FullyConvolutional
from cnnfix_core.zoo import Labels, project_file, state_dict
from cnnfix_site import ASSETS

FOLDER = ASSETS / "signals"
NAME, LENGTH = "gunpoint", 150
LABELS = Labels(
    ("gun drawn", "pointing"),
    (
        "the hand draws a replica gun from a holster, points, and puts it back",
        "the hand rises from the side, points with the index finger, and sinks again",
    ),
)
LICENCE = "MIT; trained on GunPoint (UCR archive), free for research and education"


@dataclass(frozen=True, slots=True, eq=False)
class SignalSample:
    """A sample series; `label` is the index of its class in LABELS."""

    name: str
    label: int
    series: Floats


def weights() -> Path:
    """The path of the weights. Raises ModelError if the file is missing or damaged."""
    return project_file(FOLDER, f"{NAME}-*.safetensors", "The weights for GunPoint are", "assets/signals")


def load_signal_model() -> SignalModel:
    """Load the network trained on GunPoint. Raises ModelError if its file is missing or damaged."""
    module = FullyConvolutional(len(LABELS))
    state_dict.fill(module, load_file(weights()), "the network for GunPoint")
    module.requires_grad_(False).eval()
    return SignalModel(NAME, "Fully convolutional, GunPoint", module, LABELS, LENGTH, "this project", LICENCE)


@cache
def signal_samples() -> tuple[SignalSample, ...]:
    """Sample series from GunPoint's test set."""
    entries = json.loads((FOLDER / "samples.json").read_text("utf-8"))
    return tuple(SignalSample(one["name"], one["label"], np.array(one["series"], float)) for one in entries)
