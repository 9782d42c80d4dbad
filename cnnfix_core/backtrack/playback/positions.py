"""Where the elements of a walk look in the picture: by their receptive field, or by the pixels that they led to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.engine import Trace, Value
from cnnfix_core.receptive_fields import Field


class Positions:
    """Positions in the network's input, as fractions of its width and height."""

    def __init__(self, trace: Trace, fields: Mapping[Value, Field]) -> None:
        self._trace = trace
        self._picture = trace.tape.inputs[0]
        self._field = fields.get(self._picture)
        # Columns and rows of the picture; any other input counts as one pixel.
        self._pixels: NDArray[np.int64] = np.array(self._field.size[::-1] if self._field else (1, 1))
        self._led_to: dict[Value, Floats] | None = None

    def at(self, field: Field, places: Ints) -> Floats:
        """(N, 2) centres of the receptive fields at (N, 2) rows and columns."""
        centres: Floats = ((field.centres(places) + 0.5) / self._pixels).clip(0, 1)
        return centres

    def cell(self, field: Field | None) -> tuple[float, float] | None:
        """Distance between neighbouring places; None without a map."""
        return None if field is None else self._parts(field.columns.stride, field.rows.stride)

    def size(self, field: Field | None) -> tuple[float, float] | None:
        """Size of a receptive field; None without a map."""
        return None if field is None else self._parts(field.columns.size, field.rows.size)

    def of(self, value: Value) -> Floats:
        """(N, 2) for each row of a value's selection: the mean of the pixels that it led to, weighted by evidence.

        The centre for rows that led to none.
        """
        if self._led_to is None:
            self._led_to = self._carried_up()
        return _means(self._led_to[value], otherwise=0.5).T

    def _carried_up(self) -> dict[Value, Floats]:
        """(3, N) for each value of the walk: the evidence that reached pixels, and its weighted sums of x and y."""
        trace = self._trace
        known = {value: np.zeros((3, len(trace.selection(value)))) for value in trace.values}
        if self._field and self._picture in known:
            pixels = trace.selection(self._picture)
            xy = self.at(self._field, self._field.places(pixels.index))
            known[self._picture] = np.vstack([np.ones(len(pixels)), xy.T]) * pixels.evidence
        for hop in reversed(trace.hops):
            reached = known[hop.input]
            arrived = (reached[0] > 0).astype(np.float64)
            parts = (arrived, *_means(reached, otherwise=0))
            known[hop.output] += np.stack([hop.up(part) for part in parts])
        return known

    def _parts(self, across: float, down: float) -> tuple[float, float]:
        width, height = self._pixels.tolist()
        return across / width, down / height


def _means(sums: Floats, otherwise: float) -> Floats:
    """(2, N) means from the (3, N) weights and sums; otherwise: the mean where the weight is 0."""
    weight = sums[0]
    means: Floats = np.divide(sums[1:], weight, out=np.full_like(sums[1:], otherwise), where=weight > 0)
    return means
