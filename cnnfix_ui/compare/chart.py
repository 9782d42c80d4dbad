"""Insertion and deletion curves of all maps, which grow while they are computed."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnfix_core.methods import BASELINES, METHODS
from cnnfix_core.metrics import Curves
from cnnfix_ui.compare.cells import CellStatus

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A9199")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def chart(shown: Sequence[CellStatus]) -> go.Figure:
    """Two panels, insertion and deletion: probability of the class against the share of inserted or deleted pixels.

    Each method has a colour; questions have different dashes.
    """
    figure = make_subplots(1, 2, subplot_titles=("Insertion: higher is better", "Deletion: lower is better"))
    methods = list(dict.fromkeys(one.cell.method for one in shown if one.cell.method not in BASELINES))
    titles = list(dict.fromkeys(one.cell.case.title for one in shown))
    for one in shown:
        if one.curves is None:
            continue
        method, title = one.cell.method, one.cell.case.title
        line = {
            "color": "#8A9199" if method in BASELINES else _COLOURS[methods.index(method) % len(_COLOURS)],
            "dash": _DASHES[titles.index(title) % len(_DASHES)] if method not in BASELINES else "dot",
            "width": 1.5 if method in BASELINES else 2.5,
        }
        name = METHODS[method].title if len(titles) == 1 else f"{METHODS[method].title}, {title}"
        for column, values in enumerate(_both(one.curves), start=1):
            figure.add_scatter(
                x=100 * one.curves.shares,
                y=values,
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                line=line,
                row=1,
                col=column,
            )
    figure.update_xaxes(title_text="Pixels, %", range=[0, 100])
    figure.update_yaxes(title_text="Probability", col=1)
    figure.update_yaxes(rangemode="tozero", range=None if figure.data else [0, 1])
    margin = {"l": 10, "r": 10, "t": 40, "b": 10}
    figure.update_layout(height=380, margin=margin, legend={"orientation": "h", "y": -0.25})
    return figure


def _both(curves: Curves) -> tuple[object, object]:
    return curves.insertion, curves.deletion
