"""From photographs to PART.npz and PART.json: python training/captions/features.py FOLDER CAPTIONS LIST OUT.

CAPTIONS has lines "name.jpg#0<tab>caption", as Flickr8k.token.txt, or "name.jpg,caption". LIST has the names of the
photographs of this part, one a line, as Flickr_8k.trainImages.txt. OUT is the file to write, such as data/train.npz.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cnnfix_core.captions.shipped import PREPROCESSING, Features
from cnnfix_core.errors import PictureError
from cnnfix_core.images import open_picture, views
from cnnfix_core.zoo import load_model

AT_ONCE = 32


def main() -> None:
    """Write both files; photographs that cannot be read, or have no caption, are named and left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("folder", "captions", "list", "out"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    said = captions(options.captions.read_text("utf-8"))
    wanted = [name for name in options.list.read_text("utf-8").split() if name in said]
    pictures = {name: inputs for name in wanted if (inputs := _inputs(options.folder / name)) is not None}
    stacked = torch.stack(list(pictures.values()))
    np.savez(options.out, features=features(stacked), mirrored=features(stacked.flip(3)))
    listed = [{"photo": name, "captions": said[name]} for name in pictures]
    options.out.with_suffix(".json").write_text(json.dumps(listed, ensure_ascii=False), "utf-8")
    print(f"{len(pictures)} photographs")


def captions(text: str) -> dict[str, list[str]]:
    """By photograph, all of its captions."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        if match := re.match(r"([^\t,#]+)(?:#\d+)?[\t,](.+)", line):
            found[match[1]].append(match[2].strip())
    return dict(found)


def _inputs(path: Path) -> Tensor | None:
    try:
        picture = open_picture(path)
    except PictureError as error:
        print(f"{path.name} is left out. {error}")
        return None
    (view,) = views(picture, "whole", PREPROCESSING.size, 1.0, PREPROCESSING.interpolation)
    return PREPROCESSING(view.render(picture))


@torch.no_grad()
def features(pictures: Tensor) -> NDArray[np.float16]:
    """(N, 1280): the means of the feature maps of each picture, (N, 3, 224, 224)."""
    network = Features(load_model("efficientnet_lite0").module)
    means = [network(some).mean(dim=(2, 3)) for some in pictures.split(AT_ONCE)]
    found: NDArray[np.float16] = torch.cat(means).half().numpy()
    return found


if __name__ == "__main__":
    main()
