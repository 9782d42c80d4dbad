"""Preprocessing of a picture for a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor

from cnnfix_core.errors import ModelError, did_you_mean

INTERPOLATIONS = ("bilinear", "bicubic", "lanczos", "nearest", "box", "hamming")
# What a channel of the input may show of a picture; "none": 0 everywhere, as the mean is after normalisation.
CHANNELS = ("red", "green", "blue", "grey", "none")
MAX_SIDE, MAX_CHANNELS = 1024, 64

_COUNTS = {1: "one number", 2: "two numbers", 3: "three numbers"}
_RGB = ("red", "green", "blue")
_GREY = (0.299, 0.587, 0.114)  # as Pillow converts RGB to grey (ITU-R 601-2)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Size and scale of a network's input; the defaults are those of most networks for ImageNet.

    Attributes:
        size: height and width in pixels, 1 to 1024.
        mean, std: of each channel, for values from 0 to 1; std > 0.
        interpolation: one of INTERPOLATIONS.
        crop_pct: part of the scaled picture's short side that a centre crop keeps.
        channels: what each channel shows, of CHANNELS; () for what is usual for their number: grey for one, red, green
            and blue for three, "none" for those beyond.

    Raises:
        ModelError: values that no network can have.
    """

    size: tuple[int, int] = (224, 224)
    mean: tuple[float, ...] = _MEAN
    std: tuple[float, ...] = _STD
    interpolation: str = "bilinear"
    crop_pct: float = 0.875
    channels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.channels:
            object.__setattr__(self, "channels", usual_channels(len(self.mean)))
        if not all(1 <= side <= MAX_SIDE for side in self.size):
            raise ModelError(f"The input's size is {self.size}; give height and width, 1 to {MAX_SIDE} pixels each.")
        self._check_channels()
        if self.interpolation not in INTERPOLATIONS:
            raise ModelError(f"There is no interpolation {self.interpolation!r}; choose {', '.join(INTERPOLATIONS)}.")
        if not 0 < self.crop_pct <= 1:
            raise ModelError(f"The crop keeps {self.crop_pct} of the picture; give a number above 0 and at most 1.")

    def of_channels(self, count: int) -> Preprocessing:
        """The same for that many channels; one that is neither red, green nor blue gets the mean of their values."""
        if count == len(self.channels):
            return self
        mean, std = _for_channels(self.mean, count), _for_channels(self.std, count)
        return replace(self, mean=mean, std=std, channels=usual_channels(count))

    def _check_channels(self) -> None:
        if not 1 <= len(self.channels) <= MAX_CHANNELS:
            raise ModelError(f"The input has {len(self.channels)} channels; give 1 to {MAX_CHANNELS}.")
        for channel in self.channels:
            if channel not in CHANNELS:
                hint = did_you_mean(channel, CHANNELS, f"Choose {', '.join(CHANNELS)}.")
                raise ModelError(f"A channel cannot show {channel!r}. {hint}")
        named = ", ".join(self.channels)
        count = _COUNTS.get(len(self.channels), f"{len(self.channels)} numbers")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != len(self.channels) or not all(map(math.isfinite, values)):
                raise ModelError(f"The {name} is {values}; give {count}, for {named}.")
        if min(self.std) <= 0:
            raise ModelError(f"The std is {self.std}; all of its numbers must be above 0.")

    def __call__(self, picture: Image) -> Tensor:
        """An RGB picture of `size` as the network's input: (channels, H, W), float32."""
        return self.standardised(torch.from_numpy(np.array(picture, np.uint8)).permute(2, 0, 1))

    def standardised(self, pixels: Tensor) -> Tensor:
        """Pixels as the network's input: values (v / 255 - mean) / std of what each channel shows.

        Args:
            pixels: (..., 3, H, W), red, green and blue from 0 to 255, on any device; may need a gradient.

        Returns:
            (..., channels, H, W), float32.
        """
        values = pixels.float() / 255
        if self.channels != _RGB:
            weights = [_WEIGHTS[channel] for channel in self.channels]
            values = torch.einsum("cr,...rhw->...chw", values.new_tensor(weights), values)
        mean, std = (values.new_tensor(part)[:, None, None] for part in (self.mean, self.std))
        standard = (values - mean) / std
        if "none" in self.channels:
            standard = standard * values.new_tensor([channel != "none" for channel in self.channels])[:, None, None]
        return standard.contiguous()


_WEIGHTS = {
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
    "grey": _GREY,
    "none": (0.0, 0.0, 0.0),
}


def _for_channels(values: tuple[float, ...], count: int) -> tuple[float, ...]:
    own = values if count >= len(values) else ()
    return own + (round(sum(values) / len(values), 3),) * (count - len(own))


def usual_channels(count: int) -> tuple[str, ...]:
    """What that many channels usually show."""
    shown = ("grey",) if count < len(_RGB) else _RGB
    return shown + ("none",) * (count - len(shown))


def listed_channels(channels: Sequence[str]) -> str:
    """What the channels show, in words: "in red, green and blue", "in grey; 1 channel is empty"."""
    shown = [name for name in channels if name != "none"]
    named = " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)
    empty = len(channels) - len(shown)
    left = f"{empty} {'channel is' if empty == 1 else 'channels are'} empty" if empty else ""
    return "; ".join(part for part in (f"in {named}" if named else "", left) if part)
