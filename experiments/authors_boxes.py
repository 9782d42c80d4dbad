"""The boxes that the paper's authors published, scored again, beside a centred box with the same labels.

The files are those of the folder bounding_box of the authors' code, val-iisc/cnn-fixations: a line for each of
ILSVRC-2012's validation pictures, in their order, with the number of the predicted class and a box. The boxes of the
objects are ImageNet's: the folder of XML files of ILSVRC2012_bbox_val_v3.tgz, which has the pictures' sizes, too.

    python experiments/authors_boxes.py val bounding_box/*.txt
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

from cnnfix_core.benchmark import read_annotations
from cnnfix_core.benchmark.datasets.labels import class_of
from cnnfix_core.explanations import centre_boxes
from cnnfix_core.regions import Box, best_iou
from cnnfix_core.zoo.labels import imagenet_labels

LEAST = 0.5  # IoU of a correct box


@dataclass(frozen=True)
class Truth:
    """The boxes of each class in a picture, and its width and height."""

    boxes: Mapping[int, Sequence[Box]]
    size: tuple[int, int]


def errors(lines: Sequence[str], truths: Mapping[int, Truth]) -> tuple[float, float]:
    """Top-1 localization errors, 0 to 1: of the boxes of a file, and of a centred box with the same labels.

    A line is right if its class is in the picture and its box fits a box of that class with an IoU of at least 0.5.

    Args:
        lines: One for each picture, "class x0 y0 x1 y1".
        truths: By the picture's number, from 1.

    Raises:
        ValueError: There are more lines than pictures, or a line is no class with a box.
    """
    if len(lines) > len(truths):
        raise ValueError(f"There are {len(lines)} lines for {len(truths)} annotated pictures.")
    found = centred = 0
    for number, line in enumerate(lines, 1):
        label, *sides = map(int, line.split())
        x0, y0, x1, y1 = sides
        truth = truths[number]
        boxes = truth.boxes.get(label, ())
        (middle,) = centre_boxes(*truth.size, 1)
        found += bool(boxes) and best_iou((x0, y0, x1, y1), boxes) >= LEAST
        centred += bool(boxes) and best_iou(middle, boxes) >= LEAST
    return 1 - found / len(lines), 1 - centred / len(lines)


def truths_in(folder: Path) -> dict[int, Truth]:
    """The ground truth of each picture, by the number in its name."""
    labels = imagenet_labels()
    boxes: dict[int, dict[int, list[Box]]] = defaultdict(lambda: defaultdict(list))
    sizes = {}
    for one in read_annotations(folder).found:
        number = int(re.findall(r"\d+", one.picture)[-1])
        if one.size is None:
            raise ValueError(f"The size of {one.picture} is not known: give the folder of XML files.")
        boxes[number][class_of(labels, one.label)] += one.boxes
        sizes[number] = one.size
    return {number: Truth(of, sizes[number]) for number, of in boxes.items()}


def main() -> None:
    """Print a line for each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="XML files with the boxes of the validation pictures")
    parser.add_argument("files", type=Path, nargs="+", help="files of the authors' folder bounding_box")
    options = parser.parse_args()
    truths = truths_in(options.folder)
    print(f"{'file':24}{'error, %':>10}{'a centred box, %':>18}")
    for file in options.files:
        error, centred = errors(file.read_text("utf-8").splitlines(), truths)
        print(f"{file.name:24}{100 * error:10.2f}{100 * centred:18.2f}")


if __name__ == "__main__":
    main()
