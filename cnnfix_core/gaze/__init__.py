"""People against networks: where people look, measured against maps of what a network looks at."""

from cnnfix_core.gaze.agreed import EVIDENCE_SHARE, Agreed, agreed
from cnnfix_core.gaze.baselines import between_halves, random_looks
from cnnfix_core.gaze.looks import GazeError, Looks, look_map, looks, looks_in, together
from cnnfix_core.gaze.measures import agreement, auc_judd, correlation, information_gain, nss, similarity

__all__ = [
    "EVIDENCE_SHARE",
    "Agreed",
    "GazeError",
    "Looks",
    "agreed",
    "agreement",
    "auc_judd",
    "between_halves",
    "correlation",
    "information_gain",
    "look_map",
    "looks",
    "looks_in",
    "nss",
    "random_looks",
    "similarity",
    "together",
]
