"""The facts of one step, in the form in which the browser draws them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.backtrack import (
    Chosen,
    DecisionFacts,
    ElementFacts,
    Grid,
    InputFacts,
    Line,
    Path,
    PickFacts,
    Playback,
    Walked,
    inspect,
)
from cnnfix_ui.backtrack.maps_data import maps_data
from cnnfix_ui.backtrack.playback_data import packed

_SIGNIFICANT = 5


def answer(walked: Walked, number: int, chosen: Chosen | None) -> dict[str, Any]:
    """The answer for the browser, without the ids of walk and question.

    number: of the step that is shown. chosen: an element or place at any step, or None.
    """
    facts = inspect(walked, number, chosen)
    current = facts.current.row if facts.current else None
    return {
        "step": number,
        "chosen": facts.pick and _pick(facts.pick),
        "lit": facts.pick and _lit(walked.playbacks[0], walked.path, facts.pick.line),
        "heading": facts.kind,
        "module": facts.step.module,
        "shape": facts.shape,
        "point": -1 if facts.point is None else facts.point,
        "ranked": facts.ranked,
        "elements": [_element(listed, listed is facts.current) for listed in facts.elements],
        "decision": facts.decision and _decision(facts.decision),
        "maps": None if facts.step.field is None else maps_data(walked, facts.step, facts.selection, current),
    }


def _pick(pick: PickFacts) -> dict[str, Any]:
    return {"step": pick.chosen.step, "words": pick.label, "summary": pick.summary}


def _lit(playback: Playback, path: Path, followed: Line) -> dict[str, str]:
    """For each cloud with a point on the line: the share of each point's evidence that is on it, 0 to 255."""
    lit: dict[str, str] = {}
    for step in path.steps:
        number = playback.of_step[step.number]
        carried = followed.carried.get(step.value)
        if number < 0 or carried is None or str(number) in lit:
            continue
        share = np.ceil(255 * playback.clouds[number].on_line(carried))
        if share.any():
            lit[str(number)] = packed(share.astype(np.uint8))
    return lit


def _element(listed: ElementFacts, current: bool) -> dict[str, Any]:
    return {
        "id": name_in_step(listed.chosen),
        "label": listed.label,
        "share": listed.share,
        "sign": listed.sign,
        "current": current,
    }


def name_in_step(chosen: Chosen) -> str:
    """The element's name in the browser: the text of `Chosen` without the step."""
    return str(chosen).partition(".")[2]


def _decision(facts: DecisionFacts) -> dict[str, Any]:
    decision = facts.decision
    return {
        "kind": decision.kind,
        "title": facts.title,
        "value": rounded(decision.value),
        "sign": decision.sign,
        "evidence": decision.evidence,
        "sentence": decision.sentence,
        "terms": [_term(given, given is facts.inputs[0]) for given in facts.inputs],
        "inputs": decision.inputs,
        "others": rounded(decision.others),
        "bias": None if decision.bias is None else rounded(decision.bias),
        "grid": decision.grid and _grid(decision.grid),
    }


def _term(given: InputFacts, first: bool) -> dict[str, Any]:
    term, seen = given.term, given.chosen
    return {
        "label": given.label,
        "go": {"step": seen.step, "element": name_in_step(seen)} if seen and term.share > 0 else None,
        "activation": rounded(term.activation),
        "coefficient": None if term.coefficient is None else rounded(term.coefficient),
        "product": rounded(term.product),
        "share": term.share,
        "sign": term.sign,
        "winner": first and term.share > 0,
    }


def _grid(grid: Grid) -> dict[str, Any]:
    return {
        "channel": grid.channel,
        "corner": grid.corner,
        "step": grid.step,
        "activations": _numbers(grid.activations),
        "coefficients": None if grid.coefficients is None else _numbers(grid.coefficients),
        "products": None if grid.products is None else _numbers(grid.products),
        "winner": grid.winner,
    }


def _numbers(values: NDArray[Any]) -> list[list[float | None]]:
    """Rows of numbers, None outside the picture."""
    return [[rounded(value) for value in row] for row in values]


def rounded(value: float) -> float | None:
    """The value with five significant digits; None if it is not finite."""
    return float(f"{value:.{_SIGNIFICANT}g}") if math.isfinite(value) else None
