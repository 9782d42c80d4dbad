"""Train the time series classifier: python -m training.signals.train --data FOLDER; see ../README.md."""

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
from torch import Tensor

from cnnfix_core.modalities.timeseries.network import FullyConvolutional
from cnnfix_core.modalities.timeseries.shipped import FOLDER, LABELS, LENGTH, LICENCE, NAME
from training.descent import descend
from training.weights import keep_weights

ROUNDS, BATCH, HIGHEST = 600, 10, 3e-3
SAMPLES = 6  # of each class, from the test part
CARD = Path(__file__).with_name("card.md")


def main() -> None:
    """Train the network, measure its accuracy, and write its weights, samples and card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with GunPoint_TRAIN.txt and GunPoint_TEST.txt")
    folder = parser.parse_args().data
    learn, test = (read(folder / f"GunPoint_{part}.txt") for part in ("TRAIN", "TEST"))
    start = time.perf_counter()
    module = trained(*learn)
    print(keep_weights(FOLDER, NAME, module))
    right = said(module, test[0]) == test[1]
    entries = [
        {
            "name": f"{LABELS.short[label].replace(' ', '-')}-{number + 1}",
            "label": label,
            "series": _listed(test[0][row]),
        }
        for label in range(len(LABELS))
        for number, row in enumerate(torch.nonzero(test[1] == label)[:SAMPLES, 0].tolist())
    ]
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in entries)
    (FOLDER / "samples.json").write_text(f"[\n{lines}\n]\n", "utf-8")
    card = CARD.read_text("utf-8").format(
        parameters=sum(one.numel() for one in module.parameters()),
        learn=len(learn[1]),
        test=len(test[1]),
        right=int(right.sum()),
        share=100 * float(right.float().mean()),
        seconds=round(time.perf_counter() - start, -1),
        length=LENGTH,
        licence=LICENCE,
        samples=len(entries),
    )
    (FOLDER / "README.md").write_text(card, "utf-8")
    print(card)


def read(path: Path) -> tuple[Tensor, Tensor]:
    """Read standardised series (N, 1, 150) and labels (N,) from a file with a label and its values in each line."""
    table = np.loadtxt(path)
    series = table[:, 1:]
    series = (series - series.mean(axis=1, keepdims=True)) / series.std(axis=1, keepdims=True)
    return torch.from_numpy(series).float()[:, None], torch.from_numpy(table[:, 0]).long() - 1


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
            loss = F.cross_entropy(module(varied(series[rows], rng)), labels[rows])
            descend(loss, optimizer, schedule)
    return module.eval()


def varied(series: Tensor, rng: torch.Generator) -> Tensor:
    """Shift, stretch and scale each series a little, and add noise."""
    count, _, length = series.shape
    offset = 0.08 * (2 * torch.rand(count, 1, generator=rng) - 1)
    stretch = 1 + 0.1 * (2 * torch.rand(count, 1, generator=rng) - 1)
    along = stretch * torch.linspace(-1, 1, length) + offset
    grid = torch.stack([along.clamp(-1, 1), torch.zeros_like(along)], dim=2)[:, None]
    moved = F.grid_sample(series[:, :, None], grid, align_corners=True)[:, :, 0]
    size = 1 + 0.1 * torch.randn(count, 1, 1, generator=rng)
    return size * moved + 0.02 * torch.randn(moved.shape, generator=rng)


@torch.no_grad()
def said(module: FullyConvolutional, series: Tensor) -> Tensor:
    """The predicted class of each series, (N,)."""
    found: Tensor = module(series).argmax(dim=1)
    return found


def _listed(series: Tensor) -> list[float]:
    return [round(value, 4) for value in series.flatten().tolist()]


if __name__ == "__main__":
    main()
