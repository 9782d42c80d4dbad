"""Gradients of the score with respect to the picture."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate

from cnnfix_core.errors import ModelError, need
from cnnfix_core.methods.class_activation import grad_cam
from cnnfix_core.methods.guided import Guided
from cnnfix_core.methods.per_view import ViewRequest

STEPS = 50


def saliency(asked: ViewRequest) -> tuple[Tensor, None]:
    """The largest |gradient| among the colours (Simonyan et al., ICLR workshop 2014, section 3.1), by Captum."""
    return _strongest_colour(_gradient(asked)), None


def guided_backprop(asked: ViewRequest) -> tuple[Tensor, None]:
    """The same with gradients that no ReLU lets through where they are negative (Springenberg et al. 2015)."""
    return _strongest_colour(_guided_gradient(asked)), None


def guided_grad_cam(asked: ViewRequest) -> tuple[Tensor, str]:
    """Guided backpropagation times Grad-CAM, enlarged bilinearly (Selvaraju et al., ICCV 2017, section 3.2)."""
    cam, layer = grad_cam(asked)
    large = interpolate(cam.detach()[None, None], asked.inputs.shape[2:], mode="bilinear")
    return _strongest_colour(_guided_gradient(asked)) * large[0, 0], layer


def integrated_gradients(asked: ViewRequest) -> tuple[Tensor, None]:
    """Integrated gradients (Sundararajan et al., ICML 2017, eq. 1) from mean grey to the picture, by Captum.

    Summed over the colours, so that all places together are the difference of the two scores; what is negative speaks
    against the class and is cut off. 50 points, by Gauss and Legendre.
    """
    return signed_path(asked).clamp_min(0), None


def signed_path(asked: ViewRequest) -> Tensor:
    """Integrated gradients with their signs: (h, w)."""
    need("captum")
    from captum.attr import IntegratedGradients

    asked.watch.expect(STEPS)
    method = IntegratedGradients(asked.score)
    parts: Tensor = method.attribute(asked.inputs, n_steps=STEPS, internal_batch_size=asked.at_once)
    return parts[0].detach().sum(dim=0)


def _gradient(asked: ViewRequest) -> Tensor:
    need("captum")
    from captum.attr import Saliency

    gradient: Tensor = Saliency(asked.score).attribute(asked.inputs.requires_grad_(), abs=False)
    return gradient[0]


def _guided_gradient(asked: ViewRequest) -> Tensor:
    with Guided() as guided:
        gradient = _gradient(asked)
    if not guided.met:
        raise ModelError(
            "The network hides its ReLUs in a compiled part, so guided backpropagation does not reach them."
        )
    return gradient


def _strongest_colour(gradient: Tensor) -> Tensor:
    return gradient.abs().amax(dim=0)
