"""Pictures that were changed: what does the network say then, and does the map move?"""

from cnnfix_core.perturbations.adversarial import ATTACKS, Disturbed, disturbed
from cnnfix_core.perturbations.brush import Fill, Stroke, painted
from cnnfix_core.perturbations.randomisation import forgetful

__all__ = ["ATTACKS", "Disturbed", "Fill", "Stroke", "disturbed", "forgetful", "painted"]
