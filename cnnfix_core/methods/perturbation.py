"""Perturbation methods: how the score changes when parts of the picture are hidden."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from cnnfix_core.errors import need
from cnnfix_core.methods.per_view import ViewRequest

# Side of the picture divided by the side of the patch, and by its step.
PATCH, STEP = 7, 14
# Petsiuk et al. used 4000 to 8000 masks; with 1000 the noise is about twice as high, and it takes half a minute.
MASKS, CELLS, SHOWN = 1000, 7, 0.5


def occlusion(request: ViewRequest) -> tuple[Tensor, None]:
    """How far the score drops when a grey patch covers a pixel (Zeiler, Fergus, ECCV 2014, section 4.2), by Captum.

    The patch is 1/7 of the picture's width and height and moves by half its size. A pixel gets the mean over the
    patches that cover it. Negative values, where the score rises, are set to 0.
    """
    need("captum")
    from captum.attr import Occlusion

    channels, *sides = request.inputs.shape[1:]
    patch = (channels, *(max(side // PATCH, 1) for side in sides))
    step = (channels, *(max(side // STEP, 1) for side in sides))
    counts = [1 + -(-(side - p) // s) for side, p, s in zip(sides, patch[1:], step[1:], strict=True)]
    request.watch.expect(1 + counts[0] * counts[1])
    drops: Tensor = Occlusion(request.score).attribute(
        request.inputs, patch, step, perturbations_per_eval=request.at_once
    )
    return drops[0, 0], None  # the same in every colour channel


def rise(request: ViewRequest) -> tuple[Tensor, None]:
    """RISE (Petsiuk et al., BMVC 2018, eq. 6), with 1000 random masks, the same for every picture.

    The class's probability, or the difference of two, is averaged over the masks that show a pixel. The mean over all
    masks is subtracted, so that the map is 0 where showing the pixel does not raise the probability.
    """
    request.watch.expect(MASKS)
    sides = request.inputs.shape[2:]
    weighted, shown = request.inputs.new_zeros((2, *sides), dtype=torch.float32)
    total = 0.0
    with torch.no_grad():
        for drawn in random_masks(MASKS, request.at_once, (sides[0], sides[1])):
            masks = drawn.to(request.inputs.device)
            probability = request.probability(request.inputs * masks[:, None].to(request.inputs.dtype)).float()
            weighted += (probability[:, None, None] * masks).sum(dim=0)
            shown += masks.sum(dim=0)
            total += float(probability.sum())
    return (weighted - total / MASKS * shown) / (MASKS * SHOWN), None


def random_masks(count: int, at_once: int, size: tuple[int, int]) -> Iterator[Tensor]:
    """Batches of smooth masks (n, H, W) from 0 to 1, made as in section 3.2 of the paper; always the same.

    A grid of 7 x 7 cells, each shown with a probability of 0.5, is enlarged bilinearly to one cell more than the
    picture, and cropped at a random offset.
    """
    generator = torch.Generator().manual_seed(0)
    cell = [-(-side // CELLS) for side in size]
    for start in range(0, count, at_once):
        masks = []
        for _ in range(min(at_once, count - start)):
            grid = (torch.rand(1, 1, CELLS, CELLS, generator=generator) < SHOWN).float()
            large = interpolate(grid, [(CELLS + 1) * side for side in cell], mode="bilinear", align_corners=False)
            y, x = (int(torch.randint(side, (1,), generator=generator)) for side in cell)
            masks.append(large[0, 0, y : y + size[0], x : x + size[1]])
        yield torch.stack(masks)
