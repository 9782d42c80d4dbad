"""Gradients of the score with respect to the picture."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from cnnfix_core.errors import CnnfixError, ModelError, need
from cnnfix_core.methods.class_activation import grad_cam
from cnnfix_core.methods.feature_maps import FAILURES, cached_per_network, first_line
from cnnfix_core.methods.guided import Guided
from cnnfix_core.methods.noise import COPIES, noisy, on_the_way
from cnnfix_core.methods.one_score import OneScore
from cnnfix_core.methods.per_view import ViewRequest
from cnnfix_core.zoo import Model, with_own_hooks

STEPS = 50
_INCOMPLETE = 0.05  # of the change of the score


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


def smooth_grad(request: ViewRequest) -> tuple[Tensor, None]:
    """The largest |mean gradient| over the colours, over 50 noisy copies (Smilkov et al., arXiv 1706.03825)."""
    request.watch.expect(COPIES)
    total = torch.zeros_like(request.inputs[0])
    for copies in noisy(request.inputs, request.at_once):
        total += _gradients(request, copies).sum(dim=0)
    return _strongest_colour(total / COPIES), None


def input_times_gradient(request: ViewRequest) -> tuple[Tensor, None]:
    """The picture times the gradient (Shrikumar et al., arXiv 1605.01713), summed over the colours; by Captum.

    The picture as the network gets it, with its mean grey as 0. Negative values are set to 0.
    """
    need("captum")
    from captum.attr import InputXGradient

    parts: Tensor = InputXGradient(request.score).attribute(request.inputs.requires_grad_())
    return parts[0].detach().sum(dim=0), None


def gradient_shap(request: ViewRequest) -> tuple[Tensor, None]:
    """GradientSHAP (Lundberg, Lee, NeurIPS 2017, as expected gradients): the mean over references and ways from them.

    For each of 50 uniform references, the gradient at a random place between it and the picture, times their
    difference; summed over the colours. Negative values are set to 0.
    """
    request.watch.expect(COPIES)
    total = torch.zeros_like(request.inputs[0])
    for references, between in on_the_way(request.inputs, request.at_once):
        total += (_gradients(request, between) * (request.inputs.detach() - references)).sum(dim=0)
    return (total / COPIES).sum(dim=0), None


def deep_lift(request: ViewRequest) -> tuple[Tensor, None]:
    """DeepLIFT with the rescale rule (Shrikumar et al., ICML 2017, section 3.5.2), from grey, by Captum.

    Summed over the colours. Negative values are set to 0.
    """
    request.watch.expect(2)
    return _lifted(request.module, request.score, request.inputs).sum(dim=0), None


@cached_per_network
def needs_lift(model: Model) -> str:
    """Why DeepLIFT cannot be used with the network, or "": on noise, its parts must add up to the change of the score.

    Captum has rules for some nonlinear modules, and silently takes the gradient of others.
    """
    inputs = model.noise()
    module = with_own_hooks(model.module)
    with torch.no_grad():
        rise = (model.scores(inputs, module) - model.scores(torch.zeros_like(inputs), module))[0]
    wanted = int(rise.abs().argmax())
    try:
        with torch.inference_mode(False), torch.enable_grad():
            found = _lifted(module, lambda batch: model.scores(batch, module)[:, wanted], inputs).sum()
    except CnnfixError:
        raise
    except FAILURES as error:
        return f"DeepLIFT, as Captum computes it, fails on the network: {first_line(error)}"
    if abs(float(found - rise[wanted])) <= _INCOMPLETE * abs(float(rise[wanted])):
        return ""
    return (
        "DeepLIFT, as Captum computes it, has no rule for one of the network's operations: its parts add up to "
        f"{float(found):.3g} where the score changes by {float(rise[wanted]):.3g}."
    )


def _lifted(module: nn.Module, score: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """DeepLIFT's parts, (channels, H, W), from zeros."""
    need("captum")
    from captum.attr import DeepLift

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Captum says that it sets hooks, which it removes
        parts: Tensor = DeepLift(OneScore(module, score)).attribute(inputs.detach().clone(), target=0)
    return parts[0].detach()


def _gradient(request: ViewRequest) -> Tensor:
    return _gradients(request, request.inputs)[0]


def _gradients(request: ViewRequest, batch: Tensor) -> Tensor:
    """The gradient of each picture's score with respect to it: (N, channels, H, W)."""
    need("captum")
    from captum.attr import Saliency

    gradients: Tensor = Saliency(request.score).attribute(batch.requires_grad_(), abs=False)
    return gradients


def _guided_gradient(request: ViewRequest) -> Tensor:
    with Guided() as guided:
        gradient = _gradient(request)
    if not guided.met:
        raise ModelError("The network's ReLUs are in compiled code, which guided backpropagation cannot reach.")
    return gradient


def _strongest_colour(gradient: Tensor) -> Tensor:
    return gradient.abs().amax(dim=0)
