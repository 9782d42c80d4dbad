"""Train with batch normalisation and ship without it: plain networks then train in minutes and keep their design."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval


def with_normalisation(plain: nn.Sequential) -> nn.Sequential:
    """Add a batch normalisation after each layer with weights except the last."""
    layers: list[nn.Module] = []
    for layer in plain:
        layers.append(layer)
        if isinstance(layer, nn.Conv2d):
            layers.append(nn.BatchNorm2d(layer.out_channels))
        elif isinstance(layer, nn.Linear) and layer is not plain[-1]:
            layers.append(nn.BatchNorm1d(layer.out_features))
    return nn.Sequential(*layers)


def folded(trained: nn.Sequential) -> nn.Sequential:
    """Fold each normalisation into the weights before it; in evaluation mode, the function is the same."""
    layers: list[Any] = []
    for layer in trained.eval():
        if isinstance(layer, nn.BatchNorm2d):
            layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
        elif isinstance(layer, nn.BatchNorm1d):
            layers[-1] = fuse_linear_bn_eval(layers[-1], layer)
        else:
            layers.append(layer)
    return nn.Sequential(*layers)
