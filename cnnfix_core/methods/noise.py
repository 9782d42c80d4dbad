"""Noisy copies of a picture, from a generator of their own: the same question has the same answer, whatever else runs.

Captum's NoiseTunnel and GradientShap draw from generators that all threads of a program share.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

COPIES = 50
SPREAD = 0.15  # standard deviation of the noise, in parts of the picture's range: Smilkov et al. advise 0.1 to 0.2


def noisy(inputs: Tensor, at_once: int) -> Iterator[Tensor]:
    """Batches of copies of a picture, (1, C, H, W), with normal noise: `COPIES` in all, always the same."""
    generator = torch.Generator().manual_seed(0)
    spread = SPREAD * float(inputs.max() - inputs.min())
    for start in range(0, COPIES, at_once):
        shape = (min(at_once, COPIES - start), *inputs.shape[1:])
        yield inputs.detach() + spread * torch.randn(shape, generator=generator).to(inputs)


def on_the_way(inputs: Tensor, at_once: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of references, (N, 1, 1, 1), and of pictures between them and the picture, `COPIES` in all.

    A reference is a uniform picture whose value is drawn between the least and the greatest of the picture.
    """
    generator = torch.Generator().manual_seed(0)
    low, high = inputs.min(), inputs.max()
    for start in range(0, COPIES, at_once):
        shape = (min(at_once, COPIES - start), 1, 1, 1)
        drawn, share = (torch.rand(shape, generator=generator).to(inputs) for _ in range(2))
        references = low + drawn * (high - low)
        yield references, references + share * (inputs.detach() - references)
