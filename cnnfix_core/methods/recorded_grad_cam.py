"""Grad-CAM from a recording: the part of the network after the feature map is run again, the rest is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from cnnfix_core.engine import Operation, Tape, Value
from cnnfix_core.explanations import RecordedPicture
from cnnfix_core.images import maps_on_picture
from cnnfix_core.methods.applying import reason_against
from cnnfix_core.methods.feature_maps import anatomy, ends_of_modules
from cnnfix_core.methods.method import Map


def recorded_grad_cam(
    recorded: RecordedPicture, asked: int | tuple[int, int], longest_side: int | None = None
) -> Map | None:
    """What `attribute` gives for Grad-CAM, from a recording: in a hundredth of the time.

    Args:
        recorded: What the network computed for the picture.
        asked: A class, or (a, b) for "a rather than b".
        longest_side: Of the map, in pixels; None for the size of the picture.

    Returns:
        As `attribute`; None if `attribute` must be asked instead.
    """
    model = recorded.model
    classes = (asked,) if isinstance(asked, int) else asked
    if reason_against(model, "gradcam", contrast=len(classes) == 2):
        return None
    maps = grad_cam_of_tape(recorded.tape, anatomy(model).last, [classes] * len(recorded.views))
    return None if maps is None else maps_on_picture(recorded.picture, recorded.views, as_maps(maps), longest_side)


def as_maps(maps: Tensor) -> list[Map]:
    """The maps of a batch, (N, h, w), one by one."""
    return list(maps.detach().float().cpu().numpy())


def grad_cam_of_tape(tape: Tape, layer: str, classes: Sequence[Sequence[int]]) -> Tensor | None:
    """Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1 and 2) of the inputs of a recorded batch.

    Args:
        tape: Of a classifier, for a batch of N inputs.
        layer: The module on whose output, (N, C, h, w), the maps are drawn.
        classes: For each input (a,), or (a, b) for "a rather than b".

    Returns:
        (N, h, w), at least 0; None if the recording does not have all that is needed, or an operation after the layer
        has no gradient.
    """
    end = ends_of_modules(tape).get(layer)
    found = None if end is None or len(end.outputs) != 1 else end.outputs[0].data
    if end is None or found is None:
        return None
    with torch.inference_mode(False), torch.enable_grad():
        features = found.detach().clone().requires_grad_()
        try:
            scores = _run_on(tape, end.index, end.outputs[0], features)
            [gradient] = torch.autograd.grad(_asked(scores, classes), features)
        except (_NotKeptError, RuntimeError):
            return None
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return (weights * features.detach()).sum(dim=1).clamp_min(0)


class _NotKeptError(Exception):
    """The recording lacks a value."""


def _run_on(tape: Tape, index: int, start: Value, tensor: Tensor) -> Tensor:
    """The output of the network if a value were this tensor: runs what comes after the operation with this index."""
    now = {id(start): tensor}

    def current(value: Value) -> Tensor:
        found = now.get(id(value), value.data)
        if found is None:
            raise _NotKeptError
        return found

    for operation in tape.operations:
        if operation.index > index and any(id(value) in now for value in operation.inputs()):
            given = _without_last_bias(tape, operation), operation.kwargs
            arguments, options = tree_map_only(Value, current, given)
            result = operation.call(*arguments, **options)
            tensors = [result] if isinstance(result, Tensor) else [one for one in result if isinstance(one, Tensor)]
            now |= {id(value): one for value, one in zip(operation.outputs, tensors, strict=True)}
    if id(tape.output) not in now:
        raise _NotKeptError
    return now[id(tape.output)]


def _without_last_bias(tape: Tape, operation: Operation) -> tuple[Any, ...]:
    """The operation's arguments; a bias that is added to the scores, which is not kept, does not change gradients."""
    if operation.name != "aten.addmm" or operation.outputs[0] is not tape.output:
        return operation.args
    return torch.zeros(()), *operation.args[1:]


def _asked(scores: Tensor, classes: Sequence[Sequence[int]]) -> Tensor:
    """The sum over the inputs of the class's score, or of its difference to the other class's score."""
    parts = [score[first] - score[list(other)].sum() for score, (first, *other) in zip(scores, classes, strict=True)]
    return torch.stack(parts).sum()
