"""More class activation maps, in which what weighs a channel is computed here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from cnnfix_core.methods.class_activation import layer_of
from cnnfix_core.methods.feature_maps import ends_of_modules
from cnnfix_core.methods.noise import COPIES, noisy
from cnnfix_core.methods.per_view import ViewRequest
from cnnfix_core.methods.running_again import kept, run_again


def hires_cam(request: ViewRequest) -> tuple[Tensor, str]:
    """HiResCAM (Draelos, Carin, arXiv 2011.08891): activations times gradients, summed over the channels."""
    layer = layer_of(request)
    request.watch.expect(1)
    maps, gradients = _with_gradients(request, layer, request.inputs)
    return (maps * gradients)[0].sum(dim=0), layer


def smooth_grad_cam_plus_plus(request: ViewRequest) -> tuple[Tensor, str]:
    """Smooth Grad-CAM++ (Omeiza et al., arXiv 1908.01224): Grad-CAM++ with means over noisy copies.

    The gradient and its square and cube are averaged over the copies. The numerator of alpha is the mean square, as in
    Grad-CAM++; the paper prints the mean gradient. torchcam takes the gradient and the map of the last copy instead.
    """
    layer = layer_of(request)
    request.watch.expect(COPIES + 1)
    with torch.no_grad(), _hooked(request, layer) as given:
        request.scores(request.inputs)
    maps = given[0].float()  # half precision has no numbers as small as cubes
    sums = [torch.zeros_like(maps) for _ in range(3)]
    for copies in noisy(request.inputs, request.at_once):
        _, gradients = _with_gradients(request, layer, copies)
        for power in (1, 2, 3):
            sums[power - 1] += (gradients.float() ** power).sum(dim=0, keepdim=True)
    first, second, third = (total / COPIES for total in sums)
    below = 2 * second + maps.sum(dim=(2, 3), keepdim=True) * third
    alphas = torch.where(below == 0, 0, second / below)
    weights = (alphas * first.relu()).sum(dim=(2, 3), keepdim=True)
    return (weights * maps)[0].sum(dim=0), layer


def ablation_cam(request: ViewRequest) -> tuple[Tensor, str]:
    """Ablation-CAM (Desai, Ramaswamy, WACV 2020): a channel weighs as much as the score falls without it.

    The division by the score, which all weights share, is left out: it would turn the map over where the score is
    negative. Only what comes after the layer is computed once per channel.
    """
    layer = layer_of(request)
    request.watch.expect(request.at_once + 1)
    request.watch(request.at_once)
    with torch.no_grad():
        tape = request.model.record(request.inputs.expand(request.at_once, -1, -1, -1), whole=True)
        end = ends_of_modules(tape)[layer]
        maps = kept(end.outputs[0])

        def score(of: Tensor) -> Tensor:
            return request.among(run_again(tape, end, of)[tape.output])

        whole, weights = score(maps.clone()), []
        request.watch.expect(maps.shape[1])
        for channels in torch.arange(maps.shape[1]).split(len(maps)):
            request.watch(len(channels))
            without = maps.clone()
            for row, channel in enumerate(channels.tolist()):
                without[row, channel] = 0
            weights.append((whole - score(without))[: len(channels)])
        return (torch.cat(weights)[:, None, None] * maps[0]).sum(dim=0), layer


def eigen_cam(request: ViewRequest) -> tuple[Tensor, str]:
    """Eigen-CAM (Muhammad, Yeasin, IJCNN 2020): the map's projection on its first principal direction.

    It does not depend on the class. Of the two signs of a direction, the one whose map has the larger sum.
    """
    layer = layer_of(request)
    request.watch.expect(1)
    with torch.no_grad(), _hooked(request, layer) as given:
        request.scores(request.inputs)
    places = given[0][0].flatten(1).T.float()  # (places, channels)
    _, _, directions = torch.linalg.svd(places, full_matrices=False)
    projected = (places @ directions[0]).reshape(given[0].shape[2:])
    return projected * projected.sum().sign(), layer


def _with_gradients(request: ViewRequest, layer: str, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """What a layer gives for a batch, (N, C, h, w), and the gradients of the scores with respect to it."""
    with _hooked(request, layer) as given:
        score = request.score(inputs.requires_grad_())
    (gradients,) = torch.autograd.grad(score.sum(), given[0])
    return given[0].detach(), gradients


@contextmanager
def _hooked(request: ViewRequest, layer: str) -> Iterator[list[Tensor]]:
    """Keep what a layer gives, and hand on a copy, since what follows may write into it."""
    given: list[Tensor] = []

    def keep(_module: Any, _inputs: Any, output: Tensor) -> Tensor:
        given.append(output)
        return output.clone()

    handle = request.module.get_submodule(layer).register_forward_hook(keep)
    try:
        yield given
    finally:
        handle.remove()
