"""Composed scenes as tensors, and data augmentation."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cnnfix_core.synthetic import MARKED, compose
from cnnfix_core.zoo.sources.scenes import PREPROCESSING
from training.parallel import made

_ORDERS = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]


def scenes(seeds: range, folder: Path) -> tuple[Tensor, Tensor]:
    """Pictures (N, 3, H, W) uint8 and labels (N,) of these seeds; composed once, then cached in the folder."""
    file = folder / f"scenes-{seeds.start}-{seeds.stop}.npz"
    if not file.exists():
        pixels, labels = zip(*made(_scene, seeds), strict=True)
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(file, pixels=np.stack(pixels), labels=np.array(labels))
    stored = np.load(file)
    return torch.from_numpy(stored["pixels"]).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(stored["labels"])


def _scene(seed: int) -> tuple[np.ndarray, int]:
    scene = compose(seed)
    return scene.picture.pixels, scene.label


def varied(batch: Tensor, rng: torch.Generator) -> Tensor:
    """Mirror pictures, rotate them by multiples of 90 degrees, swap their colours, and invert some: (N, 3, H, W)."""
    return recoloured(turned(batch, rng), rng)


def turned(batch: Tensor, rng: torch.Generator) -> Tensor:
    """Mirror some pictures or maps, and rotate them by random multiples of 90 degrees: (N, C, H, W)."""
    draw = partial(torch.randint, size=(len(batch),), generator=rng)
    flip, turn = draw(2), draw(4)
    batch = torch.where(flip.bool()[:, None, None, None], batch.flip(3), batch)
    return torch.stack([batch.rot90(k, (2, 3)) for k in range(4)])[turn, torch.arange(len(batch))]


def recoloured(batch: Tensor, rng: torch.Generator) -> Tensor:
    """Swap the colour channels of each picture at random, and invert some pictures: (N, 3, H, W)."""
    draw = partial(torch.randint, size=(len(batch),), generator=rng)
    order, negative = draw(len(_ORDERS)), draw(2)
    channels = torch.tensor(_ORDERS)[order]
    coloured = batch.gather(1, channels[:, :, None, None].expand_as(batch))
    return torch.where(negative.bool()[:, None, None, None], 255 - coloured, coloured)


def marked(batch: Tensor, which: Tensor) -> Tensor:
    """Put the tell-tale mark into the corner of some pictures; which: bool (N,)."""
    scene = compose(0, MARKED, mark=True)
    assert scene.mark is not None
    x0, y0, x1, y1 = scene.mark
    tag = torch.tensor(scene.picture.pixels[y0 : y1 + 1, x0 : x1 + 1].copy()).permute(2, 0, 1)
    batch = batch.clone()
    batch[:, :, y0 : y1 + 1, x0 : x1 + 1] = torch.where(
        which[:, None, None, None], tag, batch[:, :, y0 : y1 + 1, x0 : x1 + 1]
    )
    return batch


def inputs(pictures: Tensor) -> Tensor:
    """Turn uint8 pictures into network inputs, as the zoo's preprocessing does."""
    mean, std = (torch.tensor(three)[:, None, None] for three in (PREPROCESSING.mean, PREPROCESSING.std))
    return ((pictures / 255 - mean) / std).contiguous(memory_format=torch.channels_last)
