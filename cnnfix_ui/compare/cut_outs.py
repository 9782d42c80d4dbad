"""The object that a map points at, for the grid: its outline, how large it is, and how well it fits the boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core import Picture
from cnnfix_core.images import scaled_size
from cnnfix_core.regions import Box, GroundTruth, best_iou, cut_out

_SIDE = 320  # places: more than the grid shows of a picture


@dataclass(frozen=True, eq=False)
class CutOut:
    """What is cut out from a map.

    Attributes:
        mask: (rows, columns) of the picture, scaled down.
        area: share of the picture, 0 to 1.
        box: around it, in inclusive pixels of the picture; None if nothing is cut out.
    """

    mask: NDArray[np.bool_]
    area: float
    box: Box | None

    @property
    def nbytes(self) -> int:
        """In memory."""
        return self.mask.nbytes

    def iou(self, boxes: Sequence[Box]) -> float:
        """IoU of the box around it with the best of the boxes; NaN without boxes."""
        return best_iou(self.box, boxes)

    @cached_property
    def outline(self) -> dict[str, Any]:
        """The edge of the mask for the browser: columns, rows, and an SVG path in places."""
        rows, columns = self.mask.shape
        padded = np.pad(self.mask, 1)
        across = _runs(padded[1:, 1:-1] != padded[:-1, 1:-1])
        down = _runs((padded[1:-1, 1:] != padded[1:-1, :-1]).T)
        path = [f"M{x} {y}h{length}" for y, x, length in across] + [f"M{x} {y}v{length}" for x, y, length in down]
        return {"columns": columns, "rows": rows, "path": "".join(path)}


def cut(picture: Picture, map_: NDArray[np.floating]) -> CutOut:
    """Cut out what a map of the picture points at."""
    mask = cut_out(picture.pixels, map_)
    size = scaled_size((picture.width, picture.height), _SIDE)
    around = GroundTruth(picture.width, picture.height, mask=mask).extents
    small = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
    return CutOut(small, float(mask.mean()), around[0] if around else None)


def _runs(edges: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Line, first place and length of each run of True along the lines of (lines, places)."""
    steps = np.diff(np.pad(edges, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    lines, starts = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    return list(zip(lines.tolist(), starts.tolist(), (ends - starts).tolist(), strict=True))
