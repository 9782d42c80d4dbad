"""One step of learning, the same for all that is trained here."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


def descend(loss: Tensor, optimizer: Optimizer, schedule: LRScheduler, longest: float | None = None) -> None:
    """Change what the optimizer has by the loss's gradient, shortened to this length where it is longer."""
    optimizer.zero_grad()
    loss.backward()
    if longest is not None:
        nn.utils.clip_grad_norm_([one for group in optimizer.param_groups for one in group["params"]], longest)
    optimizer.step()
    schedule.step()
