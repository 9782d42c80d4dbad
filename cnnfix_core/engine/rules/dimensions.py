"""Which dimensions an operation reduces or searches, from its arguments."""

from __future__ import annotations

from cnnfix_core.engine.rules.registry import known_as
from cnnfix_core.engine.tape import Operation


def reduced_dims(operation: Operation) -> list[int]:
    """Dimensions of a mean, sum, maximum or minimum: the second argument, one or a list; all if it is left out."""
    x, *rest = operation.args
    given = rest[0] if rest else None
    listed = [given] if isinstance(given, int) else given or range(len(x.shape))
    return sorted(dim % len(x.shape) for dim in listed)


def searched_dim(operation: Operation) -> int:
    """The dimension along which an operation selects an element; the last if it is left out."""
    # These have k before the dimension.
    given = operation.args[2 if known_as(operation) in ("aten.topk", "aten.kthvalue") else 1 :]
    return int(given[0] if given else operation.kwargs.get("dim", -1)) % max(len(operation.args[0].shape), 1)
