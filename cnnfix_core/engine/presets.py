"""Presets: the settings of a walk."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

from cnnfix_core.errors import CnnfixError
from cnnfix_core.images import Crops

Location = Literal["centre", "product", "activation", "joint"]
Focus = Literal["wide", "balanced", "sharp", "sharpest"]
Depth = int | Literal["all"]
"""The stride of a feature map in pixels of the network's input, 1 for the pixels themselves; or all depths joined."""
ALL: Literal["all"] = "all"


def depth_of(text: str) -> Depth:
    """The depth that is written so. Raises CnnfixError for anything else.

    Whether a network has a feature map there is known only with its tape.
    """
    if text == ALL:
        return ALL
    if not re.fullmatch("[1-9][0-9]{0,4}", text):
        raise CnnfixError(f"{text!r} is not a depth; choose all, the stride of a feature map, or 1 for the pixels.")
    return int(text)


@dataclass(frozen=True, slots=True)
class Preset:
    """How a walk hops, and how its fixations become a picture. Vary one with `dataclasses.replace`.

    Attributes:
        signed: a negative coefficient turns the question around (why is this input low?).
        location: how a convolution hop chooses. "joint": channel and place together, the `fan_out` largest positive
            products of weight and activation. The others choose one channel, that with the largest sum of products
            over the window, and in it the "centre" of the window, the largest "product" or the largest
            "activation".
        residual_location: what "centre" means for convolutions inside a residual branch; the authors' code searches
            the largest activation there.
        spread: at fully connected layers on a map, poolings and additions, share the evidence in proportion among
            the positive contributions; otherwise follow only the largest.
        fan_out: how many contributions a hop keeps where it does not keep all of them.
        beam: how many elements stay after each hop; None keeps all.
        crops: which views of the picture the network sees.
        weighted: whether a fixation counts by its evidence, or each as one (the paper's heat map).
        sigma: spread of the density map; in pixels of the picture when `weighted` is off (the paper's 20),
            otherwise in 224ths of what the network sees, across and down: pixels of most networks' input.
        outliers: (share, distance): drop a fixation with at most this share of all fixations within this part of
            the picture's diagonal; None drops nothing.
        contrast: where one class is explained, how much of the evidence for the strongest other classes is taken away
            at the last feature map, 0 to 1.
        depth: where the map of a picture shows the evidence: "all" joins the feature maps at all depths of the network;
            the stride of a feature map shows that one; 1 is the density of the fixations (the paper's heat map).
        box_share: share of the map in the smallest region whose largest part the box surrounds; None takes the
            extent of the fixations.
    """

    name: str
    signed: bool
    location: Location
    residual_location: Location
    spread: bool
    fan_out: int
    beam: int | None
    crops: Crops
    weighted: bool
    sigma: float
    outliers: tuple[float, float] | None
    contrast: float
    depth: Depth
    box_share: float | None

    def __post_init__(self) -> None:
        if self.fan_out < 1:
            raise CnnfixError(f"fan_out is {self.fan_out}, but a hop must keep at least 1 contribution.")
        if self.beam is not None and self.beam < 1:
            raise CnnfixError(f"beam is {self.beam}, but at least 1 element must stay; None keeps all.")
        if not 0 <= self.contrast <= 1:
            raise CnnfixError(f"contrast is {self.contrast}, but must be between 0 and 1.")
        depth_of(str(self.depth))
        for field, value, allowed in (
            ("location", self.location, get_args(Location)),
            ("residual_location", self.residual_location, get_args(Location)),
            ("crops", self.crops, get_args(Crops)),
        ):
            if value not in allowed:
                raise CnnfixError(f"{field} is {value!r}; choose one of {', '.join(allowed)}.")


# The algorithm as published (Mopuri, Garg, Babu; IEEE TIP 28(5), 2019) and as in the authors' code.
PUBLISHED = Preset(
    name="published",
    signed=False,
    location="centre",
    residual_location="activation",
    spread=False,
    fan_out=1,
    beam=None,
    crops="five",
    weighted=False,
    sigma=20.0,
    outliers=(0.05, 0.10),
    contrast=0.0,
    depth=1,
    box_share=None,
)

# The same walk with signs, shared evidence and a beam.
EVIDENCE = Preset(
    name="evidence",
    signed=True,
    location="joint",
    residual_location="joint",
    spread=True,
    fan_out=3,
    beam=8000,
    crops="whole",
    weighted=True,
    sigma=5.0,
    outliers=None,
    contrast=0.5,
    depth=ALL,
    box_share=0.85,
)

PRESETS = {preset.name: preset for preset in (PUBLISHED, EVIDENCE)}
PRESET_TITLES = {"evidence": "Our method", "published": "The 2019 paper"}  # as people read them

# One setting for (fan_out, beam), from wide to sharp.
FOCUS: dict[Focus, tuple[int, int]] = {
    "wide": (2, 8000),
    "balanced": (3, 8000),
    "sharp": (4, 2000),
    "sharpest": (8, 300),
}


def get_preset(preset: str | Preset, focus: str | None = None, depth: Depth | None = None) -> Preset:
    """The preset of a name, with another focus or depth.

    Args:
        preset: "evidence", "published", or a preset, which is returned as it is where `focus` is None.
        focus: "wide", "balanced", "sharp" or "sharpest": sets fan-out and beam of the evidence preset, see `FOCUS`.
        depth: "all" or the stride of a feature map; None for the preset's.

    Raises:
        CnnfixError: there is no such preset or focus, or the preset has no focus.
    """
    if isinstance(preset, str):
        if preset not in PRESETS:
            raise CnnfixError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
        preset = PRESETS[preset]
    if depth is not None:
        preset = replace(preset, depth=depth)
    if focus is None:
        return preset
    if focus not in FOCUS:
        raise CnnfixError(f"There is no focus {focus!r}; choose one of {', '.join(FOCUS)}.")
    if preset.location != "joint":
        raise CnnfixError(f"Focus is a setting of the evidence preset; {preset.name!r} has none. Leave it out.")
    fan_out, beam = FOCUS[focus]
    return replace(preset, fan_out=fan_out, beam=beam)
