"""Methods that draw which places of a picture speak for a class: one call signature, one kind of result."""

from cnnfix_core.methods.applying import attribute, attribution, reason_against
from cnnfix_core.methods.catalogue import BASELINES, METHODS
from cnnfix_core.methods.method import Attribution, Method, Progress

__all__ = ["BASELINES", "METHODS", "Attribution", "Method", "Progress", "attribute", "attribution", "reason_against"]
