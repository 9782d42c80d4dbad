"""Where the evidence of walks lies on a picture: the fixations, the map at any depth, and the box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import ALL, Depth, Passage, Preset, Value
from cnnfix_core.explanations.depths import EvidenceMap, depth_map, depths_of, evidence_maps
from cnnfix_core.explanations.fixations import Fixations, on_picture
from cnnfix_core.images import Picture, View
from cnnfix_core.receptive_fields import Field
from cnnfix_core.regions import MAP_SIDE, BoxRule, box_of


class OnPicture:
    """What the evidence on a picture shows; the classes that hold it derive from this one.

    Attributes:
        preset: The settings of the walks.
        fixations: In pixels of the picture.
        explained: The views of the picture on which a walk was made.
        maps: The evidence at each depth of the network, the coarsest map first, for each explained view.
    """

    __slots__ = ()
    preset: Preset
    fixations: Fixations
    explained: tuple[View, ...]
    maps: tuple[tuple[EvidenceMap, ...], ...]

    @property
    def kept_fixations(self) -> Fixations:
        """The fixations, without outliers if the preset removes them."""
        if self.preset.outliers is None:
            return self.fixations
        kept = self.fixations.without_outliers(*self.preset.outliers)
        # If the fixations are widely scattered, all would count as outliers: then keep all of them.
        return kept if len(kept) else self.fixations

    @property
    def depths(self) -> tuple[int, ...]:
        """The depths at which `map` can show the evidence: strides from coarse to fine; the last is 1, the pixels.

        A walk of "a rather than b" may leave nothing at the coarsest feature map of one view; then it is no depth.
        """
        strides = [{one.stride for one in of_view} for of_view in self.maps]
        return depths_of([one for one in self.maps[0] if all(one.stride in there for there in strides)])

    def map(self, longest_side: int | None = None, depth: Depth | None = None) -> Floats:
        """Where the evidence lies: (H, W) of the original picture, sums to 1.

        Args:
            longest_side: Limit the longest side of the map, to get a smaller one of the same aspect ratio.
            depth: The stride of a feature map, from `depths`; 1 for the density of the fixations; "all" for what all
                feature maps agree on, see `depths.py`. None for the preset's: "all", or 1 for the published algorithm.

        Raises:
            CnnfixError: The network has no feature map of this stride.
        """
        depth = self.preset.depth if depth is None else depth
        if depth == 1 or (depth == ALL and not any(self.maps)):
            return self.density(longest_side=longest_side)
        return depth_map(self.fixations, self.explained, self.maps, depth, longest_side)

    def density(self, sigma: float | None = None, longest_side: int | None = None) -> Floats:
        """The density of the fixations kept: (H, W) of the original picture, sums to 1; see `Fixations.density`."""
        return self.kept_fixations.density(sigma, longest_side)

    def box(self, share: float | None = None, map_: Floats | None = None) -> tuple[int, int, int, int]:
        """A bounding box around the evidence: x0, y0, x1, y1, inclusive pixels.

        The box surrounds the largest connected part of the smallest region that holds `share` of the map.

        Args:
            share: None for the preset's share. If the preset has none, the box is the extent of the fixations kept.
            map_: `map(MAP_SIDE)`, if it is at hand.
        """
        share = self.preset.box_share if share is None else share
        kept = self.kept_fixations
        if share is None:
            return kept.extent()
        # The other parts of the region are separate evidence for the class, not more of the same object.
        rule = BoxRule("share", share, largest=True)
        map_ = self.map(MAP_SIDE) if map_ is None else map_
        return box_of(map_, rule, kept.width, kept.height) or kept.extent()


@dataclass(frozen=True, slots=True, eq=False)
class PictureEvidence(OnPicture):
    """The evidence of walks on a picture, and nothing else; attributes as in `OnPicture`."""

    preset: Preset
    fixations: Fixations
    explained: tuple[View, ...]
    maps: tuple[tuple[EvidenceMap, ...], ...]

    @classmethod
    def of(
        cls, picture: Picture, preset: Preset, walks: Sequence[tuple[View, Passage]], shown: Mapping[Value, Field]
    ) -> PictureEvidence:
        """The evidence of a walk on each of some views; views count equally. shown: the network's `feature_maps`."""
        return cls(
            preset,
            on_picture(picture, preset, [(view, walk.fixations) for view, walk in walks]),
            tuple(view for view, _ in walks),
            tuple(evidence_maps(walk, shown) for _, walk in walks),
        )
