"""Train the video classifier on composed clips: python -m training.clips.train; see ../README.md."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cnnfix_core.modalities.video.network import SmallR3D
from cnnfix_core.modalities.video.shipped import FOLDER, MEAN, NAME, STD
from cnnfix_core.synthetic.clips import HELD_OUT, MOTIONS, compose_clip
from training.descent import descend
from training.parallel import made
from training.weights import keep_weights

CLIPS, ROUNDS, BATCH, HIGHEST, TEST = 6_000, 4, 32, 6e-3, 800
CARD = Path(__file__).with_name("card.md")
_MIRRORED = torch.tensor([1, 0, *range(2, len(MOTIONS))])  # in a mirror, left becomes right


def main() -> None:
    """Train the network, measure it on held-out clips, and write its weights and card."""
    start = time.perf_counter()
    module = trained(*clips(range(CLIPS)))
    print(keep_weights(FOLDER, NAME, module))
    minutes = (time.perf_counter() - start) / 60
    frames, labels = clips(range(HELD_OUT, HELD_OUT + TEST))
    said = torch.cat([predicted(module, part) for part in frames.split(BATCH)])
    missed = Counter(
        MOTIONS[label] for label, found in zip(labels.tolist(), said.tolist(), strict=True) if label != found
    )
    card = CARD.read_text("utf-8").format(
        parameters=sum(one.numel() for one in module.parameters()),
        clips=CLIPS,
        last=CLIPS - 1,
        test=TEST,
        first=HELD_OUT,
        right=100 * float((said == labels).float().mean()),
        missed=", ".join(f"{name} {count}" for name, count in missed.most_common()) or "none",
        minutes=minutes,
    )
    (FOLDER / "README.md").write_text(card, "utf-8")
    print(card)


def clips(seeds: range) -> tuple[Tensor, Tensor]:
    """Frames (N, 3, T, H, W) uint8 and labels (N,) of composed clips."""
    frames, labels = zip(*made(_clip, seeds), strict=True)
    return torch.from_numpy(np.stack(frames)).permute(0, 4, 1, 2, 3).contiguous(), torch.tensor(labels)


def _clip(seed: int) -> tuple[np.ndarray, int]:
    clip = compose_clip(seed)
    return clip.frames, clip.label


def trained(frames: Tensor, labels: Tensor, rounds: int = ROUNDS) -> SmallR3D:
    """Train the network with AdamW and a one-cycle learning rate; half of the batches are mirrored."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    module = SmallR3D(len(MOTIONS)).to(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.AdamW(module.parameters(), weight_decay=0.02)
    whole = len(labels) // BATCH * BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, HIGHEST, rounds * (whole // BATCH), pct_start=0.2)
    losses: list[float] = []
    for _ in range(rounds):
        for rows in torch.randperm(len(labels), generator=rng)[:whole].split(BATCH):
            mirror = bool(torch.randint(2, (), generator=rng))
            seen, right = frames[rows], labels[rows]
            loss = F.cross_entropy(
                module(inputs(seen.flip(-1) if mirror else seen)), _MIRRORED[right] if mirror else right
            )
            descend(loss, optimizer, schedule, 2.0)
            losses.append(loss.item())
            if len(losses) % 50 == 0:
                print(f"  {len(losses)} loss {sum(losses[-50:]) / 50:.3f}", flush=True)
    return module.eval()


def inputs(frames: Tensor) -> Tensor:
    """Turn uint8 frames into the network's input."""
    mean, std = (torch.tensor(three)[:, None, None, None] for three in (MEAN, STD))
    return ((frames / 255 - mean) / std).contiguous(memory_format=torch.channels_last_3d)


@torch.no_grad()
def predicted(module: SmallR3D, frames: Tensor) -> Tensor:
    """The predicted class of each clip, (N,)."""
    found: Tensor = module(inputs(frames)).argmax(dim=1)
    return found


if __name__ == "__main__":
    main()
