"""An explanation as JSON and CSV."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from cnnfix_core.explanations.asking import ClassExplanation, Prediction
from cnnfix_core.explanations.explanation import Explanation
from cnnfix_core.explanations.fixations import Fixations
from cnnfix_core.utils import csv_text

_COLOURS = ("red", "green", "blue")
# What each fixation in a JSON file consists of.
FIXATION_COLUMNS = ("x", "y", "evidence")


def as_dict(explanation: Explanation) -> dict[str, Any]:
    """The content of the JSON file; fixations are in original pixels, strongest first."""
    fixations = explanation.kept_fixations
    pixels = zip(fixations.xy.tolist(), fixations.evidence.tolist(), strict=True)
    return {
        "model": explanation.model,
        **question_as_dict(explanation),
        "unit": explanation.unit and str(explanation.unit),
        "preset": {
            "name": explanation.preset.name,
            "fan_out": explanation.preset.fan_out,
            "beam": explanation.preset.beam,
            "crops": explanation.preset.crops,
        },
        "image": {"width": fixations.width, "height": fixations.height, "sha256": explanation.digest},
        "fixation_columns": FIXATION_COLUMNS,
        "fixations": [[x, y, evidence] for (x, y), evidence in pixels],
        "box": list(explanation.box()),
        "seconds": None if math.isnan(explanation.seconds) else round(explanation.seconds, 4),
    }


def as_json(explanation: Explanation) -> str:
    """The explanation as JSON text."""
    return json_text(as_dict(explanation))


def as_csv(explanation: Explanation) -> str:
    """The fixations as CSV: x, y, evidence, channel."""
    fixations = explanation.kept_fixations
    return csv_text(
        ("x", "y", "evidence", "channel"),
        (
            (x, y, f"{evidence:.6g}", channel)
            for (x, y), evidence, channel in zip(fixations.xy, fixations.evidence, fixations.channel_names, strict=True)
        ),
    )


def json_text(content: dict[str, Any]) -> str:
    """Write the dictionary of an explanation as JSON."""
    return json.dumps(content, ensure_ascii=False) + "\n"


def channel_name(channel: int) -> str:
    """The name of a colour channel."""
    return _COLOURS[channel] if channel < len(_COLOURS) else str(channel)


def question_as_dict(explanation: ClassExplanation) -> dict[str, Any]:
    """The question, as in the JSON files of all modalities: the explained class, and the second one of a contrast."""
    return {
        "target": class_as_dict(explanation.target),
        "rather_than": explanation.rather_than and class_as_dict(explanation.rather_than),
    }


def listed(fixations: Fixations | None) -> list[list[float]]:
    """Fixations, each as FIXATION_COLUMNS say, strongest first; empty if no evidence arrived."""
    if fixations is None:
        return []
    pixels = zip(fixations.xy.tolist(), rounded(fixations.evidence), strict=True)
    return [[x, y, evidence] for (x, y), evidence in pixels]


def rounded(values: Iterable[float]) -> list[float]:
    """Round to six significant digits, as in the files."""
    return [float(f"{value:.6g}") for value in values]


def class_as_dict(prediction: Prediction) -> dict[str, Any]:
    """A class, as in the JSON files."""
    return {
        "index": prediction.index,
        "label": prediction.label,
        "score": round(prediction.score, 5),
        "probability": None if math.isnan(prediction.probability) else round(prediction.probability, 6),
    }
