"""Preprocessing of a picture for a network."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor

from cnnfix_core.errors import ModelError

INTERPOLATIONS = ("bilinear", "bicubic", "lanczos", "nearest", "box", "hamming")
MAX_SIDE = 1024

Three = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Size and scale of a network's input; the defaults are those of most networks for ImageNet.

    Attributes:
        size: height and width in pixels, 1 to 1024.
        mean, std: of red, green and blue, for values from 0 to 1; std > 0.
        interpolation: one of INTERPOLATIONS.
        crop_pct: part of the scaled picture's short side that a centre crop keeps.

    Raises:
        ModelError: values that no network can have.
    """

    size: tuple[int, int] = (224, 224)
    mean: Three = (0.485, 0.456, 0.406)
    std: Three = (0.229, 0.224, 0.225)
    interpolation: str = "bilinear"
    crop_pct: float = 0.875

    def __post_init__(self) -> None:
        if not all(1 <= side <= MAX_SIDE for side in self.size):
            raise ModelError(f"The input's size is {self.size}; give height and width, 1 to {MAX_SIDE} pixels each.")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if not all(map(math.isfinite, values)):
                raise ModelError(f"The {name} is {values}; give three numbers, for red, green and blue.")
        if min(self.std) <= 0:
            raise ModelError(f"The std is {self.std}; all three numbers must be above 0.")
        if self.interpolation not in INTERPOLATIONS:
            raise ModelError(f"There is no interpolation {self.interpolation!r}; choose {', '.join(INTERPOLATIONS)}.")
        if not 0 < self.crop_pct <= 1:
            raise ModelError(f"The crop keeps {self.crop_pct} of the picture; give a number above 0 and at most 1.")

    def __call__(self, picture: Image) -> Tensor:
        """An RGB picture of `size` as the network's input: (3, H, W), values (v / 255 - mean) / std."""
        pixels = np.asarray(picture, np.float32) / 255
        standard = (pixels - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return torch.from_numpy(standard).permute(2, 0, 1).contiguous()
