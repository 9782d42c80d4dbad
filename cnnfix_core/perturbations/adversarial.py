"""Adversarial noise: small changes to a picture's pixels that change the network's prediction."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cnnfix_core.errors import CnnfixError, ModelError, need
from cnnfix_core.explanations import Class, Prediction, classes
from cnnfix_core.images import Picture
from cnnfix_core.methods import FAILURES, first_line, needs_gradient
from cnnfix_core.zoo import Model, with_own_hooks

# Captum warns itself at each step that the input requires a gradient.
warnings.filterwarnings("ignore", "Input Tensor", module=r"captum\.")
_PGD_STEPS = 10
Attack = Callable[[Callable[[Tensor], Tensor], Tensor, int, int, bool], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class AdversarialPicture:
    """A picture with adversarial noise, at the size of the network's input, so that it shows what the network sees.

    Attributes:
        picture: The picture with noise.
        before: The top prediction without noise.
        after: The top prediction with noise.
        strongest: The largest change of a pixel value, out of 255.
    """

    picture: Picture
    before: Prediction
    after: Prediction
    strongest: int


def add_adversarial_noise(
    model: Model, picture: Picture, kind: str = "fgsm", strength: float = 2.0, towards: Class | None = None
) -> AdversarialPicture:
    """Add adversarial noise to a picture at the network's input size.

    Both attacks are Captum's and follow the gradient of the cross-entropy, the negative logarithm of the probability.

    Args:
        model: The network to attack.
        picture: The picture.
        kind: "fgsm" (Goodfellow et al., ICLR 2015) or "pgd" (Madry et al., ICLR 2018, 10 steps).
        strength: Largest change of a pixel value, 0 to 64 out of 255; rounded down, because pixels are integers.
        towards: The class to move the prediction to; None moves it away from the predicted class.

    Raises:
        CnnfixError: The kind is unknown, or the strength is out of range.
        TargetError: The class is unknown.
        ModelError: No gradient can be computed through the network.
    """
    if kind not in ATTACKS:
        raise CnnfixError(f"There is no attack {kind!r}; choose one of {', '.join(ATTACKS)}.")
    if not 0 <= strength <= 64:
        raise CnnfixError(f"The strength is {strength}; give a number from 0 to 64 (out of 255).")
    if reason := needs_gradient(model):
        raise ModelError(reason)
    (view,) = model.views(picture, "whole")
    clean = np.asarray(view.render(picture))
    before = classes(model, picture).top(1)[0]
    wanted = before.index if towards is None else model.labels.find(towards)
    pixels = _noisy(model, clean, ATTACKS[kind], int(strength), wanted, towards is not None)
    changed = picture.changed(pixels)
    strongest = int(np.abs(pixels.astype(int) - clean).max())
    return AdversarialPicture(changed, before, classes(model, changed).top(1)[0], strongest)


def _noisy(
    model: Model, clean: NDArray[np.uint8], attack: Attack, strength: int, wanted: int, targeted: bool
) -> NDArray[np.uint8]:
    """The pixels with noise, (H, W, 3)."""
    module = with_own_hooks(model.module)

    def score(pixels: Tensor) -> Tensor:
        return model.log_probabilities(model.scores(model.placed(model.preprocess.standardised(pixels)), module))

    inputs = torch.from_numpy(clean.copy()).permute(2, 0, 1)[None].float().to(model.device).requires_grad_()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            noisy = attack(score, inputs, strength, wanted, targeted)
    except FAILURES as error:
        raise ModelError(f"The attack fails on this network: {first_line(error)}") from error
    pixels: NDArray[np.uint8] = noisy.detach()[0].permute(1, 2, 0).round().to(torch.uint8).cpu().numpy()
    return pixels


# Captum's default loss is the logarithm of a score, which works only for scores above 0. It also treats gradients below
# 1e-6 as zero, and with pixel values up to 255 many gradients are that small.
def _loss(log_probabilities: Tensor, wanted: int) -> Tensor:
    return -log_probabilities[:, wanted]


def _fgsm(score: Callable[[Tensor], Tensor], inputs: Tensor, strength: int, wanted: int, targeted: bool) -> Tensor:
    need("captum")
    from captum.robust import FGSM

    attack = FGSM(score, _loss, lower_bound=0, upper_bound=255)
    attack.zero_thresh = 0.0
    noisy: Tensor = attack.perturb(inputs, strength, wanted, targeted=targeted)
    return noisy


def _pgd(score: Callable[[Tensor], Tensor], inputs: Tensor, strength: int, wanted: int, targeted: bool) -> Tensor:
    need("captum")
    from captum.robust import PGD

    attack = PGD(score, _loss, lower_bound=0, upper_bound=255)
    attack.fgsm.zero_thresh = 0.0
    step = 2.5 * strength / _PGD_STEPS
    noisy: Tensor = attack.perturb(inputs, strength, step, _PGD_STEPS, wanted, targeted=targeted)
    return noisy


ATTACKS: dict[str, Attack] = {"fgsm": _fgsm, "pgd": _pgd}
