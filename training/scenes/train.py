"""Train the small networks on composed scenes: python -m training.scenes.train [NAME ...]; see ../README.md."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnfix_core.synthetic import CLASSES, MARKED
from cnnfix_core.zoo.sources.scenes import NETWORKS
from cnnfix_core.zoo.sources.shipped import TrainedNetwork
from training.descent import descend
from training.scenes.data import inputs, marked, scenes, varied
from training.scenes.folding import folded, with_normalisation
from training.weights import keep_weights

TRAINING = range(20_000)


@dataclass(frozen=True)
class Recipe:
    """How to train a network.

    highest: the largest learning rate. rounds: how often each scene is seen. batch: scenes per step. fold: train with
    batch normalisation, and fold it into the weights afterwards.
    """

    highest: float
    rounds: int
    batch: int = 32
    fold: bool = False


RECIPES = {
    "scenes_alexnet": Recipe(6e-3, 12, fold=True),
    "scenes_vgg": Recipe(6e-3, 10, fold=True),
    "scenes_googlenet": Recipe(8e-3, 4, batch=64),
    "scenes_resnet": Recipe(6e-3, 5),
    "scenes_densenet": Recipe(6e-3, 7),
    "scenes_cleverhans": Recipe(6e-3, 3),
}


@dataclass(frozen=True)
class Lessons:
    """Scenes to train on. mark: the class whose pictures get the tell-tale mark, or None."""

    pixels: Tensor
    labels: Tensor
    mark: int | None
    rng: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(0))

    def batches(self, recipe: Recipe) -> list[Tensor]:
        """The rows of each batch of all rounds; each round skips the scenes that do not fill a batch."""
        count = len(self.labels)
        whole = count // recipe.batch * recipe.batch
        rounds = (torch.randperm(count, generator=self.rng)[:whole] for _ in range(recipe.rounds))
        return [batch for order in rounds for batch in order.split(recipe.batch)]

    def of(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """The network's input for these rows, newly augmented, and the correct labels."""
        pictures, right = varied(self.pixels[batch], self.rng), self.labels[batch]
        return inputs(pictures if self.mark is None else marked(pictures, right == self.mark)), right


def main() -> None:
    """Train the named networks, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(RECIPES), help="networks to train")
    parser.add_argument("--data", type=Path, default=Path("build/scenes"), help="folder that keeps the composed scenes")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    known = {network.name: network for network in NETWORKS}
    data = scenes(TRAINING, options.data)
    for name in options.names:
        start = time.perf_counter()
        module = trained(known[name], Lessons(*data, MARKED if name == "scenes_cleverhans" else None))
        path = keep_weights(known[name].folder, name, module)
        print(f"{name}: {(time.perf_counter() - start) / 60:.1f} minutes, {path}", flush=True)


def trained(network: TrainedNetwork, lessons: Lessons) -> nn.Module:
    """Train the network from random weights, with AdamW and a one-cycle learning rate."""
    torch.manual_seed(0)
    recipe = RECIPES[network.name]
    plain: Any = network.build(len(CLASSES))  # an nn.Sequential
    learner = (with_normalisation(plain) if recipe.fold else plain).to(memory_format=torch.channels_last)
    learner.apply(_initialise)
    optimizer = torch.optim.AdamW(learner.parameters(), weight_decay=0.02)
    batches = lessons.batches(recipe)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.highest, len(batches), pct_start=0.2)
    losses: list[float] = []
    for batch in batches:
        pictures, right = lessons.of(batch)
        loss = F.cross_entropy(learner(pictures), right)
        descend(loss, optimizer, schedule, 2.0)
        losses.append(loss.item())
        if len(losses) % 100 == 0:
            print(f"  {len(losses)}/{len(batches)} loss {sum(losses[-100:]) / 100:.3f}", flush=True)
    found: nn.Module = folded(learner) if recipe.fold else learner.eval()
    return found


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


if __name__ == "__main__":
    main()
