"""Sketches from the archive: the training set, the held-out set, and data augmentation."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from cnnfix_core.zoo.sources.sketches import SIDE

STORED = 150  # side in pixels of the sketches kept in memory
HELD_OUT = 5  # every fifth sketch of a class


@dataclass(frozen=True)
class Sketches:
    """Sketches with labels.

    ink: (N, H, W) uint8, from 0 (paper) to 255 (ink). labels: (N,) indices into `names`. files: of each sketch, in the
    archive.
    """

    ink: Tensor
    labels: Tensor
    names: tuple[str, ...]
    files: tuple[str, ...]

    def part(self, held_out: bool) -> Sketches:
        """The held-out sketches, or those to train on."""
        rows = torch.tensor([row for row, number in enumerate(self._numbers()) if (number % HELD_OUT == 0) == held_out])
        files = tuple(self.files[row] for row in rows.tolist())
        return Sketches(self.ink[rows], self.labels[rows], self.names, files)

    def _numbers(self) -> list[int]:
        """For each sketch, its number within its class, from 1."""
        times: Counter[int] = Counter()
        numbers = []
        for label in self.labels.tolist():
            times[label] += 1
            numbers.append(times[label])
        return numbers


def sketches(archive: Path) -> Sketches:
    """Read all sketches from a zip with one folder per class, ordered by class and number."""
    with zipfile.ZipFile(archive) as opened:
        files = sorted((name for name in opened.namelist() if name.endswith(".png")), key=_order)
        pixels = [_grey(opened.read(name)) for name in files]
    kinds = [name.split("/")[-2] for name in files]
    names = tuple(sorted(set(kinds)))
    labels = torch.tensor([names.index(kind) for kind in kinds])
    return Sketches(torch.from_numpy(255 - np.stack(pixels)), labels, names, tuple(files))


def _grey(content: bytes) -> NDArray[np.uint8]:
    sheet = Image.open(io.BytesIO(content)).convert("L")
    return np.asarray(sheet.resize((STORED, STORED), Image.Resampling.LANCZOS))  # one sketch is larger


def _order(name: str) -> tuple[str, int]:
    folder, file = name.rsplit("/", 1)
    return folder, int("".join(re.findall(r"\d+", file)) or 0)


def inputs(ink: Tensor) -> Tensor:
    """Turn ink (N, H, W) into network inputs (N, 3, SIDE, SIDE), like the network's preprocessing of a picture."""
    sheets = F.interpolate(ink[:, None].float(), SIDE, mode="bicubic", align_corners=False, antialias=True)
    return _as_picture(sheets.clamp(0, 255) / 255)


def varied(ink: Tensor, rng: torch.Generator) -> Tensor:
    """Make inputs of sketches that are mirrored, rotated, squeezed, bent, drawn with other pens, partly erased."""
    count = len(ink)

    def drawn(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=rng)

    sheets = _with_other_pens(ink[:, None].float() / 255, rng)
    turn, lean = drawn(-0.3, 0.3), drawn(-0.15, 0.15)
    across, down = drawn(0.85, 1.3), drawn(0.85, 1.3)
    mirror = torch.where(torch.rand(count, generator=rng) < 0.5, -1.0, 1.0)
    cos, sin = turn.cos(), turn.sin()
    places = torch.stack(
        [
            torch.stack([mirror * across * cos, lean - down * sin, drawn(-0.12, 0.12)], dim=1),
            torch.stack([mirror * across * sin, down * cos, drawn(-0.12, 0.12)], dim=1),
        ],
        dim=1,
    )
    bends = 0.05 * torch.randn(count, 2, 5, 5, generator=rng)
    bend = F.interpolate(bends, SIDE, mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    grid = F.affine_grid(places, [count, 1, SIDE, SIDE], align_corners=False) + bend
    bent = F.grid_sample(sheets, grid, align_corners=False)  # there is no ink beyond the sheet
    return _as_picture(_partly_rubbed_out(bent, rng))


def _with_other_pens(sheets: Tensor, rng: torch.Generator) -> Tensor:
    """Draw a third of the sketches thicker and a third paler."""
    pen = torch.rand(len(sheets), 1, 1, 1, generator=rng)
    thick = F.max_pool2d(sheets, 3, stride=1, padding=1)
    return torch.where(pen < 0.33, thick, torch.where(pen < 0.66, sheets * 0.7, sheets))


def _partly_rubbed_out(sheets: Tensor, rng: torch.Generator) -> Tensor:
    """Erase a square of up to a third of the side in half of the sketches."""
    centre = SIDE * torch.rand(len(sheets), 2, 1, 1, generator=rng)
    half = SIDE / 6 * torch.rand(len(sheets), 1, 1, generator=rng)
    half = torch.where(torch.rand(half.shape, generator=rng) < 0.5, half, 0.0)
    steps = torch.arange(SIDE)
    rubbed = ((steps[None, :, None] - centre[:, 0]).abs() < half) & ((steps[None, None] - centre[:, 1]).abs() < half)
    return sheets.masked_fill(rubbed[:, None], 0.0)


def _as_picture(sheets: Tensor) -> Tensor:
    return (1 - 2 * sheets).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
