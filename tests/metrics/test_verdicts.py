"""What tables say in words: right at the edges."""

from __future__ import annotations

import math

import pytest

from cnnfix_core.metrics import (
    Numbers,
    agreement_verdict,
    boxes_verdict,
    changes_verdict,
    curves_verdict,
    move,
    road_verdict,
    sensitivity_verdict,
)


@pytest.mark.parametrize(
    ("similarity", "words"),
    [
        (1, "hardly moved"),
        (0.68, "hardly moved"),
        (0.6, "hardly moved"),
        (0.599, "moved in part"),
        (0.3, "moved in part"),
        (0.299, "moved"),
        (0, "moved"),
        (-0.9, "moved"),
        (math.nan, None),
    ],
)
def test_how_much_a_map_moved(similarity: float, words: str | None) -> None:
    assert move(similarity) == words


def test_a_map_that_shuffled_weights_hardly_move_shows_little_of_what_was_learnt() -> None:
    said = changes_verdict({"Fixations": 0.68, "Gradient": 0.71, "LayerCAM": 0.4, "Grad-CAM": 0.17}, "weights")
    assert said == (
        "Fixations (0.68) and Gradient (0.71) hardly moved: such a map shows little of what was learnt. "
        "LayerCAM (0.40) moved in part. Grad-CAM (0.17) moved: such a map depends on what was learnt."
    )


def test_what_moved_means_depends_on_what_changed() -> None:
    assert (
        changes_verdict({"A": 0.9}, "class") == "A (0.90) hardly moved: such a map is much the same for both classes."
    )
    assert changes_verdict({"A": 0.1}, "class") == "A (0.10) moved: such a map tells the classes apart."
    assert changes_verdict({"A": 0.9}, "picture") == "A (0.90) hardly moved."
    assert changes_verdict({"A": math.nan}, "weights") == changes_verdict({}, "weights") == ""


def test_the_most_and_the_least_alike() -> None:
    pairs = {("A", "B"): 0.81, ("A", "C"): -0.1, ("B", "C"): math.nan}
    assert agreement_verdict(pairs) == "Most alike: A and B (0.81). Least alike: A and C (−0.10)."
    assert agreement_verdict({("A", "B"): 0.81}) == "Most alike: A and B (0.81)."
    assert agreement_verdict({("A", "B"): math.nan}) == agreement_verdict({}) == ""


def numbers(energy: float, iou: float) -> Numbers:
    return Numbers(1, energy, math.nan, iou, 0.3)


def test_maps_are_held_against_the_baselines() -> None:
    maps = {"Fixations": numbers(0.97, 0.74), "Grad-CAM": numbers(0.89, 0.85)}
    said = "Largest share of a map in the box: Fixations, 97 %. Best box: Grad-CAM, IoU 0.85."
    assert boxes_verdict(maps, []) == said
    assert (
        boxes_verdict(maps, [numbers(0.48, 0.41), numbers(0.45, 0.44)]) == f"{said} The baselines reach 48 % and 0.44."
    )
    assert boxes_verdict(maps, [numbers(0.97, 0.85)]).endswith(
        "No method beats the baselines, which reach 97 % and 0.85."
    )
    assert boxes_verdict({}, [numbers(0.5, 0.5)]) == ""


def test_the_best_curves() -> None:
    assert curves_verdict({"A": (0.6, 0.2), "B": (0.5, 0.1)}) == (
        "Best at insertion: A (0.60). Best at deletion: B (0.10)."
    )
    assert curves_verdict({}) == ""


def test_the_best_by_road_and_what_moves_under_noise() -> None:
    nan = float("nan")
    assert road_verdict({"A": 0.3, "B": nan, "C": 0.1}) == "Best by ROAD: A (0.30)."
    assert road_verdict({"A": -0.2, "B": -0.1}) == (
        "Best by ROAD: B (−0.10). None is better than noise, which has about 0."
    )
    assert sensitivity_verdict({"A": 0.3, "B": nan, "C": 0.1}) == "Moves least under noise: C (0.10). Most: A (0.30)."
    assert sensitivity_verdict({"A": 0.3}) == "Moves least under noise: A (0.30)."
    assert road_verdict({"A": nan}) == sensitivity_verdict({}) == ""
