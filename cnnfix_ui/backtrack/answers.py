"""What the browser is told of one step: the line of what is chosen, the strongest elements, and what decided one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.backtrack import Chosen, Line, Path, Playback, Step, Walked, decide, element, element_name, kind, shape
from cnnfix_core.backtrack.decisions.decision import Decision, Grid, Position, Term
from cnnfix_core.engine import Selection, Value
from cnnfix_core.utils import percent
from cnnfix_ui.backtrack.film_data import packed
from cnnfix_ui.backtrack.maps_data import maps_data

_LISTED = 12
_SIGNIFICANT = 5
_HERE = "Strongest here, with their share of the evidence"
_ON_LINE = "Strongest on the line, with their evidence that is on it"


def answer(walked: Walked, number: int, chosen: Chosen | None) -> dict[str, Any]:
    """The answer for the browser, without the names of film and question.

    number: of the step that is looked at. chosen: there or elsewhere, or None.
    """
    step = walked.path.steps[number]
    selection = walked.trace.selection(step.value)
    followed = walked.line(chosen)
    rows = _strongest(walked, step, chosen, followed)
    current = int(rows[0]) if len(rows) else None
    listed = _beside(walked, step, chosen, rows)
    elsewhere = followed if chosen and chosen.step != number else None
    shares = elsewhere.carried.get(step.value, selection.evidence) if elsewhere else selection.evidence
    return {
        "step": step.number,
        "chosen": chosen and followed and _summary(walked, chosen, followed),
        "lit": followed and _lit(walked.playbacks[0], walked.path, followed),
        "heading": _name(step),
        "kind": kind(step.operation),
        "shape": shape(step),
        "point": _point(walked.playbacks[0], step, current),
        "ranked": _ON_LINE if elsewhere else _HERE,
        "elements": [_element(step, selection, shares, int(row), row == current) for row in listed],
        "decision": None if current is None else _decision(walked, step, current),
        "maps": None if step.field is None else maps_data(walked, step, selection, current),
    }


def _strongest(walked: Walked, step: Step, chosen: Chosen | None, followed: Line | None) -> Ints:
    """Rows of the step's selection, strongest first: the chosen ones here; else those on the line; else all."""
    selection = walked.trace.selection(step.value)
    if chosen is not None and chosen.step == step.number and followed is not None:
        rows = chosen.rows(selection, step)
        return rows[np.argsort(-selection.evidence[rows], kind="stable")]
    carried = selection.evidence if followed is None else followed.carried.get(step.value)
    if carried is None:
        return np.empty(0, np.int64)
    order = np.argsort(-carried, kind="stable")[: 4 * _LISTED]
    return order[carried[order] > 0]


def _beside(walked: Walked, step: Step, chosen: Chosen | None, rows: Ints) -> Ints:
    """The rows to choose among: beside one element that is chosen, the strongest others at its place."""
    if chosen is not None and chosen.step == step.number and chosen.channel is not None and len(rows):
        selection = walked.trace.selection(step.value)
        around = Chosen(step.number, None, chosen.place).rows(selection, step)
        strongest = around[np.argsort(-selection.evidence[around], kind="stable")]
        rows = np.concatenate([rows, strongest[~np.isin(strongest, rows)]])
    return rows[:_LISTED]


def _summary(walked: Walked, chosen: Chosen, followed: Line) -> dict[str, Any]:
    path = walked.path
    step = path.steps[chosen.step]
    carried = float(followed.carried[step.value].sum())
    words = f"{chosen.label(step)} of {_name(step)}"
    if step.operation is None:
        return {"step": step.number, "words": words, "summary": f"It holds {percent(carried)} of the evidence."}
    reached = followed.carried.get(path.steps[-1].value, np.empty(0))
    elements = walked.trace.selection(path.steps[-1].value).index[reached > 0]
    field = path.steps[-1].field
    pixels = len(np.unique(field.places(elements), axis=0)) if field else len(elements)
    arrived = f"{pixels:,} pixel" + "s" * (pixels != 1)
    return {
        "step": step.number,
        "words": words,
        "summary": f"It holds {percent(carried)} of the evidence; {percent(float(reached.sum()))} came through it to "
        f"{arrived}.",
    }


