"""People against networks: where people look, measured against maps of what a network looks at."""

from cnnfix_core.gaze.agreed import EVIDENCE_SHARE, Agreed, agreed
from cnnfix_core.gaze.baselines import between_halves, random_looks
from cnnfix_core.gaze.comparison import (
    BASELINE_TITLES,
    GAZE_MEASURES,
    GazeMeasure,
    GazeNumbers,
    beside_baselines,
    gaze_numbers,
)
from cnnfix_core.gaze.looks import GazeError, Looks, look_map, looks, looks_in, together
from cnnfix_core.gaze.measures import agreement, auc_judd, correlation, information_gain, nss, similarity
from cnnfix_core.gaze.reading import Gaze, GazePoint, read_gaze

__all__ = [
    "BASELINE_TITLES",
    "EVIDENCE_SHARE",
    "GAZE_MEASURES",
    "Agreed",
    "Gaze",
    "GazeError",
    "GazeMeasure",
    "GazeNumbers",
    "GazePoint",
    "Looks",
    "agreed",
    "agreement",
    "auc_judd",
    "beside_baselines",
    "between_halves",
    "correlation",
    "gaze_numbers",
    "information_gain",
    "look_map",
    "looks",
    "looks_in",
    "nss",
    "random_looks",
    "read_gaze",
    "similarity",
    "together",
]
