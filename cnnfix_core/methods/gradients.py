"""Gradients of the score with respect to the picture."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate

from cnnfix_core.errors import ModelError, need
from cnnfix_core.methods.class_activation import grad_cam
from cnnfix_core.methods.guided import Guided
from cnnfix_core.methods.per_view import ViewRequest

STEPS = 50


def saliency(request: ViewRequest) -> tuple[Tensor, None]:
    """The largest |gradient| over the colour channels (Simonyan et al., ICLR workshop 2014, section 3.1), by Captum."""
    return _strongest_colour(_gradient(request)), None


def guided_backprop(request: ViewRequest) -> tuple[Tensor, None]:
    """The same, with negative gradients set to 0 at every ReLU (Springenberg et al. 2015)."""
    return _strongest_colour(_guided_gradient(request)), None


def guided_grad_cam(request: ViewRequest) -> tuple[Tensor, str]:
    """Guided backpropagation times bilinearly enlarged Grad-CAM (Selvaraju et al., ICCV 2017, section 3.2)."""
    cam, layer = grad_cam(request)
    cam = cam.detach().float()  # half precision has no numbers as small as these products
    large = interpolate(cam[None, None], request.inputs.shape[2:], mode="bilinear")
    return _strongest_colour(_guided_gradient(request)).float() * large[0, 0], layer


def integrated_gradients(request: ViewRequest) -> tuple[Tensor, None]:
    """Integrated gradients (Sundararajan et al., ICML 2017, eq. 1) from mean grey to the picture, by Captum.

    Summed over the colour channels, so that all pixels add up to the difference of the two scores. Negative values
    count against the class and are set to 0. 50 points of Gauss-Legendre quadrature.
    """
    return signed_path(request).clamp_min(0), None


def signed_path(request: ViewRequest) -> Tensor:
    """Integrated gradients with their signs: (h, w)."""
    need("captum")
    from captum.attr import IntegratedGradients

    request.watch.expect(STEPS)
    method = IntegratedGradients(request.score)
    parts: Tensor = method.attribute(request.inputs, n_steps=STEPS, internal_batch_size=request.at_once)
    return parts[0].detach().sum(dim=0)


def _gradient(request: ViewRequest) -> Tensor:
    need("captum")
    from captum.attr import Saliency

    gradient: Tensor = Saliency(request.score).attribute(request.inputs.requires_grad_(), abs=False)
    return gradient[0]


def _guided_gradient(request: ViewRequest) -> Tensor:
    with Guided() as guided:
        gradient = _gradient(request)
    if not guided.met:
        raise ModelError("The network's ReLUs are in compiled code, which guided backpropagation cannot reach.")
    return gradient


def _strongest_colour(gradient: Tensor) -> Tensor:
    return gradient.abs().amax(dim=0)
