"""Class activation maps: the channels of a feature map, weighted by their importance for the class.

Negative values count against the class and are set to 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cnnfix_core.errors import need
from cnnfix_core.methods.feature_maps import anatomy, deep_layers
from cnnfix_core.methods.one_score import OneScore
from cnnfix_core.methods.per_view import ViewRequest
from cnnfix_core.zoo import Model, with_own_hooks

_COARSEST = 3  # sizes of feature maps that RefineCAM multiplies


def grad_cam(request: ViewRequest) -> tuple[Tensor, str]:
    """Grad-CAM; negative sums over the channels are set to 0."""
    layer = layer_of(request)
    return grad_cam_by_captum(request.score, request.module.get_submodule(layer), request.inputs)[0].sum(dim=0), layer


def grad_cam_by_captum(score: Callable[[Tensor], Tensor], layer: nn.Module, inputs: Tensor) -> Tensor:
    """Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1 and 2) of the scores, (N,), in the shape of a layer's output."""
    need("captum")
    from captum.attr import LayerGradCam

    maps: Tensor = LayerGradCam(score, layer).attribute(inputs.requires_grad_(), relu_attributions=True)
    return maps


def grad_cam_together(model: Model, inputs: Tensor, classes: Sequence[int]) -> Tensor:
    """Grad-CAM for a batch of inputs, (N, channels, H, W), with one class per input: (N, h, w), at least 0."""
    module = with_own_hooks(model.module)
    wanted = torch.tensor(classes, device=inputs.device)[:, None]
    layer = module.get_submodule(anatomy(model).last)
    with torch.inference_mode(False), torch.enable_grad():
        maps = grad_cam_by_captum(
            lambda batch: model.scores(batch, module).gather(1, wanted)[:, 0], layer, inputs.clone()
        )
    return maps.detach().sum(dim=1).clamp_min(0)


def grad_cam_plus_plus(request: ViewRequest) -> tuple[Tensor, str]:
    """Grad-CAM++ (Chattopadhyay et al., WACV 2018), by torchcam with the paper's weights."""
    return _by_torchcam(request, _torchcam().PaperGradCAMpp, request.score)


def layer_cam(request: ViewRequest) -> tuple[Tensor, str]:
    """LayerCAM (Jiang et al., IEEE TIP 2021, eq. 7 and 8), by torchcam: each position has its own weights."""
    return _by_torchcam(request, _torchcam().LayerCAM, request.score)


def score_cam(request: ViewRequest) -> tuple[Tensor, str]:
    """Score-CAM (Wang et al., CVPR workshops 2020), by torchcam: one forward pass per channel.

    Each channel, normalised to 0 to 1 and then enlarged (the paper enlarges first), masks the picture. Its weight is
    the softmax, over all channels, of the score of the masked picture. The baseline that the paper subtracts is the
    same for all channels and cancels. For networks that give probabilities, the scores are their log odds.
    """
    with torch.no_grad():
        return _by_torchcam(request, _torchcam().ScoreCAM, request.logit, batch_size=request.at_once)


def x_grad_cam(request: ViewRequest) -> tuple[Tensor, str]:
    """XGrad-CAM (Fu et al., BMVC 2020), by torchcam: gradients, averaged with the activations as weights."""
    return _by_torchcam(request, _torchcam().XGradCAM, request.score)


def finer_cam(request: ViewRequest) -> tuple[Tensor, str]:
    """Finer-CAM (Zhang et al., CVPR 2025), by torchcam: Grad-CAM of what sets a class apart.

    The score less 0.6 times the mean of the three classes with the nearest scores; for "a rather than b", of b's.
    """
    layer = layer_of(request)
    module = request.module.get_submodule(layer)
    network = OneScore(request.module, request.scores)
    wanted, *other = request.classes
    with _torchcam().FinerCAM(network, module) as extractor:
        module.register_forward_hook(_copied)
        scores = network(request.inputs.requires_grad_())
        (found,) = extractor(wanted, scores, comparison_idx=other or None, normalized=False)
    return found[0], layer


def refine_cam(request: ViewRequest) -> tuple[Tensor, None]:
    """RefineCAM (arXiv 2605.14641), by torchcam: Grad-CAM++ at each depth of the network, from 0 to 1, multiplied.

    At the last feature maps of the three coarsest sizes through which everything passes.
    """
    layers = [request.module.get_submodule(name) for name in deep_layers(request.model)[:_COARSEST]]
    network = OneScore(request.module, request.score)
    with _torchcam().RefineCAM(network, layers, base_method=_torchcam().PaperGradCAMpp) as extractor:
        for layer in layers:
            layer.register_forward_hook(_copied)
        scores = network(request.inputs.requires_grad_())
        (found,) = extractor(0, scores, normalized=False)
    return found[0], None


def needs_depths(model: Model) -> str:
    """Why a network has no feature maps of several sizes, or ""."""
    if len(deep_layers(model)) > 1:
        return ""
    return "RefineCAM multiplies feature maps of several sizes, and the network has only one through which all passes."


def needs_rivals(model: Model) -> str:
    """Why a network has no class to be set apart from, or ""."""
    return "" if len(model.labels) > 1 else "Finer-CAM sets a class apart from others, and the network has only one."


def _torchcam() -> Any:
    need("torchcam")
    from cnnfix_core.methods import torchcam_extractors

    return torchcam_extractors


def _by_torchcam(
    request: ViewRequest, method: Any, score: Callable[[Tensor], Tensor], **options: Any
) -> tuple[Tensor, str]:
    layer = layer_of(request)
    module = request.module.get_submodule(layer)
    network = OneScore(request.module, score)
    with method(network, module, **options) as extractor:
        # After the library's hooks: later layers may write into this layer's output in place, so they get a copy.
        module.register_forward_hook(_copied)
        scores = network(request.inputs.requires_grad_())
        request.watch.expect(len(extractor.hook_a[0][0]) + 1)
        (found,) = extractor(0, scores, normalized=False)
    return found[0], layer


def _copied(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    return output.clone()


def layer_of(request: ViewRequest) -> str:
    """The layer on which a class activation map is drawn: the one asked for, or the last feature map."""
    known = anatomy(request.model)
    return known.layer(request.layer, known.last)
