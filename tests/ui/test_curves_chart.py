"""The chart of insertion and deletion on Compare: rows are told apart, and both panels have one scale."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from cnnfix_ui.compare.chart import chart

SHARES = np.linspace(0, 1, 5)


def shown(method: str, title: str) -> Any:
    cell = SimpleNamespace(method=method, case=SimpleNamespace(title=title))
    return SimpleNamespace(cell=cell, curves=SimpleNamespace(shares=SHARES, insertion=SHARES, deletion=0.2 * SHARES))


def test_two_rows_are_told_apart_and_each_curve_is_named_once() -> None:
    titles = ("cocker spaniel", "Egyptian cat")
    figure = chart(
        cast(Any, [shown(method, title) for title in titles for method in ("fixations", "gradcam", "random")])
    )
    named = [one for one in figure.data if one.showlegend]
    assert len({one.name for one in named}) == len(named) == 6
    assert len({(one.line.color, one.line.dash) for one in named}) == 6
    dashes = {title: {one.line.dash for one in named if one.name.endswith(title)} for title in titles}
    assert all(len(one) == 1 for one in dashes.values())
    assert dashes[titles[0]] != dashes[titles[1]]


def test_both_panels_have_one_scale() -> None:
    figure = chart(cast(Any, [shown("fixations", "cat")]))
    assert figure.layout.yaxis2.matches == "y"


def test_more_entries_of_the_legend_have_more_room() -> None:
    few, many = (chart(cast(Any, [shown("fixations", f"row {n}") for n in range(count)])) for count in (1, 6))
    assert few.layout.height < many.layout.height
