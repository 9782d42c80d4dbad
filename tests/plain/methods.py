"""What `attributions.py` has not: the way to the picture, masks and noise by themselves, and integrals by Gauss's rule.

An element at a time, in double precision; nothing is shared with the package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from tests.plain.attributions import Score, cam

Numbers = NDArray[np.float64]
Box = tuple[int, int, int, int]


def enlarged(small: Numbers, size: tuple[int, ...]) -> Numbers:
    """`attributions.bilinear` for large pictures: one side, then the other."""
    down, across = (_between(old, new) for old, new in zip(small.shape, size, strict=True))
    large: Numbers = down @ small @ across.T
    return large


def _between(old: int, new: int) -> Numbers:
    """How much each of the new places along a side has of each old one: the nearer of two the more."""
    parts = np.zeros((new, old))
    for n in range(new):
        at = min(max((n + 0.5) * old / new - 0.5, 0), old - 1)
        low = int(at)
        parts[n, low] += 1 - (at - low)
        parts[n, min(low + 1, old - 1)] += at - low
    return parts


def score_cam(maps: Numbers, picture: Numbers, score: Score, enlarged_first: bool) -> Numbers:
    """Wang et al., CVPR workshops 2020, eq. 3 to 7, with the softmax over channels.

    enlarged_first: a channel is enlarged before it is brought to 0 to 1, as in the paper, or after.
    """
    size = picture.shape[1:]
    scores = []
    for one in maps:
        mask = _from_0_to_1(enlarged(one, size)) if enlarged_first else enlarged(_from_0_to_1(one), size)
        scores.append(score(picture * mask))
    powers = [math.exp(value - max(scores)) for value in scores]
    return cam(maps, np.array([power / sum(powers) for power in powers]))


def _from_0_to_1(one: Numbers) -> Numbers:
    spread = one.max() - one.min()
    return (one - one.min()) / spread if spread else np.zeros_like(one)


def integrated(gradient: Callable[[Numbers], Numbers], picture: Numbers, points: int) -> Numbers:
    """Sundararajan et al., ICML 2017, eq. 1, from zeros, its integral by Gauss's rule for so many points."""
    total = np.zeros_like(picture)
    # The rule is for -1 to 1; the way goes from 0 to 1.
    for at, weight in zip(*np.polynomial.legendre.leggauss(points), strict=True):
        total += weight / 2 * gradient((at + 1) / 2 * picture)
    return picture * total


def masks(count: int, size: tuple[int, int]) -> Iterator[Numbers]:
    """Petsiuk et al., BMVC 2018, section 3.2: 7 x 7 cells, each shown or hidden, enlarged and cut out somewhere.

    The numbers are drawn as the package draws them; what is made of them is written here.
    """
    generator = torch.Generator().manual_seed(0)
    height, width = (math.ceil(side / 7) for side in size)
    for _ in range(count):
        drawn = torch.rand(1, 1, 7, 7, generator=generator)[0, 0].numpy()
        cells = np.array([[1.0 if value < 0.5 else 0.0 for value in row] for row in drawn])
        top, left = (int(torch.randint(side, (1,), generator=generator)) for side in (height, width))
        yield enlarged(cells, (8 * height, 8 * width))[top : top + size[0], left : left + size[1]]


def smooth_noise(drawn: Numbers, spread: float) -> Numbers:
    """Noise behind a Gaussian, cut off at four spreads, above its least value; at the edges it is mirrored."""
    reach = int(4 * spread + 0.5)
    bell = np.array([math.exp(-0.5 * (n / spread) ** 2) for n in range(-reach, reach + 1)])
    weights = np.outer(bell, bell) / bell.sum() ** 2
    mirrored = np.pad(drawn, reach, mode="symmetric")
    smooth: Numbers = np.zeros_like(drawn)
    for y, x in np.ndindex(drawn.shape):
        smooth[y, x] = (weights * mirrored[y : y + len(bell), x : x + len(bell)]).sum()
    smooth -= smooth.min()
    return smooth


def put_together(maps: Sequence[Numbers], boxes: Sequence[Box], size: tuple[int, int]) -> Numbers:
    """Maps, each enlarged to its box (x0, y0, x1, y1) of a picture: their mean where they overlap, 0 where none is."""
    total, times = np.zeros(size), np.zeros(size)
    for one, (x0, y0, x1, y1) in zip(maps, boxes, strict=True):
        total[y0:y1, x0:x1] += enlarged(one, (y1 - y0, x1 - x0))
        times[y0:y1, x0:x1] += 1
    return np.divide(total, times, out=total, where=times > 0)
