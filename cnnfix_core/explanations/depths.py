"""The evidence at each depth of a network, and the map that joins all depths.

A walk passes through the network's feature maps. Coarse ones, near the score, say well which part of the picture
counts; fine ones, near the pixels, say well where its edges are. Their geometric mean is high only where all depths
agree, so it has the virtues of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import ALL, Depth, Passage, Tape, Value, as_array, bottlenecks
from cnnfix_core.errors import CnnfixError
from cnnfix_core.images import Sized, View, maps_on_picture
from cnnfix_core.receptive_fields import Axis, Field, fields

_BLUR = 0.5  # of the distance between neighbouring places
_FLOOR = 1e-9  # of a map's maximum, so that places without evidence at one depth have a logarithm


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceMap:
    """The evidence that a walk brought to each place of one feature map, summed over channels.

    Attributes:
        module: The name of the module that computed the feature map.
        rows: Where its rows are in the network's input.
        columns: Where its columns are.
        evidence: (rows, columns), at least 0; sums to what the walk brought there.
    """

    module: str
    rows: Axis
    columns: Axis
    evidence: NDArray[np.float32]

    @property
    def stride(self) -> int:
        """Distance between neighbouring places, in pixels of the network's input, rounded."""
        return Field(self.rows, self.columns).stride

    def drawn(self, size: tuple[int, int]) -> Tensor:
        """The map on the network's input: each place is a Gaussian around the centre of its receptive field.

        Its standard deviation is half the distance to the next place.

        Args:
            size: Height and width of the input, in pixels.

        Returns:
            (height, width) of float32, sums to 1.
        """
        down, across = (_around(axis, side) for axis, side in zip((self.rows, self.columns), size, strict=True))
        # PyTorch's products, since its threads are bounded where a server or a batch bounds them.
        drawn = down @ torch.from_numpy(self.evidence) @ across.T
        return drawn / drawn.sum()


def depth_map(
    picture: Sized, views: Sequence[View], maps: Sequence[Sequence[EvidenceMap]], depth: Depth, longest_side: int | None
) -> Floats:
    """The evidence at one depth or all, on the picture; views count equally.

    Args:
        picture: What has the picture's size.
        views: The parts of the picture that were explained.
        maps: The evidence maps of each view.
        depth: "all", or the stride of one feature map.
        longest_side: Of the result, if smaller than the picture; None for the picture's size.

    Returns:
        (height, width), sums to 1.

    Raises:
        CnnfixError: The network has no feature map of this stride.
    """
    total = np.zeros(())
    for view, every in zip(views, maps, strict=True):
        wanted = [one for one in every if depth in (ALL, one.stride)]
        if not wanted:
            strides = ", ".join(str(one.stride) for one in every)
            raise CnnfixError(f"The network shows no depth {depth!r}: choose all, {strides}, or 1 for pixels.")
        seen = maps_on_picture(picture, [view], [joined(wanted, view.size)], longest_side)
        total = total + seen / seen.sum(dtype=float)
    return total / len(views)


def joined(maps: Sequence[EvidenceMap], size: tuple[int, int]) -> NDArray[np.float32]:
    """The geometric mean of maps on the network's input: (height, width), sums to 1."""
    drawn = torch.stack([found.drawn(size) for found in maps])
    mean = (drawn + _FLOOR * drawn.amax((1, 2), keepdim=True)).log().mean(0).exp()
    return as_array(mean / mean.sum())


def feature_maps(tape: Tape) -> dict[Value, Field]:
    """The feature maps of a network that show its evidence, one for each stride above 1, the coarsest first.

    Each is the last one of its stride that everything passes through on its way to the output, so that no evidence
    goes past it. Empty for networks that do not reduce the picture in steps, such as transformers.
    """
    where = fields(tape)
    found: dict[int, tuple[Value, Field]] = {}
    for value in bottlenecks(tape):
        if (field := where.get(value)) and (stride := field.stride) > 1:
            found.setdefault(stride, (value, field))
    return dict(found[stride] for stride in sorted(found, reverse=True))


def depths_of(maps: Iterable[EvidenceMap | Field]) -> tuple[int, ...]:
    """The strides of these maps in the same order, then 1 for the pixels."""
    return (*(found.stride for found in maps), 1)


def evidence_maps(passage: Passage, maps: Mapping[Value, Field]) -> tuple[EvidenceMap, ...]:
    """The evidence of a walk on these feature maps; those that it did not reach are left out."""
    reached = ((value, field, passage.selection(value)) for value, field in maps.items())
    return tuple(
        EvidenceMap(
            value.producer.module if value.producer else "",
            field.rows,
            field.columns,
            _by_place(field, field.places(selection.index), selection.evidence),
        )
        for value, field, selection in reached
        if len(selection)
    )


def _by_place(field: Field, places: NDArray[np.int64], evidence: Floats) -> NDArray[np.float32]:
    rows, columns = field.size
    summed = np.bincount(places[:, 0] * columns + places[:, 1], evidence, rows * columns)
    return summed.reshape(rows, columns).astype(np.float32)


@lru_cache(maxsize=64)  # the same for every class of a network
def _around(axis: Axis, side: int) -> Tensor:
    """(side, places) the Gaussian of each place along one side of the input."""
    distance = np.arange(side)[:, None] - axis.centres(np.arange(axis.count))
    return torch.from_numpy(np.exp(-0.5 * (distance / (_BLUR * axis.stride)) ** 2).astype(np.float32))
