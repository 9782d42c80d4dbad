"""Where and when does the evidence lie? Measured where the ground truth is known: composed scenes and composed clips.

Asks the networks that name pixels and find boxes about a thing, and the classifier of clips about a motion; writes
docs/places.md with --markdown.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import numpy as np

import cnnfix_core as cnnfix
from cnnfix_core.errors import NothingContributesError
from cnnfix_core.modalities.video import clip_of, explain_clip, load_clip_model
from cnnfix_core.synthetic import CLASSES, HELD_OUT, PlacedObject, compose
from cnnfix_core.synthetic.clips import compose_clip
from cnnfix_core.tasks import detect, segment

FIRST = HELD_OUT + 600_000  # far from what anything learnt from or is scored on
FIXATIONS, CAM, RANDOM = "fixations", "Grad-CAM", "a random place"
SIDE = 192
Row = tuple[float, ...]  # whether the peak lies on the thing, share of the map on it, and what is told besides

PAGE = """# Where and when: pixels, boxes, clips

`python experiments/places.py --markdown docs/places.md` wrote this page. The ground truth is known, because a seeded
program drew the pictures. A map's peak counts if it lies on the object itself, not only in its box. Where nothing
speaks for the class, because the network does not see the object, there is no map, and this counts as a miss.

## One pixel of a segmentation

`scenes_fcn`, asked about the class of an object at a pixel in its middle; {pixels} objects.

| map | peak on the object, % | part of the map on it, % |
| --- | ---: | ---: |
{pixel_rows}

## One box of a detection

`scenes_fcos`, asked about the box around an object; {boxes} boxes of {wanted} objects.

| map | peak on the object, % | part of the map on it, % |
| --- | ---: | ---: |
{box_rows}

## Clips

`motions`, asked about the right motion of clips of 16 frames. *In time*: the part of the map in the frames in which
something moves. *On the shape*: where the shape is, was one frame before, or will be one frame later. {clips} clips.

| map | peak on the shape, % | part of the map on it, % | in time, % |
| --- | ---: | ---: | ---: |
{clip_rows}

Grad-CAM is drawn on the last feature map before pooling, or on the last one of the backbone. It has 6 x 6 places for a
scene, and 4 x 4 places and 4 time steps for a clip.
"""


def main() -> None:
    """Measure, print, and write the page if that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--clips", type=int, default=80)
    parser.add_argument("--markdown", type=Path, help="write the page to this file")
    options = parser.parse_args()
    pixels, boxes = in_scenes(options.scenes)
    clips = in_clips(options.clips)
    page = PAGE.format(
        pixels=len(pixels[FIXATIONS]),
        boxes=len(boxes[FIXATIONS]),
        wanted=2 * options.scenes,
        clips=options.clips,
        pixel_rows=table(pixels),
        box_rows=table(boxes),
        clip_rows=table(clips),
    )
    print(page)
    if options.markdown:
        options.markdown.write_text(page, "utf-8")


def in_scenes(count: int) -> tuple[dict[str, list[Row]], dict[str, list[Row]]]:
    """For each map, what was measured of pixels and of boxes."""
    segmenting, detecting = (cnnfix.load_model(name) for name in ("scenes_fcn", "scenes_fcos"))
    pixels, boxes = defaultdict(list), defaultdict(list)
    for number in range(count):
        label = number % len(CLASSES)
        other = (label + 1 + number // len(CLASSES) % (len(CLASSES) - 1)) % len(CLASSES)
        scene = compose(FIRST + number, label, other=other, side=SIDE)
        detection = detect(detecting, scene.picture)
        found = [one.name for one in detection.found]
        for thing in scene.things[:2]:
            rows, columns = np.nonzero(thing.mask)
            middle = len(rows) // 2
            part = segment(segmenting, scene.picture).at(int(columns[middle]), int(rows[middle]))
            for model, results in ((part, pixels), (detection.model, boxes)):
                if model is part or thing.name in found:
                    density = walked(model, scene.picture, thing)
                    cam = cnnfix.attribute(model, scene.picture, thing.name)
                    add(results, density, cam, thing.mask)
    return pixels, boxes


def walked(model: cnnfix.Model, picture: cnnfix.Picture, thing: PlacedObject) -> np.ndarray:
    """The fixations' map; zeros where nothing speaks for the class."""
    try:
        return cnnfix.explain(model, picture, thing.name).density()
    except NothingContributesError:
        return np.zeros(thing.mask.shape)


def in_clips(count: int) -> dict[str, list[Row]]:
    """For each map, what was measured of clips."""
    model = load_clip_model()
    results: dict[str, list[Row]] = defaultdict(list)
    for number in range(count):
        made = compose_clip(FIRST + number, number % len(model.labels))
        found = explain_clip(model, clip_of(list(made.frames)), made.label)
        near = made.mask | np.roll(made.mask, 1, axis=0) | np.roll(made.mask, -1, axis=0)
        add(results, found.density(), found.rival(), near, made.moving)
    return results


def add(
    results: dict[str, list[Row]], density: np.ndarray, cam: np.ndarray, mask: np.ndarray, *more: np.ndarray
) -> None:
    """Note how both maps lie on the mask, and on the frames that are told besides."""
    for name, found in ((FIXATIONS, density), (CAM, cam), (RANDOM, np.ones(mask.shape))):
        total = found.sum() or 1.0
        peak = (
            mask.mean() if name == RANDOM else float(found.any() and mask[np.unravel_index(found.argmax(), mask.shape)])
        )
        results[name].append(
            (float(peak), found[mask].sum() / total, *(found[frames].sum() / total for frames in more))
        )


def table(results: dict[str, list[Row]]) -> str:
    """The rows of a table."""
    return "\n".join(
        f"| {name} | " + " | ".join(f"{100 * value:.0f}" for value in np.mean(rows, axis=0)) + " |"
        for name, rows in results.items()
    )


if __name__ == "__main__":
    main()
