"""Train with batch normalisation, ship without: plain networks learn in minutes so, and stay as they were published."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval


def with_normalisation(plain: nn.Sequential) -> nn.Sequential:
    """The layers with a batch normalisation after each that has weights, but for the last one."""
    layers: list[nn.Module] = []
    for layer in plain:
        layers.append(layer)
        if isinstance(layer, nn.Conv2d):
            layers.append(nn.BatchNorm2d(layer.out_channels))
        elif isinstance(layer, nn.Linear) and layer is not plain[-1]:
            layers.append(nn.BatchNorm1d(layer.out_features))
    return nn.Sequential(*layers)


def folded(trained: nn.Sequential) -> nn.Sequential:
    """The same function in evaluation mode, each normalisation folded into the weights before it."""
    layers: list[Any] = []
    for layer in trained.eval():
        if isinstance(layer, nn.BatchNorm2d):
            layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
        elif isinstance(layer, nn.BatchNorm1d):
            layers[-1] = fuse_linear_bn_eval(layers[-1], layer)
        else:
            layers.append(layer)
    return nn.Sequential(*layers)
