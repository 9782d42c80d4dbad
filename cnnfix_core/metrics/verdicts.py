"""Plain verdicts: what a table of numbers says, in one or two sentences, computed from the numbers themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import Literal, TypeVar

from cnnfix_core.metrics.map_numbers import Numbers
from cnnfix_core.utils import decimals, percent

Key = TypeVar("Key")
SAME, OTHER = 0.6, 0.3  # rank correlations from which a map hardly moved, and below which it moved

Changed = Literal["weights", "class", "picture"]
Move = Literal["hardly moved", "moved in part", "moved"]

# What it means that a map hardly moved, and that it moved.
_MEANS: Mapping[Changed, Mapping[Move, str]] = {
    "weights": {
        "hardly moved": "such a map shows little of what was learnt",
        "moved": "such a map depends on what was learnt",
    },
    "class": {
        "hardly moved": "such a map is much the same for both classes",
        "moved": "such a map tells the classes apart",
    },
    "picture": {},
}


def move(similarity: float) -> Move | None:
    """How much a map moved, by its rank correlation with the map before; None for NaN.

    The limits are this project's choice: the test of Adebayo et al. (Sanity Checks for Saliency Maps, 2018) has none.
    """
    if isnan(similarity):
        return None
    if similarity >= SAME:
        return "hardly moved"
    return "moved in part" if similarity >= OTHER else "moved"


def changes_verdict(similarities: Mapping[str, float], changed: Changed) -> str:
    """Say which methods' maps moved, and what that means.

    Args:
        similarities: For each method's title, the rank correlation of its map with that before the change.
        changed: What was changed: the network's weights, the class, or the picture.

    Returns:
        One sentence per kind of move; "" if there is no number.
    """
    sentences = []
    for kind in ("hardly moved", "moved in part", "moved"):
        there = {title: value for title, value in similarities.items() if move(value) == kind}
        if there:
            listed = _listed(f"{title} ({decimals(value, 2)})" for title, value in there.items())
            meaning = _MEANS[changed].get(kind)
            sentences.append(f"{listed} {kind}{f': {meaning}' if meaning else ''}.")
    return " ".join(sentences)


def agreement_verdict(pairs: Mapping[tuple[str, str], float]) -> str:
    """Say which two methods' maps are most alike and which least. pairs: their rank correlations, NaN left out."""
    known = _known(pairs)
    if not known:
        return ""
    most, least = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
    said = f"Most alike: {most[0]} and {most[1]} ({decimals(known[most], 2)})."
    return said if most == least else f"{said} Least alike: {least[0]} and {least[1]} ({decimals(known[least], 2)})."


def boxes_verdict(maps: Mapping[str, Numbers], baselines: Sequence[Numbers]) -> str:
    """Say which method's map and box fit the ground truth best, and whether that beats the baselines.

    Args:
        maps: The numbers of each method's map, by its title.
        baselines: Those of the baselines on the same picture.
    """
    if not maps:
        return ""
    energy = max(maps, key=lambda title: maps[title].energy)
    fit = max(maps, key=lambda title: maps[title].iou)
    said = (
        f"Largest share of a map in the box: {energy}, {percent(maps[energy].energy)}."
        f" Best box: {fit}, IoU {maps[fit].iou:.2f}."
    )
    if not baselines:
        return said
    share, iou = max(one.energy for one in baselines), max(one.iou for one in baselines)
    if maps[energy].energy <= share and maps[fit].iou <= iou:
        return f"{said} No method beats the baselines, which reach {percent(share)} and {iou:.2f}."
    return f"{said} The baselines reach {percent(share)} and {iou:.2f}."


def curves_verdict(areas: Mapping[str, tuple[float, float]]) -> str:
    """Say which map is best at insertion and which at deletion. areas: the areas under both curves, by title."""
    if not areas:
        return ""
    insertion, deletion = max(areas, key=lambda title: areas[title][0]), min(areas, key=lambda title: areas[title][1])
    return (
        f"Best at insertion: {insertion} ({areas[insertion][0]:.2f})."
        f" Best at deletion: {deletion} ({areas[deletion][1]:.2f})."
    )


def road_verdict(values: Mapping[str, float]) -> str:
    """Say which map ROAD finds best. values: by title, NaN left out."""
    known = _known(values)
    if not known:
        return ""
    best = max(known, key=known.__getitem__)
    found = f"Best by ROAD: {best} ({decimals(known[best], 2)})."
    return found if known[best] > 0 else f"{found} None is better than noise, which has about 0."


def sensitivity_verdict(values: Mapping[str, float]) -> str:
    """Say which map moves least under noise and which most. values: by title, NaN left out."""
    known = _known(values)
    if not known:
        return ""
    least, most = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    said = f"Moves least under noise: {least} ({decimals(known[least], 2)})."
    return said if least == most else f"{said} Most: {most} ({decimals(known[most], 2)})."


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _known(values: Mapping[Key, float]) -> dict[Key, float]:
    return {key: value for key, value in values.items() if not isnan(value)}
