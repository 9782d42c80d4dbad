"""Train the sketch classifier: python -m training.sketches.train --data sketches.zip; see ../README.md."""

from __future__ import annotations

import argparse
import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnfix_core.zoo import load_model
from cnnfix_core.zoo.sources.sketches import NETWORK
from training.descent import descend
from training.sketches.data import Sketches, inputs, sketches, varied
from training.weights import keep_weights, mean_of


@dataclass(frozen=True)
class Recipe:
    """How to train: AdamW, with a learning rate that rises during the first tenth and falls along a cosine.

    The learning rate of the new last layer is ten times that of the pretrained layers. The final weights are the mean
    over the last `mean` rounds.
    """

    rounds: int = 16
    mean: int = 3
    batch: int = 40
    highest: float = 1e-3
    smoothing: float = 0.1
    decay: float = 0.05


def main() -> None:
    """Train the network, measure its accuracy, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="zip with a folder of PNG files for each class")
    parser.add_argument("--rounds", type=int, default=Recipe.rounds)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = sketches(options.data)
    print(f"{len(found.labels)} sketches of {len(found.names)} kinds", flush=True)
    module = trained(found.part(held_out=False), found.part(held_out=True), Recipe(rounds=options.rounds))
    print(keep_weights(NETWORK.folder, NETWORK.name, module))


def trained(learn: Sketches, check: Sketches, recipe: Recipe) -> nn.Module:
    """Fine-tune the network, which was pretrained on photographs."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    module: Any = NETWORK.build(len(learn.names))
    known = load_model("efficientnet_lite0").module.state_dict()
    module.load_state_dict({name: known[name] for name in known if not name.startswith("classifier")}, strict=False)
    module.to(memory_format=torch.channels_last)
    last = [*module.classifier.parameters()]
    first = [one for name, one in module.named_parameters() if not name.startswith("classifier")]
    optimizer = torch.optim.AdamW([{"params": first}, {"params": last}], weight_decay=recipe.decay)
    per_round = len(learn.labels) // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [recipe.highest, 10 * recipe.highest], recipe.rounds * per_round, pct_start=0.1
    )
    states: list[dict[str, Tensor]] = []
    for number in range(1, recipe.rounds + 1):
        start, losses = time.perf_counter(), []
        module.train()
        order = torch.randperm(len(learn.labels), generator=rng)[: per_round * recipe.batch]
        for rows in order.split(recipe.batch):
            scores = module(varied(learn.ink[rows], rng))
            loss = F.cross_entropy(scores, learn.labels[rows], label_smoothing=recipe.smoothing)
            descend(loss, optimizer, schedule, 2.0)
            losses.append(loss.item())
        states = [*states, deepcopy(module.state_dict())][-recipe.mean :]
        took = time.perf_counter() - start
        mean = sum(losses) / len(losses)
        print(f"{number}: loss {mean:.3f}, held out {100 * right(module, check):.1f} %, {took:.0f} s", flush=True)
    module.load_state_dict(mean_of(states))
    print(f"mean of the last {recipe.mean}: held out {100 * right(module, check):.1f} %", flush=True)
    found: nn.Module = module.to(memory_format=torch.contiguous_format)
    return found


@torch.no_grad()
def right(module: nn.Module, check: Sketches) -> float:
    """The accuracy on these sketches, 0 to 1."""
    module.eval()
    said = torch.cat([module(inputs(ink)).argmax(dim=1) for ink in check.ink.split(50)])
    return float((said == check.labels).float().mean())


if __name__ == "__main__":
    main()
