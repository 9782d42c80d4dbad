"""Values of a tape that are computed again when they are asked for, instead of being kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tag, Tensor, inference_mode, no_grad
from torch._ops import OpOverload
from torch.utils._pytree import tree_leaves, tree_map_only

from cnnfix_core.engine import rules
from cnnfix_core.engine.eval_mode import writes_silently
from cnnfix_core.engine.tape import Operation, Tape, Value

_MOST_STEPS = 3  # operations between what is kept and a value that is not


def lighten(tape: Tape) -> None:
    """Free the values of a tape that no rule reads, where few operations compute them again.

    The tape of `record_whole` then takes about the memory of that of `record`, and every value can still be read. The
    weights must stay as they were.
    """
    needed = {id(value) for value in (*tape.inputs, *tape.outputs, *_read(tape.operations))}
    steps: dict[int, int] = {}
    for operation in tape.operations:
        if not _repeatable(operation):
            continue
        away = 1 + sum(steps.get(id(value), 0) for value in operation.inputs())
        if away > _MOST_STEPS or any(value.kept is None and value.again is None for value in operation.inputs()):
            continue
        for value in operation.outputs:
            if id(value) not in needed and value.kept is not None:
                steps[id(value)] = away
                value.forget(_again)


def _again(value: Value) -> Tensor:
    operation: Any = value.producer
    writes = operation.call._schema.is_mutable

    def given(one: Value) -> Tensor | None:
        data = one.data
        return data.clone() if writes and data is not None else data

    with inference_mode(False), no_grad():
        args, kwargs = tree_map_only(Value, given, (operation.args, operation.kwargs))
        result = operation.call(*args, **kwargs)
    tensors = [result] if isinstance(result, Tensor) else [one for one in result if isinstance(one, Tensor)]
    found: Tensor = tensors[operation.outputs.index(value)]
    return found


def _read(operations: Iterable[Operation]) -> Iterable[Value]:
    """The values that rules read."""
    for operation in operations:
        reads = known.reads if (known := rules.find(operation.name)) else rules.Reads()
        args = [argument for at, argument in enumerate(operation.args) if at in reads.args]
        yield from (leaf for leaf in tree_leaves((args, operation.kwargs)) if isinstance(leaf, Value))
        yield from (value for at, value in enumerate(operation.outputs) if at in reads.outputs)


def _repeatable(operation: Operation) -> bool:
    """Whether the operation gives the same again: it returns what it computes, and draws no numbers."""
    call = operation.call
    if not isinstance(call, OpOverload) or Tag.nondeterministic_seeded in call.tags or not call._schema.returns:
        return False
    return not writes_silently(call, operation.args)
