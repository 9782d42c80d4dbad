"""Attribution methods: which pixels of a picture support a class. All share one call signature and result type."""

from cnnfix_core.methods.applying import attribute, attribution, reason_against
from cnnfix_core.methods.baselines import blob
from cnnfix_core.methods.catalogue import BASELINES, COUNT, METHODS
from cnnfix_core.methods.class_activation import grad_cam_by_captum, grad_cam_together
from cnnfix_core.methods.excitation_rules import excites
from cnnfix_core.methods.feature_maps import (
    FAILURES,
    anatomy,
    cached_per_network,
    first_line,
    last_mapping_module,
    needs_gradient,
    observed,
)
from cnnfix_core.methods.method import Attribution, Drawing, Map, MapRequest, Method, Progress
from cnnfix_core.methods.per_view import ViewRequest, by_view
from cnnfix_core.methods.recorded_grad_cam import as_maps, grad_cam_of_tape, recorded_grad_cam

__all__ = [
    "BASELINES",
    "COUNT",
    "FAILURES",
    "METHODS",
    "Attribution",
    "Drawing",
    "Map",
    "MapRequest",
    "Method",
    "Progress",
    "ViewRequest",
    "anatomy",
    "as_maps",
    "attribute",
    "attribution",
    "blob",
    "by_view",
    "cached_per_network",
    "excites",
    "first_line",
    "grad_cam_by_captum",
    "grad_cam_of_tape",
    "grad_cam_together",
    "last_mapping_module",
    "needs_gradient",
    "observed",
    "reason_against",
    "recorded_grad_cam",
]
