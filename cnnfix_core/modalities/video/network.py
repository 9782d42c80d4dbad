"""A small network for clips in the style of R3D (Tran et al., CVPR 2018)."""

from __future__ import annotations

from torch import Tensor, nn


class Residual3d(nn.Module):
    """Two 3 x 3 x 3 convolutions whose output is added to their input."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv3d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm3d(outputs),
            nn.ReLU(),
            nn.Conv3d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm3d(outputs),
        )
        self.skip = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm3d(outputs))
        )
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, T, H, W) to (N, outputs, T / stride, H / stride, W / stride)."""
        added: Tensor = self.relu(self.path(features) + self.skip(features))
        return added


class SmallR3D(nn.Sequential):
    """Residual blocks over time and space, global average pooling, and a linear layer."""

    def __init__(self, classes: int) -> None:
        super().__init__(
            nn.Conv3d(3, 16, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False),
            nn.BatchNorm3d(16),
            nn.ReLU(),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            Residual3d(16, 24),
            Residual3d(24, 32, stride=2),
            Residual3d(32, 64, stride=2),
            nn.AdaptiveAvgPool3d(1),
            nn.Flatten(),
            nn.Linear(64, classes),
        )
