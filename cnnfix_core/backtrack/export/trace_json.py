"""A whole walk as JSON: every tensor that it went through, its elements, and their lineage."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from cnnfix_core.arrays import Floats
from cnnfix_core.backtrack.step_texts import kind, shape
from cnnfix_core.backtrack.walkthrough import Walked
from cnnfix_core.engine import Hop, Selection, Trace, Value

_MOST_EDGES = 1_000_000


def trace_json(walked: Walked) -> str:
    """The walk as JSON text.

    `tensors`: in the order of the walk, from the score to the picture, each with its shape, the module and operation
    that computed it, and its elements: `index` in the flattened tensor, `sign`, `evidence`. `hops`: `from` and `to` are
    indices into `tensors`; `parent` and `child` are rows of their elements, with the `evidence` that passed between
    them. Instead of pairs, "rows": "same" means that row n came from row n with all of its evidence, and "all" that a
    fully connected layer has too many pairs to list. Evidence has four significant digits.
    """
    explanation, trace = walked.explanation, walked.trace
    numbers = {value: number for number, value in enumerate(trace.values)}
    view = walked.view
    content = {
        "model": explanation.model,
        "target": explanation.target.label,
        "rather_than": explanation.rather_than and explanation.rather_than.label,
        "preset": trace.preset.name,
        "image": {"sha256": explanation.digest, "view": view.name, "box": list(view.box), "input": list(view.size)},
        "left": dict(zip(trace.left, _rounded(np.array([*trace.left.values()])), strict=True)),
        "tensors": [_tensor(walked, value) for value in trace.values],
        "hops": [_hop(trace, hop, numbers) for hop in trace.hops],
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def _tensor(walked: Walked, value: Value) -> dict[str, Any]:
    step, made = walked.path.step_of(value), value.producer
    return {
        "module": made.module if made else "",
        "operation": made.name if made else "input",
        "kind": kind(made),
        "shape": list(value.shape),
        "size": shape(step) if step else None,
        **_elements(walked.trace.selection(value)),
    }


def _elements(selection: Selection) -> dict[str, Any]:
    return {
        "index": selection.index.tolist(),
        "sign": selection.sign.tolist(),
        "evidence": _rounded(selection.evidence),
    }


def _hop(trace: Trace, hop: Hop, numbers: dict[Value, int]) -> dict[str, Any]:
    ends = {"from": numbers[hop.output], "to": numbers[hop.input]}
    given = trace.selection(hop.output).evidence
    if hop.shared and len(given) * len(trace.selection(hop.input)) > _MOST_EDGES:
        return {**ends, "rows": "all"}
    parent, child, evidence = hop.edges()
    if len(given) == len(parent) and np.array_equal(parent, child) and np.allclose(evidence, given[parent]):
        return {**ends, "rows": "same"}
    return {**ends, "parent": parent.tolist(), "child": child.tolist(), "evidence": _rounded(evidence)}


def _rounded(numbers: Floats) -> list[float]:
    """Round to four significant digits."""
    scale = 10.0 ** (3 - np.floor(np.log10(np.maximum(numbers, 1e-18))))
    rounded: list[float] = (np.rint(numbers * scale) / scale).tolist()
    return rounded
