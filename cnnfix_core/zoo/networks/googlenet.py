"""A small network in the style of GoogLeNet (Szegedy et al. 2014), with batch normalisation like its successors."""

import torch
from torch import Tensor, nn


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Inception(nn.Module):
    """Four parallel branches, 1 x 1, 3 x 3, 5 x 5 and pooled, whose channels are concatenated."""

    def __init__(self, inputs: int, one: int, three: int, five: int, pooled: int) -> None:
        super().__init__()
        self.one = _convolution(inputs, one, 1)
        self.three = nn.Sequential(_convolution(inputs, three // 2, 1), _convolution(three // 2, three, 3))
        self.five = nn.Sequential(_convolution(inputs, five // 2, 1), _convolution(five // 2, five, 5))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), _convolution(inputs, pooled, 1))

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, one + three + five + pooled, H, W)."""
        return torch.cat([branch(features) for branch in (self.one, self.three, self.five, self.pooled)], dim=1)


class SmallGoogLeNet(nn.Sequential):
    """Inception blocks between max pools, global average pooling, one linear layer."""

    def __init__(self, classes: int) -> None:
        super().__init__(
            _convolution(3, 16, 7, stride=2),
            nn.MaxPool2d(3, stride=2, padding=1),
            _convolution(16, 32, 3),
            Inception(32, 12, 24, 16, 12),
            nn.MaxPool2d(3, stride=2, padding=1),
            Inception(64, 24, 48, 24, 16),
            Inception(112, 24, 64, 24, 16),
            nn.MaxPool2d(3, stride=2, padding=1),
            Inception(128, 40, 80, 32, 24),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(176, classes),
        )
