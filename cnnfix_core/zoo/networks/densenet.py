"""A small network in the style of DenseNet (Huang et al. 2016)."""

import torch
from torch import Tensor, nn


def _activated(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    )


class Dense(nn.Module):
    """Layers that each take the channels of all previous layers, and add `growth` channels."""

    def __init__(self, inputs: int, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(_activated(inputs + n * growth, 2 * growth, 1), _activated(2 * growth, growth, 3))
            for n in range(layers)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, inputs + layers * growth, H, W)."""
        for layer in self.layers:
            features = torch.cat([features, layer(features)], dim=1)
        return features


class SmallDenseNet(nn.Sequential):
    """Dense blocks, average pools between them, global average pooling, one linear layer."""

    def __init__(self, classes: int) -> None:
        super().__init__(
            nn.Conv2d(3, 16, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
            Dense(16, 4, 12),
            _activated(64, 40, 1),
            nn.AvgPool2d(2),
            Dense(40, 5, 16),
            _activated(120, 64, 1),
            nn.AvgPool2d(2),
            Dense(64, 4, 20),
            nn.BatchNorm2d(144),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(144, classes),
        )
