"""Changes to a picture or a network before it is explained again. A new one is one more entry in `CHANGES`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from cnnfix_core import Picture
from cnnfix_core.perturbations import BrushStroke, painted
from cnnfix_ui.server import results
from cnnfix_ui.server.results import Network

_STROKES = "compare.strokes"


@dataclass(frozen=True)
class Change:
    """One change.

    Attributes:
        title: in the menu.
        row: on the row.
        make: takes network, picture and the strokes brushed over the picture; returns the changed network and picture.
    """

    title: str
    row: str
    make: Callable[[Network, Picture, Sequence[BrushStroke]], tuple[Network, Picture]]


def _brushed(network: Network, picture: Picture, strokes: Sequence[BrushStroke]) -> tuple[Network, Picture]:
    return network, painted(picture, strokes)


def _noisy(kind: str, strength: int, network: Network, picture: Picture, _: object) -> tuple[Network, Picture]:
    return network, results.disturbed(network, picture, kind, strength)


def _shuffled(part: str, network: Network, picture: Picture, _: object) -> tuple[Network, Picture]:
    return results.with_shuffled_weights(network, part), picture


BRUSHED = "brush"
CHANGES = {
    BRUSHED: Change("Hide what I brush over", "Brushed over", _brushed),
    **{
        f"{kind}-{strength}": Change(
            f"Adversarial noise, {kind.upper()}, at most {strength}/255",
            f"Noise, {kind.upper()} {strength}/255",
            partial(_noisy, kind, strength),
        )
        for kind in ("fgsm", "pgd")
        for strength in (1, 2, 4, 8)
    },
    "forget-last": Change("Shuffle the last layer's weights", "Last layer shuffled", partial(_shuffled, "last")),
    "forget-all": Change("Shuffle all weights", "All weights shuffled", partial(_shuffled, "all")),
}
WEIGHTS_SHUFFLED = ("forget-last", "forget-all")


def parse_change(text: str) -> str:
    """The name of a change from the address. Raises ValueError for unknown names."""
    if text not in CHANGES:
        raise ValueError(text)
    return text


def strokes_on(picture: str) -> tuple[BrushStroke, ...]:
    """The strokes brushed over the picture with this name: (x, y, radius) in its pixels."""
    found: tuple[BrushStroke, ...] = _strokes().get(picture, ())
    return found


def brush(picture: str, strokes: tuple[BrushStroke, ...]) -> None:
    """Store the strokes brushed over the picture with this name; none uncovers it."""
    _strokes()[picture] = strokes


def _strokes() -> dict[str, tuple[BrushStroke, ...]]:
    kept: dict[str, tuple[BrushStroke, ...]] = st.session_state.setdefault(_STROKES, {})
    return kept
