"""Fully connected layers and other matrix products with a constant matrix."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.engine import kernels
from cnnfix_core.engine.edges import Shared
from cnnfix_core.engine.rules.convolution import through_windows, window_geometry
from cnnfix_core.engine.rules.matmul import product
from cnnfix_core.engine.rules.registry import Arrival, Question, rule
from cnnfix_core.engine.rules.sharing import arrival, child_signs
from cnnfix_core.engine.tape import Value
from cnnfix_core.engine.window_products import largest_products


@rule("aten.addmm", args=(1, 2))
def addmm(question: Question) -> Iterable[Arrival]:
    """A fully connected layer with a bias; the bias gets no evidence."""
    _, x, matrix = question.operation.args
    return product_with_matrix(question, x, matrix)


@rule("aten.mm", args=(0, 1))
def mm(question: Question) -> Iterable[Arrival]:
    """A fully connected layer without a bias."""
    x, matrix = question.operation.args
    return product_with_matrix(question, x, matrix)


def product_with_matrix(question: Question, x: Value, matrix: Value) -> Iterable[Arrival]:
    """x: (M, K) times matrix: (K, O).

    With one row per item (picture, view, frame) it is a fully connected layer: all positive contributions share the
    evidence, or, on a spatial map under the published rules, the largest gets all. If rows are the places of a map, it
    is a 1 x 1 convolution.
    """
    if matrix.depends or not x.depends:
        yield from product(question, x, matrix)
        return
    # The matrix is nearly always a transposed parameter: transposed back, it is contiguous without a copy.
    values = x.array()
    weights = np.ascontiguousarray(matrix.strided().T, values.dtype)
    structure, selection = question.structure, question.selection
    if values.shape[0] > 1 and structure.has_places(x):
        yield from through_windows(question, x, weights, window_geometry((), (), (), 1))
    elif question.preset.spread or not structure.is_flat_map(x):
        yield dense(question, x, values, weights)
    else:
        inputs, filters = (array[..., None, None, None] for array in (values, weights))
        outputs, geometry = (selection.index, selection.sign), window_geometry((), (), (), 1)
        found = largest_products(inputs, filters, geometry, (1, 1, 1), outputs, k=1, floor=-np.inf)
        yield arrival(question, x, found.at, selection.evidence[:, None])


def dense(question: Question, x: Value, values: NDArray[Any], weights: NDArray[Any]) -> Arrival:
    """All positive contributions share. There may be millions of edges, so the lineage is computed only on request."""
    at, sign, evidence = question.selection.coordinates, question.selection.sign, question.selection.evidence
    arrived = kernels.share_rows(values, weights, at, sign, evidence).reshape(-1)
    index = np.flatnonzero(arrived)
    shared = Shared(values, weights, at, sign, evidence, index, np.arange(len(index)), len(index))
    return Arrival(x, index, child_signs(question.preset, x, index), arrived[index], shared)
