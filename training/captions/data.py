"""Features and captions of photographs, as batches of numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from cnnfix_core.modalities.captions import END, PAD, START, Vocabulary, tokens
from cnnfix_core.modalities.captions.search import LONGEST


@dataclass(frozen=True)
class Photographs:
    """Photographs with captions.

    features, mirrored: (N, 1280), of the photographs and of their mirror images. captions: as lists of words, for each.
    """

    features: Tensor
    mirrored: Tensor
    captions: list[list[list[str]]]

    def __len__(self) -> int:
        return len(self.captions)


def photographs(folder: Path, part: str) -> Photographs:
    """Read PART.npz (features, mirrored) and PART.json (a list of objects with captions), which have the same order."""
    arrays = np.load(folder / f"{part}.npz")
    features, mirrored = (torch.from_numpy(arrays[name].astype(np.float32)) for name in ("features", "mirrored"))
    said = json.loads((folder / f"{part}.json").read_text("utf-8"))
    return Photographs(features, mirrored, [[tokens(caption) for caption in one["captions"]] for one in said])


def lessons(
    found: Photographs, vocabulary: Vocabulary, batch: int, rng: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """One round: all captions once, in batches of similar length: (batch, 1280) features, (batch, T) word numbers.

    Captions begin with <start> and end with <end>, followed by <pad>. Half of the photographs are mirrored.
    """
    pad, start, end = (vocabulary.numbers[mark] for mark in (PAD, START, END))
    pairs = [
        (photo, torch.tensor([start, *(vocabulary.number(word) for word in caption[:LONGEST]), end]))
        for photo, captions in enumerate(found.captions)
        for caption in captions
        if caption
    ]
    order = torch.randperm(len(pairs), generator=rng).tolist()
    pool = 50 * batch
    groups = []
    for first in range(0, len(order), pool):
        some = sorted(order[first : first + pool], key=lambda n: len(pairs[n][1]))
        groups += [some[n : n + batch] for n in range(0, len(some), batch)]
    for n in torch.randperm(len(groups), generator=rng).tolist():
        photos = torch.tensor([pairs[one][0] for one in groups[n]])
        mirror = torch.rand(len(photos), 1, generator=rng) < 0.5
        features = torch.where(mirror, found.mirrored[photos], found.features[photos])
        yield features, pad_sequence([pairs[one][1] for one in groups[n]], batch_first=True, padding_value=pad)
