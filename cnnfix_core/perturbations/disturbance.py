"""What adversarial noise does to a prediction, and to the maps that explain it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cnnfix_core.errors import ModelError
from cnnfix_core.explanations import Prediction
from cnnfix_core.images import Picture
from cnnfix_core.methods import attribution
from cnnfix_core.metrics import rank_correlation
from cnnfix_core.perturbations.adversarial import add_adversarial_noise
from cnnfix_core.zoo import Model


@dataclass(frozen=True, slots=True)
class Disturbed:
    """What the noise did to one picture.

    Attributes:
        before: The top prediction without noise.
        after: The top prediction with noise.
        alike: For each method, the rank correlation of its maps of `before` without and with noise, -1 to 1; NaN for a
            map of one value, or where the method fails.
    """

    before: Prediction
    after: Prediction
    alike: Mapping[str, float]

    @property
    def flipped(self) -> bool:
        """Whether the prediction changed."""
        return self.before.index != self.after.index


def disturb(
    model: Model, picture: Picture, methods: Sequence[str], kind: str = "fgsm", strength: float = 2.0
) -> Disturbed:
    """Add adversarial noise to a picture and compare predictions and maps.

    Args:
        model: The network.
        picture: The picture.
        methods: Names of methods.
        kind: As for `add_adversarial_noise`.
        strength: As for `add_adversarial_noise`.

    Raises:
        CnnfixError: As `add_adversarial_noise`.
    """
    noisy = add_adversarial_noise(model, picture, kind, strength)
    (view,) = model.views(picture, "whole")
    clean = picture.changed(np.asarray(view.render(picture)))  # at the size at which the noise was made
    alike = {}
    for method in methods:
        try:
            maps = [attribution(model, one, noisy.before.index, method).map for one in (clean, noisy.picture)]
            alike[method] = rank_correlation(*maps)
        except ModelError:
            alike[method] = float("nan")
    return Disturbed(noisy.before, noisy.after, alike)
