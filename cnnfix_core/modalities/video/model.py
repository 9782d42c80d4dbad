"""A classifier of clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from cnnfix_core.images import View
from cnnfix_core.modalities.video.clip import Clip
from cnnfix_core.zoo import Classifier, Labels, Preprocessing


@dataclass(frozen=True, slots=True, eq=False)
class ClipModel(Classifier):
    """A classifier of clips, ready to use.

    Attributes:
        module: Returns scores (N, classes) for clips (N, 3, frames, height, width).
        labels: The labels of its classes.
        frames: The number of frames of the network's input.
        scaled: The height and width to which frames are scaled.
        size: The height and width of the network's input, the centre of the scaled frames.
        mean: The means of red, green and blue, for values from 0 to 1.
        std: Their standard deviations.
        source: Where the weights come from.
        licence: The licence of the weights.
    """

    labels: Labels
    frames: int
    scaled: tuple[int, int]
    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str
    licence: str

    @property
    def preprocess(self) -> Preprocessing:
        """Turns the centre of a scaled frame into the network's input."""
        return Preprocessing(self.size, self.mean, self.std)

    def steps(self, count: int) -> NDArray[np.intp]:
        """Which of a clip's `count` frames the network sees at each step, evenly spaced: (frames,)."""
        return np.linspace(0, count - 1, self.frames).round().astype(np.intp)

    def view(self, clip: Clip) -> View:
        """The part of each frame that the network sees."""
        across, down = clip.width / self.scaled[1], clip.height / self.scaled[0]
        # Like torchvision, start at a whole pixel of the scaled frame.
        top, left = (round((whole - part) / 2) for whole, part in zip(self.scaled, self.size, strict=True))
        box = (left * across, top * down, (left + self.size[1]) * across, (top + self.size[0]) * down)
        return View("middle", box, self.size, Image.Resampling.BILINEAR)

    def inputs(self, clip: Clip) -> Tensor:
        """The network's input for a clip, (1, 3, frames, height, width)."""
        view = self.view(clip)
        steps = self.steps(len(clip)).tolist()
        shown = {number: self.preprocess(view.render(clip.frames[number])) for number in set(steps)}
        return self.placed(torch.stack([shown[number] for number in steps], dim=1)[None])

    def noise(self) -> Tensor:
        """Noise as the network's input, (1, 3, frames, height, width)."""
        generator = torch.Generator().manual_seed(0)
        return self.placed(torch.randn(1, 3, self.frames, *self.size, generator=generator))