def _lit(film: Playback, path: Path, followed: Line) -> dict[str, str]:
    """For each cloud with a point on the line: how much of each point's evidence is on it, 0 to 255."""
    lit: dict[str, str] = {}
    for step in path.steps:
        number = film.of_step[step.number]
        carried = followed.carried.get(step.value)
        if number < 0 or carried is None or str(number) in lit:
            continue
        share = np.ceil(255 * film.clouds[number].on_line(carried))
        if share.any():
            lit[str(number)] = packed(share.astype(np.uint8))
    return lit


def _point(film: Playback, step: Step, row: int | None) -> int:
    """The point of the film at which the element is drawn; -1 where it is not."""
    cloud = film.cloud_at(step.number)
    if row is None or cloud is None or cloud.row[row] < 0:
        return -1
    return cloud.first + int(cloud.row[row])


def _name(step: Step) -> str:
    return step.module or ("the picture" if step.operation is None else kind(step.operation))


def _element(step: Step, selection: Selection, shares: Floats, row: int, current: bool) -> dict[str, Any]:
    chosen = element(step, int(selection.index[row]))
    return {
        "id": name_in_step(chosen),
        "label": chosen.label(step),
        "share": float(shares[row]),
        "sign": int(selection.sign[row]),
        "current": bool(current),
    }


def name_in_step(chosen: Chosen) -> str:
    """The element's name in the browser: what `Chosen` writes without the step."""
    return str(chosen).partition(".")[2]


def _decision(walked: Walked, step: Step, row: int) -> dict[str, Any]:
    decision = decide(walked.trace, step.value, row, lambda value, position: _label(walked.path, value, position))
    title = _label(walked.path, step.value, decision.position)
    if step.number == 0:
        target, other = walked.explanation.target, walked.explanation.rather_than
        title = f"the score of “{target.label}”" + (f" less that of “{other.label}”" if other else "")
    return {
        "kind": decision.kind,
        "title": title,
        "value": rounded(decision.value),
        "sign": decision.sign,
        "evidence": decision.evidence,
        "sentence": decision.sentence,
        "terms": [_term(walked.path, term, decision) for term in decision.terms],
        "inputs": decision.inputs,
        "others": rounded(decision.others),
        "bias": None if decision.bias is None else rounded(decision.bias),
        "grid": decision.grid and _grid(decision.grid),
    }


def _term(path: Path, term: Term, decision: Decision) -> dict[str, Any]:
    seen = _seen(path, term.value, term.position)
    return {
        "label": _label(path, term.value, term.position),
        "go": {"step": seen.step, "element": name_in_step(seen)} if seen and term.share > 0 else None,
        "activation": rounded(term.activation),
        "coefficient": None if term.coefficient is None else rounded(term.coefficient),
        "product": rounded(term.product),
        "share": term.share,
        "sign": term.sign,
        "winner": term is decision.terms[0] and term.share > 0,
    }


def _seen(path: Path, value: Value, position: Position) -> Chosen | None:
    """An element as it is chosen at its step, if it is seen at one."""
    step = path.seen_at(value)
    return element(step, int(np.ravel_multi_index(position, value.shape)) if position else 0) if step else None


def _label(path: Path, value: Value, position: Position) -> str:
    """What an element is called: as at its step, if it is seen at one."""
    seen = _seen(path, value, position)
    return seen.label(path.steps[seen.step]) if seen else element_name(value.shape, position)


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
    """As many digits as anybody reads; None for what is no number."""
    return float(f"{value:.{_SIGNIFICANT}g}") if math.isfinite(value) else None
