"""Figures, drawn with Pillow."""

from cnnfix_core.visualization.boxes import boxed_figure
from cnnfix_core.visualization.cut_outs import outlined, transparent
from cnnfix_core.visualization.drawing import (
    BAND_COLOURS,
    BAND_OPACITY,
    FAINT,
    INK,
    LEGEND_TEXT,
    MOST_POINTS,
    POINT,
    POINT_EDGE,
    draw_discs,
    overlay,
    panel,
    photo_of,
    png,
    type_of,
)
from cnnfix_core.visualization.figures import BOXES_TEXT, MOST_COLUMNS, FigureCell, comparison, grid

__all__ = [
    "BAND_COLOURS",
    "BAND_OPACITY",
    "BOXES_TEXT",
    "FAINT",
    "INK",
    "LEGEND_TEXT",
    "MOST_COLUMNS",
    "MOST_POINTS",
    "POINT",
    "POINT_EDGE",
    "FigureCell",
    "boxed_figure",
    "comparison",
    "draw_discs",
    "grid",
    "outlined",
    "overlay",
    "panel",
    "photo_of",
    "png",
    "transparent",
    "type_of",
]
