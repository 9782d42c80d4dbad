"""The fully convolutional network for time series (Wang, Yan, Oates: Time Series Classification from Scratch, 2016)."""

from __future__ import annotations

from torch import Tensor, nn


class FullyConvolutional(nn.Module):
    """Three convolutions over time, each with batch normalisation and a ReLU; the mean over time; a linear layer.

    The kernel sizes are 7, 5 and 3. The paper has 8 instead of 7, but an even kernel has no centre.

    Args:
        classes: The number of classes.
        channels: The output channels of the convolutions; 128, 256 and 128 in the paper.
    """

    def __init__(self, classes: int, channels: tuple[int, int, int] = (64, 96, 64)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, window in zip((1, *channels), channels, (7, 5, 3), strict=False):
            layers += [
                nn.Conv1d(before, after, window, padding=window // 2, bias=False),
                nn.BatchNorm1d(after),
                nn.ReLU(),
            ]
        self.features = nn.Sequential(*layers)
        self.linear = nn.Linear(channels[-1], classes)

    def forward(self, series: Tensor) -> Tensor:
        """(N, classes), from (N, 1, T)."""
        scores: Tensor = self.linear(self.averages(series))
        return scores

    def averages(self, series: Tensor) -> Tensor:
        """The mean of each feature over time, (N, channels)."""
        found: Tensor = self.features(series).mean(dim=2)
        return found
