"""The files of a walk; made where the walk is."""

from __future__ import annotations

from cnnfix_core import Picture
from cnnfix_core.backtrack import Chosen, Walked, step_image, trace_json
from cnnfix_core.visualization import png


def step_file(walked: Walked, picture: Picture, step: int, chosen: Chosen | None) -> bytes:
    """One step as PNG."""
    return png(step_image(walked, picture, step, walked.line(chosen)))


def whole_walk(walked: Walked) -> bytes:
    """The walk as JSON."""
    return trace_json(walked).encode()
