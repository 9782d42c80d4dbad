"""Changed pictures and networks: how do the prediction and the map respond?"""

from cnnfix_core.perturbations.adversarial import ATTACKS, AdversarialPicture, add_adversarial_noise
from cnnfix_core.perturbations.brush import BrushStroke, Fill, boxed, painted
from cnnfix_core.perturbations.disturbance import Disturbed, disturb
from cnnfix_core.perturbations.randomisation import randomised

__all__ = [
    "ATTACKS",
    "AdversarialPicture",
    "BrushStroke",
    "Disturbed",
    "Fill",
    "add_adversarial_noise",
    "boxed",
    "disturb",
    "painted",
    "randomised",
]
