"""What the score does when parts of the picture are hidden."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from cnnfix_core.errors import need
from cnnfix_core.methods.per_view import ViewRequest

# Sides of the picture over the side of the patch, and over its step.
PATCH, STEP = 7, 14
# Petsiuk et al. took 4000 to 8000 masks; with 1000 the noise is about twice as high, and it takes half a minute.
MASKS, CELLS, SHOWN = 1000, 7, 0.5


def occlusion(asked: ViewRequest) -> tuple[Tensor, None]:
    """How far the score falls when a grey patch covers the place (Zeiler, Fergus, ECCV 2014, section 4.2), by Captum.

    The patch has a seventh of the picture's sides and moves by half of itself; a place gets the mean over the patches
    that cover it. Where the score rises instead, the map is cut off at 0.
    """
    need("captum")
    from captum.attr import Occlusion

    channels, *sides = asked.inputs.shape[1:]
    patch = (channels, *(max(side // PATCH, 1) for side in sides))
    step = (channels, *(max(side // STEP, 1) for side in sides))
    places = [1 + -(-(side - p) // s) for side, p, s in zip(sides, patch[1:], step[1:], strict=True)]
    asked.watch.expect(1 + places[0] * places[1])
    falls: Tensor = Occlusion(asked.score).attribute(asked.inputs, patch, step, perturbations_per_eval=asked.at_once)
    return falls[0, 0], None  # the same in every colour


def rise(asked: ViewRequest) -> tuple[Tensor, None]:
    """RISE (Petsiuk et al., BMVC 2018, eq. 6), with 1000 random masks, the same for every picture.

    The class's probability, or the difference of two, is averaged over the masks that show a place. From it the mean
    over all masks is taken away, which all places share: the map is 0 where seeing the place raises nothing.
    """
    asked.watch.expect(MASKS)
    sides = asked.inputs.shape[2:]
    weighted, shown, total = torch.zeros(sides), torch.zeros(sides), 0.0
    with torch.no_grad():
        for masks in random_masks(MASKS, asked.at_once, (sides[0], sides[1])):
            said = asked.among(asked.module(asked.inputs * masks[:, None]).softmax(dim=1))
            weighted += (said[:, None, None] * masks).sum(dim=0)
            shown += masks.sum(dim=0)
            total += float(said.sum())
    return (weighted - total / MASKS * shown) / (MASKS * SHOWN), None


def random_masks(count: int, at_once: int, size: tuple[int, int]) -> Iterator[Tensor]:
    """Smooth masks (n, H, W) from 0 to 1, as section 3.2 of the paper makes them; always the same.

    A grid of 7 x 7 cells, each shown with a probability of 0.5, is enlarged bilinearly to one cell more than the
    picture, and cut out at a random place.
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
