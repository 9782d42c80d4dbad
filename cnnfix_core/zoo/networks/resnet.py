"""A small network in the style of ResNet (He et al. 2015)."""

from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3 x 3 convolutions whose output is added to their input."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.skip = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        added: Tensor = self.relu(self.path(features) + self.skip(features))
        return added


class SmallResNet(nn.Sequential):
    """Residual blocks with batch normalisation, global average pooling, one linear layer."""

    def __init__(self, classes: int) -> None:
        super().__init__(
            nn.Conv2d(3, 16, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
            Residual(16, 16),
            Residual(16, 16),
            Residual(16, 32, stride=2),
            Residual(32, 32),
            Residual(32, 72, stride=2),
            Residual(72, 72),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(72, classes),
        )
