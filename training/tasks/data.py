"""Scenes with two objects, with class maps and boxes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cnnfix_core.synthetic import CLASSES, compose
from training.parallel import made

GROUND = 0  # the background in class maps; the classes of scenes follow


def two_objects(seeds: range) -> tuple[Tensor, Tensor]:
    """Pictures (N, 3, H, W) and class maps (N, 1, H, W), both uint8: 0 is the background, 1 the first class."""
    pictures, maps = zip(*made(_scene, seeds), strict=True)
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(np.stack(maps))[
        :, None
    ]


def _scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    label, step = seed % len(CLASSES), 1 + seed // len(CLASSES) % (len(CLASSES) - 1)
    scene = compose(seed, label, other=(label + step) % len(CLASSES))
    where = np.zeros(scene.things[0].mask.shape, np.uint8)
    for thing in scene.things:
        if thing.label is not None:
            where[thing.mask] = 1 + thing.label
    return scene.picture.pixels, where


def boxes_of(where: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes (K, 4) as x0, y0, x1, y1, x1 and y1 exclusive, and labels (K,) from 0, of one class map (H, W)."""
    from torchvision.ops import masks_to_boxes

    there = where.unique()
    there = there[there != GROUND]
    boxes = masks_to_boxes(where == there[:, None, None])
    boxes[:, 2:] += 1
    return boxes, there.long() - 1
