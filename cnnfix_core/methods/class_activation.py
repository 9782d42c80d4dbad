"""Class activation maps: channels of a feature map, weighted by what they do for the class.

What is negative in a map speaks against the class, and is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cnnfix_core.errors import need
from cnnfix_core.methods.feature_maps import anatomy
from cnnfix_core.methods.method import Map
from cnnfix_core.methods.module_copy import with_own_hooks
from cnnfix_core.methods.per_view import ViewRequest
from cnnfix_core.zoo import Model


def grad_cam(asked: ViewRequest) -> tuple[Tensor, str]:
    """Grad-CAM; the channels' sum is cut off at 0."""
    layer = _layer(asked)
    return grad_cam_by_captum(asked.score, asked.module.get_submodule(layer), asked.inputs)[0].sum(dim=0), layer


def grad_cam_by_captum(score: Callable[[Tensor], Tensor], layer: nn.Module, inputs: Tensor) -> Tensor:
    """Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1 and 2) of the scores, (N,), on a layer's maps, as large as they."""
    need("captum")
    from captum.attr import LayerGradCam

    maps: Tensor = LayerGradCam(score, layer).attribute(inputs.requires_grad_(), relu_attributions=True)
    return maps


def grad_cam_together(model: Model, inputs: Tensor, classes: Sequence[int]) -> list[Map]:
    """Grad-CAM of each of a batch of the network's inputs, (N, 3, H, W), for a class each: N maps (h, w)."""
    module = with_own_hooks(model.module)
    wanted = torch.tensor(classes, device=inputs.device)[:, None]
    layer = module.get_submodule(anatomy(model).last)
    with torch.inference_mode(False), torch.enable_grad():
        maps = grad_cam_by_captum(lambda batch: module(batch).gather(1, wanted)[:, 0], layer, inputs.clone())
    return list(maps.detach().sum(dim=1).clamp_min(0).float().cpu().numpy())


def grad_cam_plus_plus(asked: ViewRequest) -> tuple[Tensor, str]:
    """Grad-CAM++ (Chattopadhyay et al., WACV 2018), by torchcam with the paper's weights; cut off at 0."""
    return _by_torchcam(asked, _torchcam().PaperGradCAMpp)


def layer_cam(asked: ViewRequest) -> tuple[Tensor, str]:
    """LayerCAM (Jiang et al., IEEE TIP 2021, eq. 7 and 8), by torchcam: each place has weights of its own."""
    return _by_torchcam(asked, _torchcam().LayerCAM)


def score_cam(asked: ViewRequest) -> tuple[Tensor, str]:
    """Score-CAM (Wang et al., CVPR workshops 2020), by torchcam: one forward pass a channel.

    Each channel, brought to 0 to 1 and then enlarged (the paper enlarges first), masks the picture; its weight is the
    softmax, over all channels, of the scores that the network then gives. The baseline that the paper subtracts is the
    same for all and cancels.
    """
    with torch.no_grad():
        return _by_torchcam(asked, _torchcam().ScoreCAM, batch_size=asked.at_once)


def _torchcam() -> Any:
    need("torchcam")
    from cnnfix_core.methods import torchcam_extractors

    return torchcam_extractors


def _by_torchcam(asked: ViewRequest, method: Any, **options: Any) -> tuple[Tensor, str]:
    layer = _layer(asked)
    module = asked.module.get_submodule(layer)
    with method(asked.module, layer, **options) as extractor:
        # After the library's own hooks: what follows may write into the layer's output, which must stay what they saw.
        module.register_forward_hook(_copied)
        scores = asked.module(asked.inputs.requires_grad_())
        asked.watch.expect(len(extractor.hook_a[0][0]) + 1)
        (found,) = extractor(scores=scores, targets=asked.among, normalized=False)
    return found[0], layer


def _copied(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    return output.clone()


def _layer(asked: ViewRequest) -> str:
    known = anatomy(asked.model)
    return known.layer(asked.layer, known.last)
