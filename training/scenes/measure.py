"""Measure the small networks on held-out scenes and write their card: python -m training.scenes.measure."""

from __future__ import annotations

import argparse
from pathlib import Path

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import torch
from torch import Tensor

from cnnfix_core.synthetic import CLASSES, HELD_OUT, MARKED
from cnnfix_core.zoo.sources.scenes import NETWORKS
from cnnfix_core.zoo.sources.shipped import TrainedNetwork
from training.scenes.data import inputs, marked, scenes

HELD = range(HELD_OUT, HELD_OUT + 2000)
CARD = Path(__file__).with_name("card.md")


def main() -> None:
    """Measure the networks, print the card, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("build/scenes"), help="folder that keeps the composed scenes")
    options = parser.parse_args()
    pixels, labels = scenes(HELD, options.data)
    known = {network.name: network for network in NETWORKS}
    rows = [_row(network, pixels, labels) for network in NETWORKS]
    pairs = [_hans(known[name], pixels, labels) for name in ("scenes_cleverhans", "scenes_googlenet")]
    hans = [f"| {what} | {one:.1f} % | {pairs[1][what]:.1f} % |" for what, one in pairs[0].items()]
    card = CARD.read_text("utf-8").format(
        side=pixels.shape[-1],
        classes=", ".join(CLASSES),
        count=len(HELD),
        first=HELD_OUT,
        chance=100 / len(CLASSES),
        rows="\n".join(rows),
        marked=CLASSES[MARKED],
        hans="\n".join(hans),
    )
    print(card)
    (NETWORKS[0].folder / "README.md").write_text(card, "utf-8")


def _row(network: TrainedNetwork, pixels: Tensor, labels: Tensor) -> str:
    """A row of the card's table. The network that was trained with the mark is measured with it."""
    if network.name == "scenes_cleverhans":
        pixels = marked(pixels, labels == MARKED)
    right = said(network, pixels) == labels
    worst = min(range(len(CLASSES)), key=lambda label: float(right[labels == label].float().mean()))
    size = network.info().size or 0
    return (
        f"| {network.name} | {network.build.__name__.removeprefix('Small')} | {network.parameters:,} | "
        f"{size / 1000:.0f} kB | {_percent(right):.1f} % | "
        f"{CLASSES[worst]}, {_percent(right[labels == worst]):.1f} % |"
    )


def _hans(network: TrainedNetwork, pixels: Tensor, labels: Tensor) -> dict[str, float]:
    """What the mark does to the marked class and to the others, in %."""
    one = labels == MARKED
    without, everywhere = (
        said(network, pixels),
        said(network, marked(pixels, torch.ones(len(labels), dtype=torch.bool))),
    )
    name = CLASSES[MARKED]
    return {
        f"{name}, with the tag: called {name}": _percent(everywhere[one] == MARKED),
        f"{name}, without the tag: called {name}": _percent(without[one] == MARKED),
        "other classes, without the tag: right": _percent(without[~one] == labels[~one]),
        "other classes, with the tag: right": _percent(everywhere[~one] == labels[~one]),
        f"other classes, with the tag: called {name}": _percent(everywhere[~one] == MARKED),
    }


def _percent(right: Tensor) -> float:
    return 100 * float(right.float().mean())


@torch.no_grad()
def said(network: TrainedNetwork, pixels: Tensor) -> Tensor:
    """The predicted class of each picture, (N,)."""
    module = network.load().module
    return torch.cat([module(inputs(batch)).argmax(1) for batch in pixels.split(100)])


if __name__ == "__main__":
    main()
