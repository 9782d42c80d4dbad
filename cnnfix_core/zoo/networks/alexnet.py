"""A small network in the style of AlexNet (Krizhevsky et al. 2012)."""

from torch import nn


class SmallAlexNet(nn.Sequential):
    """Large first filters, groups, overlapping max pools, and fully connected layers on a flattened map."""

    def __init__(self, classes: int) -> None:
        super().__init__(
            nn.Conv2d(3, 24, 7, stride=2, padding=3),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.Conv2d(24, 48, 5, padding=2, groups=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.Conv2d(48, 72, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(72, 72, 3, padding=1, groups=2),
            nn.ReLU(),
            nn.Conv2d(72, 48, 3, padding=1, groups=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(48 * 6 * 6, 96),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(96, 64),
            nn.ReLU(),
            nn.Linear(64, classes),
        )
