"""EfficientNet-Lite (Tan and Le, ICML 2019; without squeeze and excitation, for small devices).

Modules have the names of timm's `tf_efficientnet_lite0` and so on, whose weights fit and give the same scores.
"""

from __future__ import annotations

from math import ceil

import torch.nn.functional as F
from torch import Tensor, nn

# Of each stage of Lite0: channels, blocks, kernel, stride.
_STAGES = ((16, 1, 3, 1), (24, 2, 3, 2), (40, 2, 5, 2), (80, 3, 3, 2), (112, 3, 5, 1), (192, 4, 5, 2), (320, 1, 3, 1))
_STEM, _FEATURES = 32, 1280
_EXPANSION = 6


class Convolution(nn.Conv2d):
    """A convolution without bias, padded as in TensorFlow: one more at the end where the padding is odd."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, padding=padding, groups=groups, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride), rounded up."""
        if self.stride == (1, 1):
            return super().forward(features)
        height, width = (
            max((ceil(side / step) - 1) * step + kernel - side, 0)
            for side, step, kernel in zip(features.shape[2:], self.stride, self.kernel_size, strict=True)
        )
        padding = (width // 2, width - width // 2, height // 2, height - height // 2)
        return super().forward(F.pad(features, padding))


class Normalisation(nn.BatchNorm2d):
    """Batch normalisation with the activation function that follows."""

    def __init__(self, channels: int, act: nn.Module) -> None:
        super().__init__(channels, eps=0.001)
        self.act = act

    def forward(self, features: Tensor) -> Tensor:
        """(N, channels, H, W) to the same shape."""
        activated: Tensor = self.act(super().forward(features))
        return activated


def _activated(channels: int) -> Normalisation:
    return Normalisation(channels, nn.ReLU6(inplace=True))


def _linear(channels: int) -> Normalisation:
    return Normalisation(channels, nn.Identity())


class Separable(nn.Sequential):
    """A convolution of each channel alone, then a 1 x 1 convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = Convolution(inputs, inputs, kernel, stride, groups=inputs)
        self.bn1 = _activated(inputs)
        self.conv_pw = Convolution(inputs, outputs, 1)
        self.bn2 = _linear(outputs)


class InvertedResidual(nn.Sequential):
    """To more channels, a convolution of each channel alone, to fewer channels, plus the input if it has the shape."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        inner = _EXPANSION * inputs
        self.conv_pw = Convolution(inputs, inner, 1)
        self.bn1 = _activated(inner)
        self.conv_dw = Convolution(inner, inner, kernel, stride, groups=inner)
        self.bn2 = _activated(inner)
        self.conv_pwl = Convolution(inner, outputs, 1)
        self.bn3 = _linear(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride), rounded up."""
        path: Tensor = super().forward(features)  # type: ignore[no-untyped-call]  # of PyTorch
        return path + features if path.shape == features.shape else path


class _Pool(nn.Sequential):
    """The mean of each channel: (N, C, H, W) to (N, C)."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()


class EfficientNetLite(nn.Module):
    """Inverted residual blocks, global average pooling, one linear layer.

    Args:
        classes: number of classes.
        width: multiplies the channels of each stage, rounded to multiples of 8: 1 for Lite0 and Lite1, 1.1 for Lite2.
        depth: multiplies the blocks of each stage that has several, rounded up: 1, 1.1 and 1.2.
    """

    def __init__(self, classes: int = 1000, width: float = 1.0, depth: float = 1.0) -> None:
        super().__init__()
        self.conv_stem = Convolution(3, _STEM, 3, stride=2)
        self.bn1 = _activated(_STEM)
        self.blocks = nn.Sequential()
        inputs = _STEM
        for at, (channels, blocks, kernel, stride) in enumerate(_STAGES):
            outputs = round(width * channels / 8) * 8
            count = blocks if blocks == 1 else ceil(depth * blocks)
            first = InvertedResidual if at else Separable
            more = [InvertedResidual(outputs, outputs, kernel, 1) for _ in range(count - 1)]
            self.blocks.append(nn.Sequential(first(inputs, outputs, kernel, stride), *more))
            inputs = outputs
        self.conv_head = Convolution(inputs, _FEATURES, 1)
        self.bn2 = _activated(_FEATURES)
        self.global_pool = _Pool()
        self.classifier = nn.Linear(_FEATURES, classes)

    def forward_features(self, pictures: Tensor) -> Tensor:
        """The last feature maps: (N, 3, H, W) to (N, 1280, H / 32, W / 32), rounded up."""
        features = self.blocks(self.bn1(self.conv_stem(pictures)))
        maps: Tensor = self.bn2(self.conv_head(features))
        return maps

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) to logits, (N, classes)."""
        logits: Tensor = self.classifier(self.global_pool(self.forward_features(pictures)))
        return logits
