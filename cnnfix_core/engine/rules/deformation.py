"""Deformable convolution: a convolution whose taps lie where computed offsets put them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.engine.rules.registry import Arrival, Question, rule
from cnnfix_core.engine.rules.sharing import Terms, through_terms


@rule("torchvision.deform_conv2d", args=(0, 1, 2, 3))
def deformable_convolution(question: Question) -> Iterable[Arrival]:
    """The inputs beside each tap, weighted by filter, interpolation and mask. Offsets and mask count as constants.

    Dai et al.: Deformable Convolutional Networks, ICCV 2017, eq. 2; Zhu et al.: Deformable ConvNets v2, CVPR 2019,
    eq. 1.
    """
    operation, selection = question.operation, question.selection
    x, weight, offset, mask = operation.args[:4]
    strides, paddings, dilations = (np.array(operation.args[at : at + 2]) for at in (5, 7, 9))
    groups, offset_groups, masked = operation.args[11:14]
    filters, shifts = weight.array(), offset.array()
    _, channels, *size = x.shape
    outputs, per_group, *kernel = filters.shape
    taps = np.stack(np.unravel_index(np.arange(np.prod(kernel)), kernel)) * dilations[:, None]

    def terms(rows: Ints) -> Terms:
        item, output, *place = np.unravel_index(selection.index[rows], selection.shape)
        channel = (output // (outputs // groups) * per_group)[:, None] + np.arange(per_group)  # (n, channels)
        part = channel // (channels // offset_groups)  # which offsets
        moved = shifts[item, :, place[0], place[1]].reshape(len(rows), offset_groups, -1, 2)
        start = np.stack(place, axis=1) * strides - paddings
        at = start[:, None, None] + taps.T + moved  # (n, offset groups, taps, 2)
        index, near = _neighbours(at, size)  # (n, offset groups, taps, 4)
        if masked:
            near = near * mask.array()[item, :, place[0], place[1]].reshape(*near.shape[:3], 1)
        row = np.arange(len(rows))[:, None]
        weights = filters[output].reshape(len(rows), per_group, -1)[..., None] * near[row, part]
        plane = (item[:, None] * channels + channel)[..., None, None]
        positions = np.where(weights != 0, plane * np.prod(size) + index[row, part], -1)
        return positions.reshape(len(rows), -1), weights.reshape(len(rows), -1)

    return through_terms(question, x, terms, per_group * taps.shape[1] * 4)


def _neighbours(at: Floats, size: list[int]) -> tuple[Ints, Floats]:
    """The four places around each position (..., 2) on a map, (..., 4), and their weights, 0 outside of the map."""
    below = np.floor(at).astype(np.int64)
    corner = below[..., None, :] + np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    weights = np.maximum(0, 1 - np.abs(at[..., None, :] - corner)).prod(axis=-1)
    inside = ((corner >= 0) & (corner < size)).all(axis=-1)
    clipped = np.clip(corner, 0, np.array(size) - 1)
    index: Ints = clipped[..., 0] * size[1] + clipped[..., 1]
    return index, np.where(inside, weights, 0)
