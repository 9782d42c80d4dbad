"""Fixations in original pixels, and their density."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.engine import Fixated, Preset
from cnnfix_core.explanations.density import density_of
from cnnfix_core.images import Picture, View

_USUAL_INPUT = 224


@dataclass(frozen=True, slots=True, eq=False)
class Fixations:
    """Pixels of the original picture at which a walk arrived, strongest first; no pixel occurs twice.

    Attributes:
        xy: (N, 2), columns and rows, counted from 0.
        evidence: (N,) > 0, shares of the score; they sum to the share that arrived.
        channel: (N,), the channel of the network's input with the most evidence, a position in `channels`.
        width: The width of the picture.
        height: The height of the picture.
        sigma: The standard deviation of the blur, (horizontal, vertical), in original pixels.
        channels: What each channel shows of the picture.
    """

    xy: Ints
    evidence: Floats
    channel: Ints
    width: int
    height: int
    sigma: tuple[float, float]
    channels: tuple[str, ...] = ("red", "green", "blue")

    def __len__(self) -> int:
        return len(self.evidence)

    @property
    def channel_names(self) -> list[str]:
        """What the channel with the most evidence shows, for each fixation."""
        return [self.channels[number] for number in self.channel.tolist()]

    def without_outliers(self, share: float, distance: float) -> Fixations:
        """Keep only fixations that have more than `share` of all fixations nearby.

        Nearby means within `distance` times the diagonal of the picture. A fixation counts as its own neighbour.
        The published algorithm has a share of 0.05 and a distance of 0.10.
        """
        radius = distance * np.hypot(self.width, self.height)
        neighbours = KDTree(self.xy).query_ball_point(self.xy, radius, return_length=True)
        return self._only(neighbours > share * len(self))

    def density(self, sigma: float | Sequence[float] | None = None, longest_side: int | None = None) -> Floats:
        """The evidence blurred with a Gaussian: (height, width) of the picture, sums to 1.

        Args:
            sigma: In original pixels, one number or (horizontal, vertical); None for the preset's.
            longest_side: Limit the longest side of the density, to get a smaller one of the same aspect ratio.
        """
        used = self.sigma if sigma is None else sigma
        return density_of(self.xy, self.evidence, (self.width, self.height), used, longest_side)

    def extent(self) -> tuple[int, int, int, int]:
        """The smallest bounding box around all fixations: x0, y0, x1, y1, inclusive pixels."""
        (x0, y0), (x1, y1) = self.xy.min(axis=0), self.xy.max(axis=0)
        return int(x0), int(y0), int(x1), int(y1)

    def _only(self, keep: NDArray[np.bool_]) -> Fixations:
        return replace(self, xy=self.xy[keep], evidence=self.evidence[keep], channel=self.channel[keep])


def on_picture(picture: Picture, preset: Preset, walks: Sequence[tuple[View, Fixated]]) -> Fixations:
    """Map the fixations of one or several views back to the picture, and merge them.

    Each view contributes equally. In an unweighted preset, so does each fixation.
    """
    pixels, channels, evidence = [], [], []
    for view, reached in walks:
        x, y = view.to_picture(reached.index[:, 3], reached.index[:, 2], picture)
        pixels.append(y * picture.width + x)
        channels.append(reached.index[:, 1])
        evidence.append(reached.evidence / len(walks))
    joined = np.concatenate(pixels), np.concatenate(channels), np.concatenate(evidence)
    return merged(picture, preset, walks[0][0], *joined)


def merged(picture: Picture, preset: Preset, view: View, pixel: Ints, channel: Ints, evidence: Floats) -> Fixations:
    """Merge the evidence that arrived at the same pixel into one fixation.

    Args:
        picture: The picture.
        preset: The settings of the walks.
        view: The part of the picture that the network saw; its size determines the width of the blur.
        pixel: (N,), y * width + x of the pixels at which evidence arrived; pixels may occur repeatedly.
        channel: (N,), the colour channels.
        evidence: (N,), the evidence.
    """
    pixels, row = np.unique(pixel, return_inverse=True)
    by_channel = np.zeros((len(pixels), int(channel.max()) + 1))
    np.add.at(by_channel, (row, channel), evidence)
    total = by_channel.sum(axis=1)
    if not preset.weighted:
        total = np.full(len(total), total.sum() / len(total))
    order = np.argsort(-total, kind="stable")
    y, x = np.divmod(pixels, picture.width)
    x0, y0, x1, y1 = view.box
    return Fixations(
        np.stack([x, y], axis=1)[order],
        total[order],
        by_channel.argmax(axis=1)[order],
        picture.width,
        picture.height,
        sigma_of(preset, (x1 - x0, y1 - y0)),
    )


def sigma_of(preset: Preset, seen: tuple[float, float]) -> tuple[float, float]:
    """The standard deviation of a preset's blur, (horizontal, vertical), in pixels of the picture.

    Args:
        preset: The settings of the walk.
        seen: Width and height of the part of the picture that the network saw, in pixels.
    """
    if not preset.weighted:
        return preset.sigma, preset.sigma
    width, height = seen
    return preset.sigma * width / _USUAL_INPUT, preset.sigma * height / _USUAL_INPUT
