"""Weight randomisation: how much of a map is what the network learnt, and how much the picture's own edges?

Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018: all weights are shuffled, and the maps before and after
are compared by their rank correlation. The figures are means over the sample photographs. Edges are the picture's
gradient, blurred as wide as fixations at the pixels are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude

import cnnfix_core as cnnfix
from cnnfix_core.engine import ALL, EVIDENCE, Depth
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import classes
from cnnfix_core.images import list_samples, load_sample
from cnnfix_core.methods import attribution
from cnnfix_core.metrics import overlap, rank_correlation
from cnnfix_core.perturbations import randomised
from cnnfix_core.regions import MAP_SIDE

Map = NDArray[np.floating]
Draw = Callable[[cnnfix.Model, cnnfix.Picture, int, int], Map]
"""The map of a class; the last argument is another class, which contrasts take."""


def _walk(contrast: float, depth: Depth) -> Draw:
    preset = replace(EVIDENCE, contrast=contrast, depth=depth)
    return lambda model, picture, asked, _other: cnnfix.explain(model, picture, asked, preset).map(MAP_SIDE)


def _contrast(depth: Depth) -> Draw:
    preset = replace(EVIDENCE, depth=depth)
    return lambda model, picture, *both: cnnfix.explain(model, picture, both, preset).map(MAP_SIDE)


def _method(name: str) -> Draw:
    return lambda model, picture, asked, _other: attribution(model, picture, asked, name, longest_side=MAP_SIDE).map


WAYS: Mapping[str, Draw] = {
    "fixations, at the pixels, no contrast (before)": _walk(0.0, depth=1),
    "fixations, at the pixels": _walk(EVIDENCE.contrast, depth=1),
    "fixations, at the pixels, rather than": _contrast(depth=1),
    "fixations, no contrast": _walk(0.0, depth=ALL),
    "fixations (the default)": _walk(EVIDENCE.contrast, depth=ALL),
    "fixations, rather than": _contrast(depth=ALL),
    **{name: _method(name) for name in ("gradcam", "guided_backprop", "guided_gradcam", "saliency")},
}
PHOTOGRAPHS = [sample.name for sample in list_samples() if not sample.source.startswith("this project")]
HEADS = ("before and after", "without the edges", "with the edges", "another picture", "another class", "tenths")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="efficientnet_lite0", help="default: %(default)s")
    parser.add_argument("--samples", nargs="+", metavar="NAME", help="sample pictures; default: all photographs")
    options = parser.parse_args()
    try:
        model = cnnfix.load_model(options.model)
        pictures = [cnnfix.open_picture(load_sample(name).read()) for name in options.samples or PHOTOGRAPHS]
    except CnnfixError as error:
        parser.error(str(error))
    shuffled = randomised(model)
    asked = [[one.index for one in classes(model, picture).top(2)] for picture in pictures]
    print(f"{model.title}, {len(pictures)} sample pictures\n")
    print(f"| rank correlation | {' | '.join(HEADS)} |\n| --- |{' ---: |' * len(HEADS)}")
    for title, draw in WAYS.items():
        of = [
            (draw(model, picture, *both), draw(shuffled, picture, *both), draw(model, picture, *both[::-1]))
            for picture, both in zip(pictures, asked, strict=True)
        ]
        found = [
            likeness(*maps, edges(picture, maps[0].shape), of[(n + 1) % len(of)][1])
            for n, (picture, maps) in enumerate(zip(pictures, of, strict=True))
        ]
        print(f"| {title} | {' | '.join(f'{value:.2f}' for value in np.nanmean(found, axis=0))} |", flush=True)


def likeness(before: Map, after: Map, rival: Map, edge: Map, elsewhere: Map) -> tuple[float, ...]:
    """The rank correlations of one picture, and the overlap of the strongest tenths before and after, as in HEADS.

    Args:
        before: The map of the trained network.
        after: That of the shuffled one.
        rival: The map of another class, of the trained network.
        edge: The picture's edges, of the same shape.
        elsewhere: The map of another picture, of the shuffled network, of any shape.
    """
    alike, first, second = (rank_correlation(*pair) for pair in ((before, after), (before, edge), (after, edge)))
    # The partial correlation: of what is left of both when the edges' part is taken out.
    rest = (alike - first * second) / np.sqrt((1 - first**2) * (1 - second**2))
    size = before.shape[::-1]
    other = np.asarray(Image.fromarray(elsewhere.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    apart = rank_correlation(before, other), rank_correlation(before, rival)
    return alike, float(rest), first, *apart, overlap(before, after)


def edges(picture: cnnfix.Picture, shape: tuple[int, ...]) -> Map:
    """The strength of a picture's edges, (rows, columns) of this shape."""
    grey = Image.fromarray(picture.pixels).convert("L").resize(shape[::-1], Image.Resampling.BILINEAR)
    blur = [EVIDENCE.sigma * side / 224 for side in shape]
    found: Map = gaussian_filter(gaussian_gradient_magnitude(np.asarray(grey, float), 1.0), blur)
    return found


if __name__ == "__main__":
    main()
