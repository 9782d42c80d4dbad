"""The tables below the grid: box scores, agreement between methods, insertion and deletion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from math import isnan, nan
from typing import Any

import streamlit as st
from numpy import nan_to_num

from cnnfix_core.methods import BASELINES, METHODS, Attribution
from cnnfix_core.metrics import (
    Changed,
    Numbers,
    agreement_verdict,
    boxes_verdict,
    changes_verdict,
    curves_verdict,
    move,
    overlap,
    rank_correlation,
    road_verdict,
    sensitivity_verdict,
)
from cnnfix_core.utils import decimals, duration, percent
from cnnfix_ui.compare.cases import Case
from cnnfix_ui.compare.cells import CellStatus
from cnnfix_ui.compare.changes import CHANGES, WEIGHTS_SHUFFLED
from cnnfix_ui.compare.grid_data import Grid, numbers_of, truth_key, truth_of
from cnnfix_ui.compare.measures import MEASURES, worth_saying
from cnnfix_ui.compare.questions import CompareQuestion
from cnnfix_ui.compare.state import drawn_boxes, sample_object

TableRow = dict[str, Any]

READING = (
    "Map inside: the share of the map in the boxes. Fixations inside: the share of the fixations' evidence. Box match: "
    "IoU of the box found by the method with the best matching one. The last "
    "rows are baselines, a blob in the centre and smooth noise: a large box is easy to hit."
)
_NONE = "–"


def box_scores(grid: Grid) -> list[TableRow]:
    """One row per map: its scores against the boxes on its picture; the baselines of each picture come last.

    Maps that are not ready, and those of classes without a box, have no row.
    """
    found = ((one, numbers_of(one)) for one in grid.measured)
    return [
        _names(one, grid) | _box_scores(said, _is_whole(one))
        for one, said in found
        if said is not None and not isnan(said.peak)
    ]


def _is_whole(one: CellStatus) -> bool:
    """Whether the box found by the method is the whole picture, as it often is for noisy maps."""
    picture = one.cell.case.picture
    return one.found is not None and one.found.box == (0, 0, picture.width - 1, picture.height - 1)


def about_boxes(grid: Grid) -> str:
    """What the boxes are around, for each class that is asked about; or that it has none yet."""
    return " ".join(dict.fromkeys(_about_box(case) for case in grid.cases))


def _about_box(case: Case) -> str:
    label, boxes = f"“{case.target.label}”", truth_of(case)
    several = len(boxes) > 1
    if not boxes:
        return f"No box for {label} on this picture: choose Draw a box and draw one."
    if drawn_boxes(case.question.picture, case.target):
        return f"{'Boxes' if several else 'Box'} of {label}: drawn by you."
    meant = sample_object(case.question.picture, case.target)
    return f"{'Boxes' if several else 'Box'} of {label}: around the {meant.name if meant else 'object'}."


def _box_scores(found: Numbers, whole: bool) -> TableRow:
    return {
        "Strongest point in the box": "yes" if found.peak else "no",
        "Map inside": percent(found.energy),
        "Fixations inside": _NONE if isnan(found.evidence) else percent(found.evidence),
        "Box match (IoU)": f"{found.iou:.2f}" + (", the whole picture" if whole else ""),
        "Area of the box": percent(found.covered),
    }


def boxes_said(grid: Grid) -> str:
    """Which map and which box fit best, for each class that is asked about and has a box."""
    sentences = []
    for number, case in enumerate(grid.cases):
        maps = [*grid.row(number), *(one for one in grid.baselines if truth_key(one.cell.case) == truth_key(case))]
        numbers = {one.cell.method: said for one in maps if (said := numbers_of(one)) and not isnan(said.peak)}
        found = {METHODS[name].title: said for name, said in numbers.items() if name not in BASELINES}
        verdict = boxes_verdict(found, [said for name, said in numbers.items() if name in BASELINES])
        if verdict:
            sentences.append(verdict if len(grid.cases) == 1 else f"{_row_name(case)}: {verdict}")
    return " ".join(sentences)


def method_agreement(grid: Grid) -> tuple[list[TableRow], str]:
    """One row for each two of the first row's maps, the most alike first, and what that says."""
    found = [(METHODS[shown.cell.method].title, shown) for shown in grid.row(0) if shown.found]
    pairs = {(one[0], two[0]): _agree(one[1], two[1]) for one, two in combinations(found, 2)}
    ordered = sorted(pairs.items(), key=lambda item: -nan_to_num(item[1][0], nan=-2))
    rows = [{"Method": one, "Other method": other} | _likeness(alike) for (one, other), alike in ordered]
    return rows, agreement_verdict({pair: rank for pair, (rank, _) in pairs.items()})


def map_changes(grid: Grid) -> tuple[list[TableRow], str]:
    """One row per map of a further question: how like its method's map for the first question it is; and a verdict."""
    first = {shown.cell.method: shown for shown in grid.row(0)}
    rows, verdicts = [], []
    for number, case in enumerate(grid.cases[1:], start=1):
        question = f"{case.title}, {case.detail(grid.base)}"
        alike = {one.cell.method: _agree(first[one.cell.method], one) for one in grid.row(number)}
        for method, both in alike.items():
            verdict = {"Verdict": move(both[0]) or _NONE}
            rows.append({"Question": question, "Method": METHODS[method].title} | _likeness(both) | verdict)
        ranks = {METHODS[name].title: both[0] for name, both in alike.items() if name not in BASELINES}
        verdict_words = changes_verdict(ranks, _changed(case.question, grid.base))
        verdicts += [f"{_row_name(case)}: {verdict_words}"] if verdict_words else []
    return rows, " ".join(verdicts)


