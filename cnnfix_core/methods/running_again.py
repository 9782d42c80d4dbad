"""Run the part of a recorded network that comes after one of its values again, with another tensor in its place."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_map_only

from cnnfix_core.engine import Operation, Tape, Value, returned
from cnnfix_core.errors import ModelError


class NotKeptError(ModelError):
    """The recording lacks a value."""

    def __init__(self) -> None:
        super().__init__("The recording of the network lacks a value that this method needs.")


def run_again(tape: Tape, operation: Operation, tensor: Tensor) -> dict[Value, Tensor]:
    """What the network computes after an operation if its first output were this tensor.

    Args:
        tape: The recording. A bias that is added to the scores last is taken as 0, so scores lack a constant.
        operation: One of its operations.
        tensor: In the shape of the operation's first output.

    Returns:
        The tensors that depend on it, itself and the network's output among them.

    Raises:
        NotKeptError: The recording lacks what the operations after it read, or the output does not depend on it.
        RuntimeError: An operation fails.
    """
    now = {operation.outputs[0]: tensor}

    def current(value: Value) -> Tensor:
        return now[value] if value in now else kept(value)

    for later in tape.operations:
        if later.index > operation.index and any(value in now for value in later.inputs()):
            arguments, options = tree_map_only(Value, current, (_without_last_bias(tape, later, tensor), later.kwargs))
            result = later.call(*arguments, **options)
            now |= dict(zip(later.outputs, returned(result), strict=True))
    if tape.output not in now:
        raise NotKeptError
    return now


def kept(value: Value) -> Tensor:
    """The tensor of a value. Raises NotKeptError if it was not kept."""
    if value.data is None:
        raise NotKeptError
    return value.data


def _without_last_bias(tape: Tape, operation: Operation, like: Tensor) -> tuple[Any, ...]:
    """The operation's arguments; a bias that is added to the scores, which is not kept, does not change gradients."""
    if operation.name != "aten.addmm" or operation.outputs[0] is not tape.output:
        return operation.args
    return like.new_zeros(()), *operation.args[1:]
