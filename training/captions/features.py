"""Turn photographs into PART.npz and PART.json: python -m training.captions.features FOLDER CAPTIONS LIST OUT.

CAPTIONS has lines "name.jpg#0<tab>caption", like Flickr8k.token.txt, or "name.jpg,caption". LIST has the names of the
photographs of this part, one per line, like Flickr_8k.trainImages.txt. OUT is the file to write, like data/train.npz.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from pathlib import Path

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cnnfix_core.images import PictureError, open_picture
from cnnfix_core.modalities.captions import whole_input
from cnnfix_core.modalities.captions.shipped import FLICKR8K

AT_ONCE = 32
CHANNELS = 1280
Means = NDArray[np.float16]


def main() -> None:
    """Write both files, without photographs that cannot be read (these are reported) or have no caption."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("folder", "captions", "list", "out"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    said = captions(options.captions.read_text("utf-8"))
    wanted = [name for name in options.list.read_text("utf-8").split() if name in said]
    names, features, mirrored = computed(options.folder, wanted)
    np.savez(options.out, features=features, mirrored=mirrored)
    listed = [{"photo": name, "captions": said[name]} for name in names]
    options.out.with_suffix(".json").write_text(json.dumps(listed, ensure_ascii=False), "utf-8")
    print(f"{len(names)} photographs")


def computed(folder: Path, wanted: list[str]) -> tuple[list[str], Means, Means]:
    """Names of the photographs that could be read, their features (N, 1280), and those of their mirror images."""
    network = FLICKR8K.features()
    names: list[str] = []
    parts = [(np.empty((0, CHANNELS), np.float16),) * 2]
    for first in range(0, len(wanted), AT_ONCE):  # all inputs at once would take gigabytes
        some = [(name, _inputs(folder / name)) for name in wanted[first : first + AT_ONCE]]
        read = {name: inputs for name, inputs in some if inputs is not None}
        if read:
            pictures = torch.stack(list(read.values()))
            parts.append((means(network, pictures), means(network, pictures.flip(3))))
            names += read
    features, mirrored = (np.concatenate(part) for part in zip(*parts, strict=True))
    return names, features, mirrored


def captions(text: str) -> dict[str, list[str]]:
    """All captions of each photograph, by name."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        if match := re.match(r"([^\t,#]+)(?:#\d+)?[\t,](.+)", line):
            found[match[1]].append(match[2].strip())
    return dict(found)


def _inputs(path: Path) -> Tensor | None:
    try:
        picture = open_picture(path)
    except PictureError as error:
        print(f"Skipped {path.name}. {error}")
        return None
    return whole_input(FLICKR8K.preprocess, picture)


@torch.no_grad()
def means(network: nn.Module, pictures: Tensor) -> Means:
    """(N, 1280) means of the feature maps of pictures (N, 3, 224, 224)."""
    found: Means = network(pictures).mean(dim=(2, 3)).half().numpy()
    return found


if __name__ == "__main__":
    main()
