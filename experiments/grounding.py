"""Does the peak of a noun's map lie on the thing? Tried on composed scenes with two objects, whose places are known.

The captioner of composed scenes is asked about the right caption, "a fish and a heart", each method about both nouns.
Writes docs/grounding.md with --markdown.
"""

from __future__ import annotations

import argparse
import itertools
from collections import defaultdict
from pathlib import Path

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import numpy as np

import cnnfix_core as cnnfix
from cnnfix_core.modalities.captions import Captioner
from cnnfix_core.synthetic import CLASSES, HELD_OUT, Scene, compose

FIRST = HELD_OUT + 500_000  # far from the scenes that anything learnt from or is scored on
PAIRS = tuple(itertools.combinations(range(len(CLASSES)), 2))
NOUNS = (1, 4)  # where they are in the caption
WHOLE, APART, CAM = "fixations, all evidence of the word", "fixations, what sets the word apart", "Grad-CAM of the word"
CENTRE, RANDOM = "centre of the picture", "a random place"

PAGE = """# Grounding: do the words of a caption point at the right objects?

`python experiments/grounding.py --markdown docs/grounding.md` wrote this page. The captioner of composed scenes names
the two objects in a scene, such as "a fish and a heart". For each of the two nouns: does the peak of the map lie on the
object (on its mask, not only in its box), and what part of the map lies on it? {scenes} scenes, {nouns} nouns, of which
the captioner itself says {named:.0f} %.

| map | peak on the object, % | part of the map on it, % |
| --- | ---: | ---: |
{rows}

All words of a caption share one embedding of the picture, so the evidence of each word reaches both objects. What sets
a word apart, its map minus the mean of the other words' maps, shows which object it refers to. Grad-CAM's map is as
coarse as the last feature map, 6 x 6 places, and an object covers {area:.0f} % of the scene on average.
"""


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    options = parser.parse_args()
    captioner = cnnfix.load_captioner("scenes")
    scores: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    named, areas = [], []
    for number in range(options.scenes):
        one, other = PAIRS[number % len(PAIRS)]
        scene = compose(FIRST + number, one, other=other)
        said = captioner.describe(scene.picture)[0].words
        for noun, mask, maps in grounded(captioner, scene):
            named.append(noun in said)
            areas.append(mask.mean())
            for name, shown in maps.items():
                scores[name].append((float(mask.flat[shown.argmax()]), float(shown[mask].sum() / (shown.sum() or 1))))
            scores[RANDOM].append((float(mask.mean()), float(mask.mean())))
    rows = [
        f"| {name} | {100 * peak:.0f} | {100 * part:.0f} |"
        for name, values in scores.items()
        for peak, part in [np.mean(values, axis=0)]
    ]
    page = PAGE.format(
        scenes=options.scenes,
        nouns=len(named),
        named=100 * np.mean(named),
        rows="\n".join(rows),
        area=100 * np.mean(areas),
    )
    print(page)
    if options.markdown:
        options.markdown.write_text(page, "utf-8")


def grounded(captioner: Captioner, scene: Scene) -> list[tuple[str, np.ndarray, dict[str, np.ndarray]]]:
    """For both nouns of the right caption: the word, the thing's mask, and the maps of each method, (H, W)."""
    first, second = sorted(thing.name for thing in scene.things[:2])
    words = ["a", first, "and", "a", second]
    masks = {thing.name: thing.mask for thing in scene.things[:2]}
    found = cnnfix.explain_caption(captioner, scene.picture, words)
    whole, apart = found.maps(apart=False), found.maps()
    height, width = scene.picture.pixels.shape[:2]
    centre = np.zeros((height, width))
    centre[height // 2, width // 2] = 1
    empty = np.zeros((height, width))
    return [
        (
            words[place],
            masks[words[place]],
            {
                WHOLE: empty if whole[place] is None else whole[place],
                APART: empty if apart[place] is None else apart[place],
                CAM: cnnfix.attribute(captioner.next_word(words[:place]), scene.picture, words[place], crops="whole"),
                CENTRE: centre,
            },
        )
        for place in NOUNS
    ]


if __name__ == "__main__":
    main()
