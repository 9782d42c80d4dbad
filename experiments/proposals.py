"""How many of the true boxes do the first proposals find? `python experiments/proposals.py FOLDER BOXES`.

Recall at an IoU of 0.5 for 1 to 50 proposals, beside as many boxes that are the same for every picture, on any box of
a picture.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import numpy as np

import cnnfix_core as cnnfix
from cnnfix_core.benchmark import matched, read_annotations, sample_items
from cnnfix_core.explanations import centre_boxes, proposals, recall

COUNTS = (1, 2, 5, 10, 20, 50)


def main() -> None:
    """Print one line for each number of proposals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--limit", type=int, default=40, help="use only N pictures, drawn at random")
    parser.add_argument("--model", default="efficientnet_lite0")
    options = parser.parse_args()
    model = cnnfix.load_model(options.model)
    items = sample_items(matched(options.folder, read_annotations(options.boxes).found).items, options.limit, 0)
    found: list[list[list[float]]] = []
    small: list[bool] = []
    for item in items:
        picture, truth = item.read()
        made = [one.box for one in proposals(model, picture, max(COUNTS))]
        centred = centre_boxes(picture.width, picture.height, max(COUNTS))
        found.append([[recall(boxes[:count], truth.extents) for count in COUNTS] for boxes in (made, centred)])
        small.append(truth.covered < 0.5)
    for name, chosen in {"all": np.array(found), "objects under half": np.array(found)[small]}.items():
        means, errors = chosen.mean(axis=0), chosen.std(axis=0) / len(chosen) ** 0.5
        print(f"{name}: {len(chosen)} pictures")
        for count, ours, theirs, error in zip(COUNTS, *means, errors[0], strict=True):
            print(f"{count:3} proposals: fixations {ours:.2f} ± {error:.2f}, fixed boxes {theirs:.2f}")


if __name__ == "__main__":
    main()
