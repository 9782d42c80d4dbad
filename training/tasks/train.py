"""Train segmentation and detection networks on composed scenes: python -m training.tasks.train; see ../README.md."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import box_iou

from cnnfix_core.synthetic import CLASSES, HELD_OUT
from cnnfix_core.zoo import load_model
from cnnfix_core.zoo.sources.scenes import DETECTING, SEGMENTING
from cnnfix_core.zoo.sources.shipped import TrainedNetwork
from training.descent import descend
from training.scenes.data import inputs, recoloured, turned
from training.tasks.data import boxes_of, two_objects
from training.weights import keep_weights

SCENES, ROUNDS, BATCH, HIGHEST, TEST = 10_000, 5, 32, 4e-3, 1_000
SURE, OVERLAP = 0.5, 0.5
CARD = Path(__file__).with_name("card.md")

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]


def main() -> None:
    """Train both networks, measure them on held-out scenes, and write their weights and card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    data, test = two_objects(range(SCENES)), two_objects(range(HELD_OUT, HELD_OUT + TEST))
    start = time.perf_counter()
    segmenting = trained(SEGMENTING, pixel_loss, data)
    print(keep_weights(SEGMENTING.folder, SEGMENTING.name, segmenting), flush=True)
    detecting = trained(DETECTING, box_loss, data)
    print(keep_weights(DETECTING.folder, DETECTING.name, detecting), flush=True)
    found, wrong = detection_scores(detecting, *test)
    card = CARD.read_text("utf-8").format(
        minutes=(time.perf_counter() - start) / 60,
        scenes=SCENES,
        last=SCENES - 1,
        test=TEST,
        first=HELD_OUT,
        fcn=sum(one.numel() for one in segmenting.parameters()),
        fcos=sum(one.numel() for one in detecting.parameters()),
        union=100 * mean_iou(segmenting, *test),
        found=100 * found,
        wrong=wrong,
    )
    (SEGMENTING.folder / "README.md").write_text(card, "utf-8")
    print(card)


def trained(network: TrainedNetwork, loss_of: Loss, data: tuple[Tensor, Tensor], rounds: int = ROUNDS) -> nn.Module:
    """Train the network from the weights of `scenes_resnet`, with AdamW and a one-cycle learning rate."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    module = network.build(len(network.labels)).train()
    begin(module)
    optimizer = torch.optim.AdamW(module.parameters(), weight_decay=0.02)
    count = len(data[0]) // BATCH * BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, HIGHEST, rounds * (count // BATCH), pct_start=0.2)
    losses: list[float] = []
    for _ in range(rounds):
        for rows in torch.randperm(len(data[0]), generator=rng)[:count].split(BATCH):
            both = turned(torch.cat([data[0][rows], data[1][rows]], dim=1), rng)
            loss = loss_of(module, recoloured(both[:, :3], rng), both[:, 3])
            descend(loss, optimizer, schedule, 2.0)
            losses.append(loss.item())
            if len(losses) % 100 == 0:
                print(f"  {network.name} {len(losses)} loss {sum(losses[-100:]) / 100:.3f}", flush=True)
    return module.eval()


def begin(module: nn.Module) -> None:
    """Load the scene classifier's weights into the backbone."""
    layers = list(load_model("scenes_resnet").module.children())
    stages: Any = next(child.stages for child in module.modules() if hasattr(child, "stages"))
    for stage, (first, last) in zip(stages, ((0, 6), (6, 8), (8, 10)), strict=True):
        stage.load_state_dict(nn.Sequential(*layers[first:last]).state_dict())
    module.requires_grad_(True)


def pixel_loss(module: nn.Module, pictures: Tensor, maps: Tensor) -> Tensor:
    """Cross entropy of the class of each pixel."""
    return F.cross_entropy(module(inputs(pictures))["out"], maps.long())


def box_loss(module: nn.Module, pictures: Tensor, maps: Tensor) -> Tensor:
    """The losses of FCOS: class, box and centre-ness."""
    targets = [dict(zip(("boxes", "labels"), boxes_of(one), strict=True)) for one in maps]
    losses: dict[str, Tensor] = module(list(pictures / 255), targets)
    return torch.stack(list(losses.values())).sum()


@torch.no_grad()
def mean_iou(module: nn.Module, pictures: Tensor, maps: Tensor) -> float:
    """The mean intersection over union of the classes, including the background."""
    said = torch.cat([module(inputs(part))["out"].argmax(dim=1) for part in pictures.split(BATCH)])
    right = maps[:, 0].long()
    pairs = torch.bincount((right * (len(CLASSES) + 1) + said).flatten(), minlength=(len(CLASSES) + 1) ** 2)
    table = pairs.reshape(len(CLASSES) + 1, -1).double()
    return float((table.diag() / (table.sum(0) + table.sum(1) - table.diag())).mean())


@torch.no_grad()
def detection_scores(module: nn.Module, pictures: Tensor, maps: Tensor) -> tuple[float, float]:
    """The recall of objects by confident boxes of their class, and the number of false confident boxes per picture."""
    objects = hits = wrong = 0
    for picture, where in zip(pictures, maps[:, 0], strict=True):
        boxes, labels = boxes_of(where)
        result = module([picture / 255])[0]
        sure = result["scores"] >= SURE
        good = box_iou(boxes, result["boxes"][sure]) >= OVERLAP
        good &= labels[:, None] == result["labels"][sure]
        objects += len(labels)
        hits += int(good.any(dim=1).sum())
        wrong += int((~good.any(dim=0)).sum())
    return hits / objects, wrong / len(pictures)


if __name__ == "__main__":
    main()
