"""A walk prepared for stepping through: its path, the playback of one or two walks, and what the network saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from cnnfix_core.arrays import Floats, bytes_of
from cnnfix_core.backtrack.ancestry import Line, line
from cnnfix_core.backtrack.path import Path, path_of
from cnnfix_core.backtrack.picks import Chosen
from cnnfix_core.backtrack.playback.playback import Playback, playback
from cnnfix_core.engine import Preset, Trace, lighten, unravel_again
from cnnfix_core.explanations import Explanation, TargetSpec, explain
from cnnfix_core.images import Picture, View
from cnnfix_core.zoo import Model


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """One picture, one question, and walks under one or two presets over the same tape, which has all values.

    explanation: of the first preset. view: the part of the picture that the network saw. playbacks: one per walk.
    """

    explanation: Explanation
    view: View
    path: Path
    traces: tuple[Trace, ...]
    playbacks: tuple[Playback, ...]

    @property
    def trace(self) -> Trace:
        """The walk of the first preset."""
        return self.traces[0]

    def line(self, chosen: Chosen | None) -> Line | None:
        """The line of the chosen elements; None if there are none, or none that the walk passed through."""
        if chosen is None:
            return None
        step = self.path.steps[chosen.step]
        rows = chosen.rows(self.trace.selection(step.value), step)
        return line(self.trace, step.value, rows) if len(rows) else None

    @property
    def window(self) -> tuple[float, float, float, float]:
        """The part of the picture that the network saw: x0, y0, x1, y1, as fractions of its width and height."""
        (x0, y0, x1, y1), seen = self.view.box, self.explanation.fixations
        return x0 / seen.width, y0 / seen.height, x1 / seen.width, y1 / seen.height

    def on_picture(self, xy: Floats) -> Floats:
        """Convert (N, 2) positions from fractions of the network's input to fractions of the picture."""
        x0, y0, x1, y1 = self.window
        places: Floats = xy * np.array([x1 - x0, y1 - y0]) + np.array([x0, y0])
        return places

    @property
    def nbytes(self) -> int:
        """Memory of the tape's values, and of walks and playbacks."""
        clouds = chain(*(playback.clouds for playback in self.playbacks))
        kept = chain(*(trace.arrays for trace in self.traces), *(cloud.arrays for cloud in clouds))
        return self.trace.tape.nbytes + bytes_of(kept)


def walked(model: Model, picture: Picture, target: TargetSpec, presets: Sequence[Preset]) -> Walked:
    """Explain under the first preset, and walk again under the others; every value of the tape can be read.

    Only one view is walked; of five crops, the centre. Raises what `explain` and `unravel` raise.
    """
    first, *others = presets
    first = replace(first, crops="centre" if first.crops == "five" else first.crops)
    explanation = explain(model, picture, target, first, whole=True)
    trace = explanation.trace
    traces = (trace, *(unravel_again(trace, preset) for preset in others))
    path = path_of(*traces)
    playbacks = tuple(playback(one, path, path.fields) for one in traces)
    lighten(trace.tape)
    return Walked(explanation.without_traces(), explanation.explained[0], path, traces, playbacks)
