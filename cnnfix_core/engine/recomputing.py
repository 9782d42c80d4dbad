"""Values of a tape that are computed again when they are asked for, instead of being kept."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from math import prod
from typing import Any

from torch import Tag, Tensor, inference_mode, no_grad
from torch._ops import OpOverload
from torch.utils._pytree import tree_map_only

from cnnfix_core.engine.eval_mode import writes_silently
from cnnfix_core.engine.results import returned
from cnnfix_core.engine.tape import Operation, Tape, Value

_MOST_STEPS = 8  # operations between what is kept and a value that is not: nearly a block of most networks


def lighten(tape: Tape) -> None:
    """Free most values of a whole tape: those that few operations compute again, and that are larger than others near.

    Every value can still be read. The weights must stay as they were.
    """
    freed = _spare(tape)
    for operation in tape.operations:
        for value in operation.outputs:
            if id(value) in freed:
                value.forget(_again)


def _spare(tape: Tape) -> set[int]:
    """The values to free, by identity. Where too many operations would follow one another, the smallest value stays."""
    stays = {id(value) for value in (*tape.inputs, *tape.outputs)}
    made_at: dict[int, int] = {}
    steps: dict[int, int] = {}
    at = 0
    while at < len(tape.operations):
        operation = tape.operations[at]
        before = [value for value in operation.inputs() if id(value) in steps and id(value) not in stays]
        away = 1 + sum(steps[id(value)] for value in before)
        if away > _MOST_STEPS and before:
            smallest = min(_between(before, stays, steps), key=_size)
            stays.add(id(smallest))
            at = made_at[id(smallest)] + 1
            continue
        readable = all(value.kept is not None for value in operation.inputs())
        for value in operation.outputs if readable and _repeatable(operation) else ():
            if value.kept is not None:
                steps[id(value)], made_at[id(value)] = away, at
        at += 1
    return steps.keys() - stays


def _between(values: Iterable[Value], stays: Container[int], steps: Container[int]) -> Iterator[Value]:
    """These values, and those before them, up to what stays."""
    waiting, seen = list(values), set[int]()
    while waiting:
        value = waiting.pop()
        if id(value) in stays or id(value) not in steps or id(value) in seen:
            continue
        seen.add(id(value))
        yield value
        waiting += value.producer.inputs() if value.producer else ()


def _size(value: Value) -> int:
    return prod(value.shape)


def _again(value: Value) -> Tensor:
    operation: Any = value.producer
    writes = operation.call._schema.is_mutable

    def given(one: Value) -> Tensor | None:
        data = one.data
        return data.clone() if writes and data is not None else data

    with inference_mode(False), no_grad():
        args, kwargs = tree_map_only(Value, given, (operation.args, operation.kwargs))
        result = operation.call(*args, **kwargs)
    found: Tensor = returned(result)[operation.outputs.index(value)]
    return found


def _repeatable(operation: Operation) -> bool:
    """Whether the operation gives the same again: it returns what it computes, and draws no numbers."""
    call = operation.call
    if not isinstance(call, OpOverload) or Tag.nondeterministic_seeded in call.tags or not call._schema.returns:
        return False
    return not writes_silently(call, operation.args)
