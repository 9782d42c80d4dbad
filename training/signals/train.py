"""Train the time series classifier: python -m training.signals.train --data FILE; see ../README.md."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from cnnfix_core.modalities.timeseries.likeness import Likeness
from cnnfix_core.modalities.timeseries.network import FullyConvolutional
from cnnfix_core.modalities.timeseries.shipped import FOLDER, LABELS, LENGTH, LICENCE, NAME
from training.descent import descend
from training.weights import keep_file, keep_weights

ROUNDS, BATCH, HIGHEST = 14, 32, 3e-3
SAMPLES = 3  # of each class, from the people who test; known and right
EXERCISES = ("FEL", "IR", "TRAP", "ROW")  # as LABELS
AXIS, HELD_OUT = "az", 3
EVERY, APART = 2, 50  # measurements of 50 in a second: each value is the mean of this many; windows begin so far apart
CARD = Path(__file__).with_name("card.md")


def main() -> None:
    """Train the network, measure its accuracy, and write its weights, samples and card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="watch_dataset.npy of the package seglearn")
    learn, test = windows(parser.parse_args().data)
    start = time.perf_counter()
    module = trained(*learn)
    print(keep_weights(FOLDER, NAME, module))
    likeness = Likeness.learnt(features(module, learn[0]), learn[1])
    print(keep_file(FOLDER / "likeness.safetensors", save(likeness.tensors)))
    known = likeness.distance(features(module, test[0])) <= likeness.limit
    right = said(module, test[0]) == test[1]
    entries = [
        {
            "name": f"{LABELS.short[label].replace(' ', '-')}-{number + 1}",
            "label": label,
            "series": _listed(test[0][row]),
        }
        for label in range(len(LABELS))
        for number, row in enumerate(_spread(torch.nonzero((test[1] == label) & known & right)[:, 0].tolist()))
    ]
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in entries)
    (FOLDER / "samples.json").write_text(f"[\n{lines}\n]\n", "utf-8")
    card = CARD.read_text("utf-8").format(
        parameters=sum(one.numel() for one in module.parameters()),
        learn=len(learn[1]),
        test=len(test[1]),
        right=int(right.sum()),
        share=100 * float(right.float().mean()),
        refused=100 * float(1 - known.float().mean()),
        among=100 * float(right[known].float().mean()),
        seconds=round(time.perf_counter() - start, -1),
        length=LENGTH,
        licence=LICENCE,
        samples=len(entries),
        each=", ".join(
            f"{name} {100 * float(right[test[1] == label].float().mean()):.0f} %"
            for label, name in enumerate(LABELS.short)
        ),
    )
    (FOLDER / "README.md").write_text(card, "utf-8")
    print(card)


def windows(path: Path) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Read standardised windows (N, 1, 150) and labels (N,), of the people to learn from and of those to test with.

    The file is a pickle of the package, which is trusted here.
    """
    data = np.load(path, allow_pickle=True).item()
    names = [data["y_labels"][number] for number in data["y"]]
    held_out = sorted(set(data["subject"]))[-HELD_OUT:]
    parts: tuple[list[tuple[np.ndarray, int]], ...] = ([], [])
    for recording, name, person in zip(data["X"], names, data["subject"], strict=True):
        if name not in EXERCISES:
            continue
        values = recording[:, data["X_labels"].index(AXIS)]
        for first in range(0, len(values) - LENGTH * EVERY + 1, APART):
            cut = values[first : first + LENGTH * EVERY].reshape(LENGTH, EVERY).mean(axis=1)
            parts[person in held_out].append(((cut - cut.mean()) / cut.std(), EXERCISES.index(name)))
    learn, test = (
        (torch.from_numpy(np.stack([cut for cut, _ in part])).float()[:, None], torch.tensor([of for _, of in part]))
        for part in parts
    )
    return learn, test


def trained(series: Tensor, labels: Tensor) -> FullyConvolutional:
    """Train the network with AdamW and a one-cycle learning rate."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    module = FullyConvolutional(len(LABELS))
    optimizer = torch.optim.AdamW(module.parameters(), weight_decay=0.01)
    steps = ROUNDS * (len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, HIGHEST, steps, pct_start=0.1)
    for _ in range(ROUNDS):
        for rows in torch.randperm(len(labels), generator=rng)[: len(labels) // BATCH * BATCH].split(BATCH):
            loss = F.cross_entropy(module(series[rows]), labels[rows])
            descend(loss, optimizer, schedule)
    return module.eval()


@torch.no_grad()
def said(module: FullyConvolutional, series: Tensor) -> Tensor:
    """The predicted class of each series, (N,)."""
    found: Tensor = module(series).argmax(dim=1)
    return found


@torch.no_grad()
def features(module: FullyConvolutional, series: Tensor) -> Tensor:
    """The averages over time of each series, (N, D)."""
    return module.averages(series)


def _spread(rows: list[int]) -> list[int]:
    """A few rows, evenly apart: of different people."""
    return [rows[(2 * n + 1) * len(rows) // (2 * SAMPLES)] for n in range(SAMPLES)]


def _listed(series: Tensor) -> list[float]:
    return [round(value, 4) for value in series.flatten().tolist()]


if __name__ == "__main__":
    main()
