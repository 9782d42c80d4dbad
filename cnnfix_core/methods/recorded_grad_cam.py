"""Grad-CAM from a recording: the part of the network after the feature map is run again, the rest is not."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cnnfix_core.engine import Tape
from cnnfix_core.explanations import RecordedPicture
from cnnfix_core.images import maps_on_picture
from cnnfix_core.methods.applying import reason_against
from cnnfix_core.methods.feature_maps import anatomy, ends_of_modules
from cnnfix_core.methods.method import Map
from cnnfix_core.methods.running_again import NotKeptError, run_again


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
    if maps is None or not bool(torch.isfinite(maps).all()):
        return None
    return maps_on_picture(recorded.picture, recorded.views, as_maps(maps), longest_side)


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
            scores = run_again(tape, end, features)[tape.output]
            [gradient] = torch.autograd.grad(_asked(scores, classes), features)
        except (NotKeptError, RuntimeError):
            return None
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return (weights * features.detach()).sum(dim=1).clamp_min(0)


def _asked(scores: Tensor, classes: Sequence[Sequence[int]]) -> Tensor:
    """The sum over the inputs of the class's score, or of its difference to the other class's score."""
    parts = [score[first] - score[list(other)].sum() for score, (first, *other) in zip(scores, classes, strict=True)]
    return torch.stack(parts).sum()