def _row_name(case: Case) -> str:
    """What tells a row from others, in a word or two."""
    return CHANGES[case.question.change].row if case.question.change else case.title


def _changed(asked: CompareQuestion, base: CompareQuestion) -> Changed:
    """What a further question changed."""
    if asked.change in WEIGHTS_SHUFFLED:
        return "weights"
    same = replace(asked, wanted=base.wanted, than=base.than) == base
    return "class" if same else "picture"


def curves_said(grid: Grid) -> str:
    """Which map is best at insertion and at deletion, of those of the first row that are measured to the end."""
    ended = {one.cell.method: one.curves for one in grid.row(0) if one.curves and one.curves.share >= 1}
    return curves_verdict({METHODS[name].title: (at.insertion_area, at.deletion_area) for name, at in ended.items()})


def areas(grid: Grid) -> list[TableRow]:
    """One row per map: the areas under its curves."""
    return [
        {
            **_names(one, grid),
            "Insertion": decimals(one.curves.insertion_area, 2),
            "Deletion": decimals(one.curves.deletion_area, 2),
        }
        for one in grid.measured
        if one.curves is not None
    ]


def cut_outs(grid: Grid) -> list[TableRow]:
    """One row per map: how large the cut-out is, and how well it fits the boxes."""
    return [
        {
            **_names(one, grid),
            "Share of the picture": percent(one.cut_out.area) if one.cut_out else _waits(one, "cuts"),
            "Match (IoU)": decimals(one.cut_out.iou(truth_of(one.cell.case)) if one.cut_out else nan, 2),
        }
        for one in grid.measured
        if "cuts" in one.measured
    ]


_ROBUST = {"road": "ROAD", "sensitivity": "Sensitivity to noise"}


def robustness(grid: Grid) -> list[TableRow]:
    """One row per map: ROAD, and the sensitivity to noise, or how far they are."""
    asked = {name: title for name, title in _ROBUST.items() if any(name in one.measured for one in grid.measured)}
    return [
        _names(one, grid) | {title: _waits(one, name) for name, title in asked.items()}
        for one in grid.measured
        if asked.keys() & one.measured.keys()
    ]


def robustness_said(grid: Grid) -> str:
    """Which of the first row's maps is best by ROAD, and which moves least and most under noise."""
    row = {METHODS[one.cell.method].title: one for one in grid.row(0) if one.cell.method not in BASELINES}
    verdicts = {"road": road_verdict, "sensitivity": sensitivity_verdict}
    said = (verdict({title: one.number(name) for title, one in row.items()}) for name, verdict in verdicts.items())
    return " ".join(filter(None, said))


def how_long(grid: Grid) -> str:
    """How long the sensitivity to noise takes for the maps that are there, if that is long."""
    left = {
        METHODS[one.cell.method].title: MEASURES["sensitivity"].seconds(one.found)
        for one in grid.measured
        if one.found and not isnan(one.found.seconds) and isnan(one.number("sensitivity"))
    }
    total = sum(left.values())
    if not worth_saying(total):
        return ""
    longest = max(left, key=left.__getitem__)
    most = f", most of it for {longest}" if left[longest] > total / 2 and len(left) > 1 else ""
    return f"Sensitivity to noise takes eleven more maps for each map: about {duration(total)} in all{most}."


def _waits(one: CellStatus, measure: str) -> str:
    """A measure's number, or how far it is and how long it takes."""
    job = one.measured.get(measure)
    if job is None or one.found is None:
        return _NONE
    if job.state == "done":
        return decimals(job.result, 2)
    if job.state == "failed":
        return job.message
    running = job.state == "running"
    left = MEASURES[measure].seconds(one.found) if isnan(job.left) else job.left
    words = f"{round(100 * job.share)} %" if running else "waiting"
    return f"{words}, about {duration(left)} left" if worth_saying(left) else words


def table(rows: Sequence[TableRow]) -> None:
    """Draw a table."""
    st.table(rows, hide_index=True, border="horizontal")


def _names(shown: CellStatus, grid: Grid) -> TableRow:
    """The method, and the question if there are several."""
    case = shown.cell.case
    several = len(grid.cases) + len(grid.pinned) > 1
    question = {"Question": f"{case.title}, {case.detail(grid.base)}"} if several else {}
    return {"Method": METHODS[shown.cell.method].title} | question


def _likeness(both: tuple[float, float]) -> TableRow:
    rank, common = both
    return {"Similarity": decimals(rank, 2), "Shared top tenth": _NONE if isnan(common) else percent(common)}


def _agree(one: CellStatus, two: CellStatus) -> tuple[float, float]:
    """Rank correlation, and the common share of the strongest tenth; NaN while one of the maps is missing."""
    if one.found is None or two.found is None:
        return nan, nan
    return _agreement(f"{one.cell.key} {two.cell.key}", one.found, two.found)


@st.cache_data(max_entries=1024, show_spinner=False)
def _agreement(key: str, _one: Attribution, _two: Attribution) -> tuple[float, float]:
    """Rank correlation, and the common share of the strongest places. key: identifies the two maps."""
    if _one.map.shape != _two.map.shape:  # of two pictures
        return nan, nan
    return rank_correlation(_one.map, _two.map), overlap(_one.map, _two.map)
