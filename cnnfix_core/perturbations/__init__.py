"""Pictures that were changed: what does the network say then, and does the map move?"""

from cnnfix_core.perturbations.adversarial import ATTACKS, Disturbed, disturbed
from cnnfix_core.perturbations.brush import BrushStroke, Fill, painted
from cnnfix_core.perturbations.randomisation import randomised

__all__ = ["ATTACKS", "BrushStroke", "Disturbed", "Fill", "disturbed", "painted", "randomised"]
