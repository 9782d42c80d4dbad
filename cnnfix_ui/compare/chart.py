"""Insertion and deletion curves of all maps, which grow while they are computed."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnfix_core.methods import BASELINES, METHODS
from cnnfix_core.metrics import Curves
from cnnfix_ui.compare.cells import CellStatus

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A9199")
_ROOM = 18  # pixels of height for each entry of the legend
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def chart(shown: Sequence[CellStatus]) -> go.Figure:
    """Two panels, insertion and deletion: probability of the class against the share of inserted or deleted pixels.

    Each method has a colour, and each question a dash; both panels have one scale.
    """
    titles_above = ("Insertion: higher is better", "Deletion: lower is better")
    figure = make_subplots(1, 2, subplot_titles=titles_above, shared_yaxes=True)
    methods = list(dict.fromkeys(one.cell.method for one in shown if one.cell.method not in BASELINES))
    titles = list(dict.fromkeys(one.cell.case.title for one in shown))
    for one in shown:
        if one.curves is None:
            continue
        method, title = one.cell.method, one.cell.case.title
        line = {
            "color": "#8A9199" if method in BASELINES else _COLOURS[methods.index(method) % len(_COLOURS)],
            "dash": _DASHES[titles.index(title) % len(_DASHES)],
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
    figure.update_xaxes(title_text="Pixels, %", title_standoff=8, range=[0, 100], automargin=True)
    figure.update_yaxes(title_text="Probability", title_standoff=8, automargin=True, col=1)
    figure.update_yaxes(rangemode="tozero", range=None if figure.data else [0, 1])
    figure.update_annotations(font_size=14)
    # The legend stands at the bottom, and has room even where each entry takes a row.
    legend = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"}
    height = 360 + _ROOM * len(figure.data) // 2
    figure.update_layout(height=height, margin={"l": 10, "r": 10, "t": 40, "b": 10}, legend=legend)
    return figure


def _both(curves: Curves) -> tuple[object, object]:
    return curves.insertion, curves.deletion
