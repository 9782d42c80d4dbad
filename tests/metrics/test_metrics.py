"""Numbers of maps, worked out by hand on tiny ones, and against plain loops on random ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from cnnfix_core.explanations.fixations import Fixations
from cnnfix_core.metrics import (
    Box,
    BoxRule,
    GroundTruth,
    Numbers,
    best_iou,
    box_of,
    energy_in,
    evidence_in,
    iou,
    numbers,
    overlap,
    peak_in,
    rank_correlation,
)

HALF = BoxRule("threshold", 0.5)
MOST = BoxRule("share", 0.9)


def inside(*rows: str) -> NDArray[np.bool_]:
    return np.array([[letter == "x" for letter in row] for row in rows])


def random_boxes(rng: np.random.Generator, width: int, height: int, count: int) -> tuple[Box, ...]:
    """Some of them leave the picture, some lie outside of it."""
    xs = np.sort(rng.integers(-3, width + 3, (count, 2)), axis=1)
    ys = np.sort(rng.integers(-3, height + 3, (count, 2)), axis=1)
    return tuple((int(x0), int(y0), int(x1), int(y1)) for (x0, x1), (y0, y1) in zip(xs, ys, strict=True))


# --- the pointing game ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("saliency", "truth", "hit"),
    [
        ([[0, 9], [1, 2]], inside(".x", ".."), 1),
        ([[0, 9], [1, 2]], inside("x.", "xx"), 0),
        ([[9, 9], [1, 2]], inside("xx", ".."), 1),  # both of the equally strong
        ([[9, 9], [1, 2]], inside("x.", ".."), 0),  # only one of them
        ([[0, 0], [0, 0]], inside("xx", "xx"), 0),
        ([[3, 3], [3, 3]], inside("xx", "xx"), 0),
        ([[3, 3], [3, 3]], inside("x.", ".."), 0),
        ([[math.nan, 1], [2, 3]], inside("xx", "xx"), 0),
    ],
)
def test_peak(saliency: list[list[float]], truth: NDArray[np.bool_], hit: float) -> None:
    assert peak_in(np.array(saliency, np.float32), truth) == hit


def test_one_place_alone_is_no_peak() -> None:
    assert peak_in(np.ones((1, 1)), inside("x")) == 0


# --- the part inside --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("saliency", "truth", "energy"),
    [
        ([[1, 2], [3, 4]], inside(".x", ".."), 0.2),
        ([[1, 2], [3, 4]], inside(".x", ".x"), 0.6),
        ([[1, 2], [3, 4]], inside("xx", "xx"), 1),
        ([[0, 2], [0, 0]], inside("x.", "xx"), 0),
        ([[5, 5], [5, 5]], inside("x.", ".."), 0.25),
        ([[0, 0], [0, 0]], inside("xx", "xx"), 0),
    ],
)
def test_energy(saliency: list[list[float]], truth: NDArray[np.bool_], energy: float) -> None:
    assert energy_in(np.array(saliency, np.float32), truth) == pytest.approx(energy)


def test_energy_of_many_small_values_is_not_lost() -> None:
    saliency = np.full((2048, 2048), 0.1, np.float32)
    saliency[0, 0] = 1e7
    small = float(np.float32(0.1)) * (2**22 - 1)
    assert energy_in(saliency, saliency < 1) == pytest.approx(small / (small + 1e7), rel=1e-9)


def test_nothing_inside_has_no_number() -> None:
    nothing = inside("..", "..")
    saliency = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert math.isnan(peak_in(saliency, nothing))
    assert math.isnan(energy_in(saliency, nothing))
    assert math.isnan(evidence_in(fixations([(0, 0)], [1]), GroundTruth(4, 3)))


def fixations(places: list[tuple[int, int]], evidence: list[float]) -> Fixations:
    """In a picture of 4 x 3."""
    xy = np.array(places, np.int64).reshape(-1, 2)
    return Fixations(xy, np.array(evidence, float), np.zeros(len(evidence), np.int64), 4, 3, (1, 1))


def test_evidence_inside_boxes_inclusive_of_their_last_pixel() -> None:
    found = fixations([(0, 0), (3, 2), (1, 1), (2, 1)], [0.5, 0.25, 0.15, 0.1])
    assert evidence_in(found, GroundTruth(4, 3, ((0, 0, 0, 0),))) == pytest.approx(0.5)
    assert evidence_in(found, GroundTruth(4, 3, ((1, 1, 2, 1),))) == pytest.approx(0.25)
    assert evidence_in(found, GroundTruth(4, 3, ((1, 1, 3, 2), (2, 0, 3, 2)))) == pytest.approx(0.5)
    assert evidence_in(found, GroundTruth(4, 3, ((3, 0, 3, 1),))) == 0


def test_evidence_that_does_not_add_up_to_one_counts_in_parts_of_what_arrived() -> None:
    assert evidence_in(fixations([(0, 0), (3, 2)], [0.3, 0.1]), GroundTruth(4, 3, ((0, 0, 1, 1),))) == pytest.approx(
        0.75
    )


def test_evidence_inside_a_mask_of_another_size() -> None:
    found = fixations([(0, 0), (1, 0), (2, 1), (3, 2)], [0.4, 0.3, 0.2, 0.1])
    assert evidence_in(found, GroundTruth(4, 3, mask=inside("x."))) == pytest.approx(0.7)
    assert evidence_in(found, GroundTruth(4, 3, mask=inside("........", "....xx..", "......xx"))) == pytest.approx(0.3)


def test_no_fixations_bring_no_evidence() -> None:
    assert evidence_in(fixations([], []), GroundTruth(4, 3, ((0, 0, 3, 2),))) == 0


# --- the truth --------------------------------------------------------------------------------------------------------


def test_boxes_are_cut_at_the_edges_and_dropped_outside() -> None:
    truth = GroundTruth(6, 4, ((-5, -1, 2, 1), (4, 2, 9, 9), (6, 0, 8, 3), (0, -3, 5, -1), (2, 2, 1, 3)))
    assert truth.boxes == ((0, 0, 2, 1), (4, 2, 5, 3))
    assert truth.extents == truth.boxes
    assert truth.covered == (6 + 4) / 24
    assert GroundTruth(6, 4, ((6, 0, 8, 3),)).empty


def test_a_place_is_inside_when_its_centre_is() -> None:
    # Places of 3 x 2 pixels with centres at 1.5, 4.5, 7.5 across and 1, 3 down.
    assert (GroundTruth(9, 4, ((1, 1, 4, 3),)).on((2, 3)) == inside("xx.", "xx.")).all()
    assert (GroundTruth(9, 4, ((2, 0, 8, 2),)).on((2, 3)) == inside(".xx", "...")).all()
    assert (GroundTruth(9, 4, ((2, 0, 2, 0),)).on((2, 3)) == inside("x..", "...")).all()  # holds no centre
    assert (
        GroundTruth(9, 4, ((2, 0, 3, 0),)).on((2, 3)) == inside(".x.", "...")
    ).all()  # its middle lies between two places
    assert (GroundTruth(9, 4, ((1, 0, 8, 0),)).on((2, 3)) == inside("xxx", "...")).all()  # none down


def test_a_centre_between_two_pixels_belongs_to_the_second() -> None:
    assert (GroundTruth(4, 4, ((0, 0, 1, 3),)).on((2, 1)) == inside("x", "x")).all()
    truth = GroundTruth(2, 1, ((1, 0, 1, 0),))
    assert (truth.on((1, 1)) == inside("x")).all()
    assert (GroundTruth(6, 1, ((0, 0, 2, 0),)).on((1, 3)) == inside("x..")).all()
    assert (GroundTruth(6, 1, ((0, 0, 3, 0),)).on((1, 3)) == inside("xx.")).all()


@pytest.mark.parametrize("pixel", [(0, 0), (499, 0), (0, 299), (499, 299), (250, 150), (17, 233)])
def test_a_box_of_one_pixel_is_one_place(pixel: tuple[int, int]) -> None:
    x, y = pixel
    truth = GroundTruth(500, 300, ((x, y, x, y),))
    small = truth.on((3, 5))
    assert small.sum() == 1
    assert small[y // 100, x // 100]
    large = truth.on((300, 500))
    assert large.sum() == 1
    assert large[y, x]
    assert truth.covered == 1 / 150_000


def test_a_map_larger_than_the_picture() -> None:
    assert (GroundTruth(2, 1, ((1, 0, 1, 0),)).on((2, 6)) == inside("...xxx", "...xxx")).all()


def test_a_mask_of_another_size_and_its_extent() -> None:
    mask = inside("....", ".x..", ".xx.")
    truth = GroundTruth(8, 6, mask=mask)
    assert not truth.empty
    assert truth.covered == 3 / 12
    assert truth.extents == ((2, 2, 5, 5),)
    assert (truth.on((3, 4)) == mask).all()
    assert (truth.on((6, 8)) == np.kron(mask, np.ones((2, 2), bool))).all()
    assert (
        GroundTruth(2, 2, mask=mask).on((1, 2)) == inside("x.")
    ).all()  # the middle row's centres at 1 and 3: ".x.."


def test_a_small_mask_is_not_lost_on_a_coarse_map() -> None:
    mask = np.zeros((90, 90), bool)
    mask[31, 88] = True
    assert (GroundTruth(90, 90, mask=mask).on((3, 3)) == inside("...", "..x", "...")).all()
    assert mask.sum() == 1


@pytest.mark.parametrize("mask", [None, np.zeros((2, 3), bool)])
def test_an_empty_truth(mask: NDArray[np.bool_] | None) -> None:
    truth = GroundTruth(8, 6, mask=mask)
    assert truth.empty
    assert truth.covered == 0
    assert truth.extents == ()
    assert not truth.on((3, 4)).any()
    assert not truth.holds(np.array([[0, 0], [7, 5]])).any()


def test_boxes_and_mask_both_count() -> None:
    truth = GroundTruth(4, 2, ((0, 0, 0, 1),), inside("..xx", "...."))
    assert (truth.on((2, 4)) == inside("x.xx", "x...")).all()
    assert truth.covered == 4 / 8
    assert truth.extents == ((0, 0, 0, 1),)


def test_against_loops_over_all_pixels() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        width, height = (int(side) for side in rng.integers(1, 20, 2))
        boxes = random_boxes(rng, width, height, int(rng.integers(0, 4)))
        plain = np.zeros((height, width), bool)
        for (y, x), (x0, y0, x1, y1) in product(np.ndindex(plain.shape), boxes):
            plain[y, x] |= x0 <= x <= x1 and y0 <= y <= y1
        truth = GroundTruth(width, height, boxes)
        assert (truth.on((height, width)) == plain).all()
        assert truth.covered == pytest.approx(plain.mean())
        assert truth.empty == (not plain.any())
        places = np.argwhere(np.ones_like(plain))[:, ::-1]
        assert (truth.holds(places) == plain.reshape(-1)).all()
        assert (GroundTruth(width, height, mask=plain).holds(places) == plain.reshape(-1)).all()


def test_masks_of_any_size_are_asked_at_the_centre_of_each_pixel() -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        width, height, columns, rows = (int(side) for side in rng.integers(2, 15, 4))
        mask = rng.random((rows, columns)) < 0.5
        plain = [
            mask[int((y + 0.5) * rows / height), int((x + 0.5) * columns / width)] for y, x in np.ndindex(height, width)
        ]
        places = np.argwhere(np.ones((height, width)))[:, ::-1]
        assert GroundTruth(width, height, mask=mask).holds(places).tolist() == plain


# --- boxes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ((0, 0, 9, 9), (0, 0, 9, 9), 1),
        ((0, 0, 0, 0), (0, 0, 0, 0), 1),
        ((0, 0, 1, 0), (1, 0, 2, 0), 1 / 3),  # pixels are inclusive: one is common
        ((0, 0, 1, 1), (2, 0, 3, 1), 0),  # neighbours have none in common
        ((0, 0, 1, 1), (4, 0, 5, 1), 0),
        ((0, 0, 1, 1), (0, 4, 1, 5), 0),
        ((0, 0, 1, 1), (1, 1, 2, 2), 1 / 7),
        ((0, 0, 3, 3), (1, 1, 2, 2), 4 / 16),
        ((0, 0, 3, 3), (9, 9, 9, 9), 0),
        ((5, 0, 6, 9), (0, 4, 9, 4), 2 / 28),
    ],
)
def test_iou(one: Box, other: Box, share: float) -> None:
    assert iou(one, other) == iou(other, one) == pytest.approx(share)


def test_best_iou() -> None:
    boxes = ((9, 9, 9, 9), (0, 0, 3, 3), (0, 0, 1, 3))
    assert best_iou((0, 0, 1, 1), boxes) == 0.5
    assert best_iou(None, boxes) == 0
    assert math.isnan(best_iou((0, 0, 1, 1), ()))
    assert math.isnan(best_iou(None, ()))


PEAKS = np.array(
    [
        [0, 0, 0, 0, 0],
        [0, 8, 0, 0, 0],
        [0, 4, 0, 0, 0],
        [0, 0, 2, 0, 6],
    ]
)


@pytest.mark.parametrize(
    ("level", "largest", "box"),
    [
        (1, False, (1, 1, 1, 1)),
        (0.75, False, (1, 1, 4, 3)),  # 8 and 6: just at the level counts
        (0.75, True, (1, 1, 1, 1)),  # of two parts as large the first
        (0.5, False, (1, 1, 4, 3)),
        (0.5, True, (1, 1, 1, 2)),
        (0.25, True, (1, 1, 2, 3)),  # 2 touches 4 at a corner
        (0, False, (0, 0, 4, 3)),
    ],
)
def test_threshold(level: float, largest: bool, box: Box) -> None:
    assert box_of(PEAKS, BoxRule("threshold", level, largest), 5, 4) == box


@pytest.mark.parametrize(
    ("level", "largest", "box"),
    [
        (0.4, False, (1, 1, 1, 1)),  # 8 of 20
        (0.41, False, (1, 1, 4, 3)),
        (0.7, True, (1, 1, 1, 1)),
        (0.9, False, (1, 1, 4, 3)),
        (0.9, True, (1, 1, 1, 2)),  # 8 + 6 + 4
        (1, True, (1, 1, 2, 3)),
        (1, False, (1, 1, 4, 3)),
    ],
)
def test_share(level: float, largest: bool, box: Box) -> None:
    assert box_of(PEAKS, BoxRule("share", level, largest), 5, 4) == box


def test_the_largest_part_is_that_of_most_places_not_of_most_weight() -> None:
    saliency = np.array([[9, 0, 5, 5, 5]])
    assert box_of(saliency, BoxRule("threshold", 0.5, largest=True), 5, 1) == (2, 0, 4, 0)


@pytest.mark.parametrize("rule", [HALF, MOST, BoxRule("threshold", 0.2, largest=True)])
def test_a_map_of_zeros_has_no_box_and_a_constant_one_the_whole_picture(rule: BoxRule) -> None:
    assert box_of(np.zeros((3, 4)), rule, 40, 30) is None
    assert box_of(np.full((3, 4), 2.0), rule, 40, 30) == (0, 0, 39, 29)
    assert not rule.region(np.zeros((3, 4))).any()


def test_a_box_of_a_small_map_takes_all_pixels_that_its_places_touch() -> None:
    # 3 x 2 places in 10 x 5 pixels: edges at 3.33 and 6.67 across, 2.5 down.
    peak = np.zeros((2, 3))
    peak[0, 1] = 1
    assert box_of(peak, HALF, 10, 5) == (3, 0, 6, 2)
    assert box_of(peak[::-1], HALF, 10, 5) == (3, 2, 6, 4)
    assert box_of(np.roll(peak, 1, axis=1), HALF, 10, 5) == (6, 0, 9, 2)
    assert box_of(np.roll(peak, -1, axis=1), HALF, 10, 5) == (0, 0, 3, 2)
    assert box_of(peak, HALF, 2, 1) == (0, 0, 1, 0)  # of a map that is larger than the picture


def test_the_unit_of_a_map_does_not_matter() -> None:
    saliency = np.random.default_rng(0).random((9, 7), np.float32) ** 4
    for rule in (HALF, MOST, BoxRule("threshold", 0.3, largest=True), BoxRule("share", 0.6, largest=True)):
        assert box_of(saliency, rule, 70, 90) == box_of(saliency * 1024, rule, 70, 90)


# --- agreement --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [2, 5, 10_000])
def test_rank_correlation_is_that_of_scipy_also_with_ties(levels: int) -> None:
    rng = np.random.default_rng(levels)
    one = rng.integers(0, levels, (13, 17)).astype(np.float32)
    other = one * rng.random() + rng.integers(0, levels, (13, 17))
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one.reshape(-1), other.reshape(-1)).statistic)


def test_rank_correlation_by_hand() -> None:
    one = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert rank_correlation(one, one**5) == pytest.approx(1)
    assert rank_correlation(one, -one) == pytest.approx(-1)
    # Ranks 1.5, 1.5, 3, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 x 5).
    assert rank_correlation(np.array([[0, 0, 7, 9]]), one) == pytest.approx(4.5 / math.sqrt(22.5))
    assert math.isnan(rank_correlation(one, np.zeros((1, 4))))
    assert math.isnan(rank_correlation(np.ones((1, 4)), np.ones((1, 4))))


def test_overlap_by_hand() -> None:
    one = np.arange(10.0).reshape(2, 5)
    assert overlap(one, one, 0.3) == 1
    assert overlap(one, -one, 0.3) == 0
    assert overlap(one, -one, 0.6) == pytest.approx(2 / 6)
    assert overlap(one, np.array([[0, 0, 0, 0, 0], [0, 9, 0, 8, 7]]), 0.3) == pytest.approx(2 / 3)
    # At least one place, however small the share.
    assert overlap(np.array([[9, 1, 2, 3]]), np.array([[9, 3, 2, 1]])) == 1
    assert overlap(np.array([[9, 1, 2, 3]]), np.array([[8, 9, 2, 1]])) == 0


def test_no_credit_for_ties() -> None:
    falling = np.arange(20.0)[::-1].reshape(4, 5)
    for flat in (np.zeros((4, 5)), np.ones((4, 5))):
        assert overlap(flat, falling, 0.25) == pytest.approx(0.25)
        assert overlap(falling, flat, 0.25) == pytest.approx(0.25)
        assert overlap(flat, flat, 0.25) == pytest.approx(0.25)
    # Two maps with one place each, and all others equal: by chance 4 of the other 19 are drawn for each.
    one, other = np.zeros((4, 5)), np.zeros((4, 5))
    one[0, 0] = other[3, 4] = 1
    assert overlap(one, other, 0.25) == pytest.approx((2 * 4 / 19 + 18 * (4 / 19) ** 2) / 5)
    assert overlap(one, one, 0.25) == pytest.approx((1 + 19 * (4 / 19) ** 2) / 5)


def test_overlap_is_the_mean_over_draws_among_equals() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.integers(0, 4, (2, 6, 5))
    found = []
    for _ in range(4000):
        a, b = (set(np.lexsort((rng.random(30), -values.reshape(-1)))[:9]) for values in (one, other))
        found.append(len(a & b) / 9)
    assert overlap(one, other, 0.3) == pytest.approx(np.mean(found), abs=0.01)


# --- all of it --------------------------------------------------------------------------------------------------------


@dataclass
class Found:
    map: NDArray[np.float32]
    fixations: Fixations | None
    box: Box | None


def test_all_numbers_of_a_map() -> None:
    saliency = np.array([[0, 1, 0, 0], [0, 4, 2, 0], [0, 0, 1, 0]], np.float32)
    found = Found(saliency, fixations([(1, 1), (3, 2)], [0.6, 0.2]), (1, 0, 2, 2))
    truth = GroundTruth(4, 3, ((3, 0, 3, 0), (1, 1, 2, 2)))
    assert numbers(found, truth) == Numbers(1, 7 / 8, pytest.approx(0.75), 4 / 6, 5 / 12)


def test_the_box_is_held_against_the_extent_of_a_mask() -> None:
    found = Found(np.eye(3, 4, dtype=np.float32), None, (0, 0, 2, 2))
    said = numbers(found, GroundTruth(4, 3, mask=inside("x...", ".x..", "....")))
    assert (said.peak, said.energy, said.iou, said.covered) == (0, pytest.approx(2 / 3), 4 / 9, 2 / 12)


def test_numbers_without_fixations_box_or_truth() -> None:
    zeros = Found(np.zeros((3, 4), np.float32), None, None)
    said = numbers(zeros, GroundTruth(4, 3, ((0, 0, 1, 1),)))
    assert (said.peak, said.energy, said.iou, said.covered) == (0, 0, 0, 4 / 12)
    assert math.isnan(said.evidence)
    nothing = numbers(Found(np.eye(3, 4, dtype=np.float32), fixations([(0, 0)], [1]), (0, 0, 1, 1)), GroundTruth(4, 3))
    assert all(map(math.isnan, (nothing.peak, nothing.energy, nothing.evidence, nothing.iou)))
    assert nothing.covered == 0
