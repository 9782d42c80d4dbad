"""Measures of fixation prediction as their definitions say them: one loop for each sum.

Points are (column, row) of cells of the map, all with the same weight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

Points = Sequence[tuple[int, int]]


def nss(map_: np.ndarray, points: Points) -> float:
    cells = [float(value) for row in map_ for value in row]
    mean = sum(cells) / len(cells)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in cells) / len(cells))
    return sum((map_[y, x] - mean) / deviation for x, y in points) / len(points)


def auc_judd(map_: np.ndarray, points: Points) -> float:
    """The ROC curve point by point: every value of the map is a threshold, trapezoids between them."""
    free = [map_[y, x] for y in range(map_.shape[0]) for x in range(map_.shape[1]) if (x, y) not in points]
    curve = [(0.0, 0.0)]
    for threshold in sorted({float(value) for value in map_.flat}, reverse=True):
        hit = sum(map_[y, x] >= threshold for x, y in points) / len(points)
        false = sum(value >= threshold for value in free) / len(free)
        curve.append((false, hit))
    pairs = pairwise(curve)
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairs)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    a, b = list(one.flat), list(other.flat)
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    both = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return both / math.sqrt(sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b))


def information_gain(map_: np.ndarray, points: Points, prior: np.ndarray) -> float:
    def probability(values: np.ndarray, x: int, y: int) -> float:
        return 0.99 * values[y, x] / sum(values.flat) + 0.01 / values.size

    bits = [math.log2(probability(map_, x, y) / probability(prior, x, y)) for x, y in points]
    return sum(bits) / len(bits)


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    total, other_total = sum(one.flat), sum(other.flat)
    return sum(min(a / total, b / other_total) for a, b in zip(one.flat, other.flat, strict=True))


def look_map(points: Sequence[tuple[float, float]], width: int, height: int, sigma: float) -> np.ndarray:
    """A Gaussian at the middle of the pixel of each point; what falls outside the picture is given back to all."""
    found = np.zeros((height, width))
    for x, y in points:
        for row in range(height):
            for column in range(width):
                distance = (column - math.floor(x)) ** 2 + (row - math.floor(y)) ** 2
                found[row, column] += math.exp(-distance / (2 * sigma**2))
    return found / found.sum()
