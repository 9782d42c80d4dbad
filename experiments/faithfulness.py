"""Insertion and deletion (Petsiuk et al., RISE, BMVC 2018) on sample pictures, for each method and the baselines.

All methods are asked about the class that the network says first, with their own crops, at the size at which the page
and the command line compare maps. The figure is the mean probability of that class along the way, and over pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import numpy as np

import cnnfix_core as cnnfix
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import classes
from cnnfix_core.images import list_samples, load_sample
from cnnfix_core.methods import METHODS, attribution, reason_against
from cnnfix_core.metrics import curves
from cnnfix_core.regions import MAP_SIDE

# The walk with shared evidence has a line for each focus.
ROWS = {
    f"{method.title}, {focus}" if focus else method.title: (name, focus)
    for name, method in METHODS.items()
    for focus in (cnnfix.FOCUS if name == "fixations" else [None])
}

# Composed scenes are for networks of their own.
PHOTOGRAPHS = [sample.name for sample in list_samples() if not sample.source.startswith("this project")]


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="efficientnet_lite0", help="default: %(default)s")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS, metavar="NAME", help="or all")
    parser.add_argument("--samples", nargs="+", metavar="NAME", help="sample pictures; default: all photographs")
    parser.add_argument("--steps", type=int, default=16, help="default: %(default)s")
    options = parser.parse_args()
    try:
        model = cnnfix.load_model(options.model)
        samples = [load_sample(name) for name in options.samples or PHOTOGRAPHS]
    except CnnfixError as error:
        parser.error(str(error))
    pictures = [cnnfix.open_picture(sample.read()) for sample in samples]
    print(f"{model.title}, {len(pictures)} sample pictures, {options.steps} steps, maps of at most {MAP_SIDE} pixels\n")
    print("| | insertion (higher is better) | deletion (lower is better) | seconds |\n| --- | --- | --- | --- |")
    for title, (method, focus) in ROWS.items():
        if method in options.methods:
            print(f"| {title} | {cells(model, pictures, method, focus, options.steps)} |", flush=True)


def cells(model: cnnfix.Model, pictures: Sequence[cnnfix.Picture], method: str, focus: str | None, steps: int) -> str:
    """Means over the pictures: insertion, deletion, and how long the method takes; or why it does not fit."""
    if reason := reason_against(model, method):
        return f"{reason} | | "
    preset = cnnfix.get_preset("evidence", focus) if focus else None
    found = []
    for picture in pictures:
        target = classes(model, picture).top(1)[0].index
        drawn = attribution(model, picture, target, method, longest_side=MAP_SIDE, preset=preset)
        way = curves(model, picture, drawn.map, target, steps)
        found.append((way.insertion_area, way.deletion_area, drawn.seconds))
    return "{:.3f} | {:.3f} | {:.2f}".format(*np.mean(found, axis=0))


if __name__ == "__main__":
    main()
