"""Fixations on the picture: outliers, density and box against their plain definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED
from cnnfix_core.explanations.blur import blurred
from cnnfix_core.explanations.density import GRID
from cnnfix_core.explanations.fixations import Fixations, on_picture
from cnnfix_core.images.picture import Picture
from cnnfix_core.images.view import View
from cnnfix_core.regions.boxes import BoxRule, box_of
from cnnfix_core.regions.highest_density import region_holding

Size = tuple[int, int]


def fixations(
    points: Sequence[tuple[int, int]],
    size: Size,
    evidence: Sequence[float] | None = None,
    sigma: tuple[float, float] = (3, 3),
) -> Fixations:
    shares = np.ones(len(points)) / len(points) if evidence is None else np.array(evidence, float)
    return Fixations(np.array(points), shares, np.zeros(len(points), int), *size, sigma)


def scattered(count: int, size: Size, seed: int = 0) -> Fixations:
    random = np.random.default_rng(seed)
    places = random.choice(size[0] * size[1], count, replace=False)
    points = [(int(place % size[0]), int(place // size[0])) for place in places]
    return fixations(points, size, random.dirichlet(np.ones(count)))


def plainly_blurred(given: Fixations, sigma: tuple[float, float]) -> Any:
    grid = np.zeros((given.height, given.width))
    for (x, y), evidence in zip(given.xy, given.evidence, strict=True):
        grid[y, x] += evidence
    blurred = gaussian_filter(grid, sigma[::-1], mode="constant")
    return blurred / blurred.sum()


# --- outliers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("share", "distance"), [(0.05, 0.1), (0.02, 0.05), (0.3, 0.5)])
def test_outliers_by_their_definition(seed: int, share: float, distance: float) -> None:
    given = scattered(120, (90, 40), seed)
    radius = distance * math.hypot(90, 40)
    points = given.xy.tolist()
    near = [sum(math.dist(point, other) <= radius for other in points) for point in points]
    wanted = [point for point, count in zip(points, near, strict=True) if count > share * len(points)]
    kept = given.without_outliers(share, distance)
    assert kept.xy.tolist() == wanted
    assert len(kept.evidence) == len(kept.channel) == len(wanted)


def test_a_fixation_is_its_own_neighbour_and_the_distance_counts_in() -> None:
    given = fixations([(0, 0), (5, 0), (30, 0)], (30, 40))  # the diagonal is 50
    assert given.without_outliers(0.3, 0).xy.tolist() == [[0, 0], [5, 0], [30, 0]]
    assert given.without_outliers(1 / 3, 0.1).xy.tolist() == [[0, 0], [5, 0]]
    assert len(given.without_outliers(1 / 3, 0.099)) == 0


# --- density ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0, 2, 7.5])
def test_the_density_of_a_small_picture_is_exact(sigma: float) -> None:
    given = scattered(30, (41, 27))
    assert given.density(sigma) == pytest.approx(plainly_blurred(given, (sigma, sigma)), abs=1e-12)


def test_the_density_may_be_wider_across_than_down() -> None:
    given = fixations([(20, 10)], (41, 21), sigma=(6, 2))
    density = given.density()
    assert density == pytest.approx(plainly_blurred(given, (6, 2)), abs=1e-12)
    assert density[10, 26] == pytest.approx(density[12, 20])
    assert given.density((1, 1)) == pytest.approx(given.density(1))


@pytest.mark.parametrize(("size", "sigma"), [((1500, 1000), (20, 20)), ((700, 1301), (14, 30)), ((2000, 900), (6, 6))])
def test_the_density_of_a_large_picture_is_that_of_the_full_grid(size: Size, sigma: tuple[float, float]) -> None:
    given = replace(scattered(3000, size), sigma=sigma)
    density, wanted = given.density(), plainly_blurred(given, sigma)
    assert density.shape == wanted.shape
    assert density.sum() == pytest.approx(1)
    assert np.abs(density - wanted).sum() / 2 < 0.04
    assert np.abs(density - wanted).max() < 0.08 * wanted.max()


def test_a_smaller_map_of_the_same_proportions() -> None:
    given = replace(scattered(60, (1000, 600)), sigma=(30, 30))
    small = given.density(longest_side=100)
    assert small.shape == (60, 100)
    assert small.sum() == pytest.approx(1)
    wanted = plainly_blurred(given, (30, 30)).reshape(60, 10, 100, 10).sum(axis=(1, 3))
    assert np.abs(small - wanted).sum() / 2 < 0.04
    assert given.density(longest_side=5000).shape == (600, 1000)


@pytest.mark.parametrize("size", [(1, 1), (5000, 1), (1, 5000), (3000, 2)])
def test_the_density_of_extreme_pictures(size: Size) -> None:
    given = fixations([(size[0] - 1, size[1] - 1)], size)
    density = given.density()
    assert density.shape == size[::-1]
    assert density.sum() == pytest.approx(1)
    assert density[-1, -1] == pytest.approx(density.max())


# --- boxes ------------------------------------------------------------------------------------------------------------


def test_the_extent_is_inclusive() -> None:
    assert fixations([(3, 8), (10, 2), (5, 5)], (20, 20)).extent() == (3, 2, 10, 8)
    assert fixations([(7, 4)], (20, 20)).extent() == (7, 4, 7, 4)


def test_the_smallest_region_that_holds_a_share() -> None:
    density = np.array([[0.1, 0.2], [0.3, 0.4]])
    assert region_holding(density, 0.4).tolist() == [[False, False], [False, True]]
    assert region_holding(density, 0.5).tolist() == [[False, False], [True, True]]
    assert region_holding(density, 0.7).tolist() == [[False, False], [True, True]]
    assert region_holding(density, 0.71).tolist() == [[False, True], [True, True]]
    assert region_holding(density, 1).all()


def test_equally_strong_places_are_in_together() -> None:
    assert region_holding(np.array([0.25, 0.25, 0.4, 0.1]), 0.5).tolist() == [True, True, True, False]


def box_holding(given: Fixations, share: float) -> tuple[int, int, int, int] | None:
    return box_of(given.density(longest_side=GRID), BoxRule("share", share), given.width, given.height)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.98, 1])
def test_the_box_of_a_small_picture_by_its_definition(share: float) -> None:
    given = fixations([(12, 9), (30, 20), (31, 22)], (48, 32), (0.2, 0.5, 0.3), sigma=(2, 2))
    density = given.density()
    places = sorted(np.ndindex(density.shape), key=lambda place: -density[place])
    region, held = [], 0.0
    while held < share - 1e-9:
        region.append(places[len(region)])
        held += density[region[-1]]
    rows, columns = np.nonzero(density >= density[region[-1]])  # with those that are equally strong
    assert box_holding(given, share) == (columns.min(), rows.min(), columns.max(), rows.max())


@pytest.mark.parametrize("size", [(1, 1), (2500, 1700), (513, 3), (3, 2049), (80, 60)])
def test_boxes_lie_in_the_picture_and_around_what_they_hold(size: Size) -> None:
    corners = fixations([(0, 0), (size[0] - 1, size[1] - 1)], size) if size != (1, 1) else fixations([(0, 0)], size)
    assert box_holding(corners, 1) == (0, 0, size[0] - 1, size[1] - 1)
    middle = fixations([(size[0] // 2, size[1] // 2)], size, sigma=(0, 0))
    found = box_holding(middle, 0.98)
    assert found
    x0, y0, x1, y1 = found
    assert 0 <= x0 <= size[0] // 2 <= x1 < size[0]
    assert 0 <= y0 <= size[1] // 2 <= y1 < size[1]


# --- from views to the picture ----------------------------------------------------------------------------------------


def picture(size: Size) -> Picture:
    return Picture(np.zeros((size[1], size[0], 3), np.uint8), *size, "")


def walked(*elements: tuple[int, int, int, float]) -> Any:
    """Stands for a walk that reached these (channel, y, x, evidence)."""
    index = np.array([(0, *element[:3]) for element in elements])
    return SimpleNamespace(index=index, evidence=np.array([e[3] for e in elements]))


def test_what_falls_into_one_pixel_adds_up_and_the_stronger_channel_names_it() -> None:
    view = View("whole", (0, 0, 4, 2), (4, 4))
    trace = walked((0, 0, 1, 0.1), (2, 1, 1, 0.3), (1, 3, 3, 0.25), (0, 0, 0, 0.05))
    found = on_picture(picture((4, 2)), EVIDENCE, [(view, trace)])
    assert found.xy.tolist() == [[1, 0], [3, 1], [0, 0]]
    assert found.evidence == pytest.approx([0.4, 0.25, 0.05])
    assert found.channel.tolist() == [2, 1, 0]
    assert (found.width, found.height) == (4, 2)
    assert found.sigma == (EVIDENCE.sigma * 4 / 224, EVIDENCE.sigma * 2 / 224)


def test_views_bring_equal_parts() -> None:
    left, right = View("a", (0, 0, 2, 2), (2, 2)), View("b", (2, 0, 4, 2), (2, 2))
    found = on_picture(picture((4, 2)), EVIDENCE, [(left, walked((0, 0, 0, 1))), (right, walked((0, 1, 0, 0.8)))])
    assert found.xy.tolist() == [[0, 0], [2, 1]]
    assert found.evidence == pytest.approx([0.5, 0.4])


def test_without_weights_every_fixation_counts_the_same() -> None:
    view = View("whole", (0, 0, 2, 2), (2, 2))
    found = on_picture(picture((2, 2)), PUBLISHED, [(view, walked((0, 0, 0, 0.7), (0, 1, 1, 0.1)))])
    assert found.evidence == pytest.approx([0.4, 0.4])
    assert found.sigma == (PUBLISHED.sigma, PUBLISHED.sigma)


@pytest.mark.parametrize(
    ("shape", "sigma"),
    [
        ((37, 50), (2.0, 3.4)),
        ((30, 40), (20.0, 3.0)),
        ((1, 5), (2.0, 0.0)),
        ((7, 9), (0.3, 1e-7)),
        ((64, 1), (6.0, 6.0)),
    ],
)
def test_the_blur_is_scipy_s_to_the_last_bit(shape: tuple[int, int], sigma: tuple[float, float]) -> None:
    grid = np.random.default_rng(0).random(shape)
    assert np.array_equal(blurred(grid, sigma), gaussian_filter(grid, sigma, mode="constant"))
