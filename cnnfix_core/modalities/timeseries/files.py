"""The explanation of a time series in words, as CSV and as JSON."""

from __future__ import annotations

import numpy as np

from cnnfix_core.arrays import Floats
from cnnfix_core.explanations import class_as_dict, json_text, question_as_dict, rounded
from cnnfix_core.modalities.timeseries.explained import SignalExplanation
from cnnfix_core.regions import area_holding
from cnnfix_core.utils import csv_text, percent

UNKNOWN = (
    "This series is unlike all that the network learnt from: it cannot know what it is, and its answer and its"
    " percentages mean nothing."
)


def signal_words(found: SignalExplanation) -> str:
    """Describe where the evidence and the class activation map are in the series; values are counted from 1."""
    parts = [] if found.known else [UNKNOWN]
    if not np.ptp(found.series):
        return " ".join(
            [*parts, "The series is flat: all its values are the same, so no moment counts more than another."]
        )
    parts.append(f"Half of the evidence {_lies(found.density())}.")
    if found.cam is not None and found.cam.any():
        parts.append(f"Half of the class activation map {_lies(found.cam)}.")
    elif found.cam is not None:
        parts.append("The class activation map is empty: no feature map supports this class.")
    return " ".join(parts)


def signal_csv(found: SignalExplanation) -> str:
    """One row per value: its number, counted from 1, the value, its evidence, the density and the CAM."""
    cam = np.full(len(found.series), np.nan) if found.cam is None else found.cam
    rows = enumerate(zip(found.series, found.evidence, found.density(), cam, strict=True), 1)
    return csv_text(
        ("number", "value", "evidence", "density", "cam"),
        ((number, *("" if np.isnan(value) else f"{value:.6g}" for value in row)) for number, row in rows),
    )


def signal_json(found: SignalExplanation) -> str:
    """The question, the predictions, the series, and the evidence of each value."""
    content = {
        **question_as_dict(found),
        "predictions": [class_as_dict(one) for one in found.predictions],
        "known": found.known,
        "series": found.series.tolist(),
        "evidence": rounded(found.evidence),
        "cam": None if found.cam is None else rounded(found.cam),
    }
    return json_text(content)


def _lies(density: Floats) -> str:
    return f"lies on {percent(area_holding(density, 0.5))} of the series, strongest at moment {density.argmax() + 1}"
