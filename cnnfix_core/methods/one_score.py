"""A network with one score, as libraries take networks."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class OneScore(nn.Module):
    """The network with its scores, or a number for each picture, as the columns of what it returns.

    Args:
        network: The module.
        score: For a batch, (N,) or (N, columns).
    """

    def __init__(self, network: nn.Module, score: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network, self._score = network, score

    def forward(self, batch: Tensor) -> Tensor:
        """The scores, (N, columns)."""
        found = self._score(batch)
        return found[:, None] if found.ndim == 1 else found
