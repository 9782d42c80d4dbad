"""The inputs of one element, tensor by tensor, with their numbers and coefficients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.backtrack.decisions.decision import Position
from cnnfix_core.engine import Value, as_array
from cnnfix_core.engine.positions import broadcast_index


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Inputs of an element in one tensor.

    index: (N,) positions in the flattened tensor, without repeats. activations: (N,) their values. coefficients: (N,),
    None if there are none. products: (N,) what each input contributed. rank: (N,) inputs of equal share are listed by
    this, largest first; None: by their products times the sign of the question.
    """

    value: Value
    index: Ints
    activations: Floats
    coefficients: Floats | None
    products: Floats
    rank: Floats | None = None


def linear(value: Value, index: Ints, coefficients: NDArray[Any]) -> Part:
    """Inputs that are multiplied by coefficients."""
    activations = numbers(value, index)
    weights = np.asarray(coefficients, np.float64)
    return Part(value, index, activations, weights, weights * activations)


def candidates(value: Value, index: Ints, taken: int, smallest: bool = False) -> Part:
    """Inputs of which one is copied unchanged; taken: its place in `index`, -1 if it is not among them."""
    activations = numbers(value, index)
    rank = -activations if smallest else activations.copy()
    products = np.zeros(len(index))
    if taken >= 0:
        rank[taken], products[taken] = np.inf, activations[taken]
    return Part(value, index, activations, None, products, rank)


def sole(value: Value, index: int, brought: float) -> Part:
    """A single input without a coefficient; brought: what it contributed."""
    one = np.array([index])
    return Part(value, one, numbers(value, one), None, np.array([brought]))


def united(parts: Iterable[Part]) -> list[Part]:
    """Merge the parts that belong to the same tensor: x + x is one input with the coefficient 2."""
    of_value: dict[Value, list[Part]] = {}
    for part in parts:
        of_value.setdefault(part.value, []).append(part)
    return [same[0] if len(same) == 1 else _joined(same) for same in of_value.values()]


def _joined(parts: Sequence[Part]) -> Part:
    index, first, which = np.unique(
        np.concatenate([part.index for part in parts]), return_index=True, return_inverse=True
    )

    def total(arrays: Iterable[Floats]) -> Floats:
        return np.bincount(which, np.concatenate(list(arrays)), minlength=len(index)).astype(np.float64)

    weights = [part.coefficients for part in parts if part.coefficients is not None]
    return Part(
        parts[0].value,
        index,
        np.concatenate([part.activations for part in parts])[first],
        total(weights) if len(weights) == len(parts) else None,
        total(part.products for part in parts),
    )


def numbers(value: Value, index: Ints) -> Floats:
    """The values at (N,) positions in the flattened tensor. Raises RuntimeError if the tape did not keep them."""
    data = value.data  # once: it may be computed again
    if data is None:
        raise RuntimeError(f"The values {value.origin()} were not kept: record the module with `record_whole`.")
    # Flattening would copy a transposed parameter of a hundred million numbers, so only these are looked up.
    places = tuple(torch.from_numpy(axis) for axis in np.unravel_index(index, value.shape or (1,)))
    return as_array((data if value.shape else data.reshape(1))[places]).astype(np.float64)


def number_at(given: Any, shape: Sequence[int], index: int) -> float:
    """The number itself, or the element of a tensor, broadcast to `shape`, at this position."""
    if not isinstance(given, Value):
        return float(given)
    return float(numbers(given, np.array([own_index(given, shape, index)]))[0])


def own_index(value: Value, shape: Sequence[int], index: int) -> int:
    """The position in the flattened tensor of the element that is broadcast to position `index` of `shape`."""
    return int(broadcast_index(np.array([index]), value.shape, shape)[0])


def place_of(value: Value, index: int) -> Position:
    """Convert a position in the flattened tensor to one number per dimension."""
    return tuple(int(n) for n in np.unravel_index(index, value.shape)) if value.shape else ()
