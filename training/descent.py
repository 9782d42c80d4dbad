"""One training step, shared by all training programs."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


def descend(loss: Tensor, optimizer: Optimizer, schedule: LRScheduler, longest: float | None = None) -> None:
    """Take one step of the optimizer and its schedule; longest: the norm that gradients are clipped to."""
    optimizer.zero_grad()
    loss.backward()
    if longest is not None:
        nn.utils.clip_grad_norm_([one for group in optimizer.param_groups for one in group["params"]], longest)
    optimizer.step()
    schedule.step()
