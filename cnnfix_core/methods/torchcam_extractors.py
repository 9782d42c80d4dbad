"""What computes class activation maps in torchcam, one of them mended; imported when such a map is drawn."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchcam.methods import FinerCAM, GradCAMpp, LayerCAM, RefineCAM, ScoreCAM, XGradCAM

__all__ = ["FinerCAM", "LayerCAM", "PaperGradCAMpp", "RefineCAM", "ScoreCAM", "XGradCAM"]


class PaperGradCAMpp(GradCAMpp):
    """With the alphas of the paper: torchcam 0.5 computes them, but divides a copy that it then forgets."""

    def _get_weights(self, class_idx: Any, scores: Tensor, eps: float = 1e-8, **kwargs: Any) -> list[Tensor]:
        self._backprop(scores, class_idx, **kwargs)
        pairs = zip(self.hook_a, self.hook_g, strict=True)
        return [plus_plus_weights(a, g) for a, g in pairs]


def plus_plus_weights(activations: Tensor, gradients: Tensor) -> Tensor:
    """The weights of Grad-CAM++ (Chattopadhyay et al., WACV 2018, eq. 5 and 19): (N, C), from two (N, C, h, w).

    The exponential of the score, a factor that all weights share, is left out.
    """
    squares = gradients**2
    below = 2 * squares + activations.sum(dim=(2, 3), keepdim=True) * gradients**3
    alphas = torch.where(below == 0, 0, squares / below)
    return (alphas * gradients.relu()).sum(dim=(2, 3))
