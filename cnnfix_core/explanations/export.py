"""An explanation as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from cnnfix_core.explanations.explanation import Explanation, Prediction

_COLOURS = ("red", "green", "blue")


def as_dict(explanation: Explanation) -> dict[str, Any]:
    """What the JSON holds; fixations as [x, y, evidence] in original pixels, strongest first."""
    fixations = explanation.kept_fixations
    places = zip(fixations.xy.tolist(), fixations.evidence.tolist(), strict=True)
    return {
        "model": explanation.model,
        "target": class_as_dict(explanation.target),
        "rather_than": explanation.rather_than and class_as_dict(explanation.rather_than),
        "preset": {
            "name": explanation.preset.name,
            "fan_out": explanation.preset.fan_out,
            "beam": explanation.preset.beam,
            "crops": explanation.preset.crops,
        },
        "image": {"width": fixations.width, "height": fixations.height, "sha256": explanation.digest},
        "fixations": [[x, y, evidence] for (x, y), evidence in places],
        "box": list(explanation.box()),
        "seconds": None if math.isnan(explanation.seconds) else round(explanation.seconds, 4),
    }


def as_json(explanation: Explanation) -> str:
    """The explanation as JSON text."""
    return json.dumps(as_dict(explanation), ensure_ascii=False) + "\n"


def as_csv(explanation: Explanation) -> str:
    """The fixations as CSV: x, y, evidence, channel."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("x", "y", "evidence", "channel"))
    fixations = explanation.kept_fixations
    for (x, y), evidence, channel in zip(fixations.xy, fixations.evidence, fixations.channel, strict=True):
        rows.writerow((x, y, f"{evidence:.6g}", channel_name(int(channel))))
    return text.getvalue()


def channel_name(channel: int) -> str:
    """Name of a colour channel."""
    return _COLOURS[channel] if channel < len(_COLOURS) else str(channel)


def class_as_dict(prediction: Prediction) -> dict[str, Any]:
    """What the JSON holds of a class."""
    return {
        "index": prediction.index,
        "label": prediction.label,
        "score": round(prediction.score, 5),
        "probability": round(prediction.probability, 6),
    }
