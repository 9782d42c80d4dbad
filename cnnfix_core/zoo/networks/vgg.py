"""A small network in the style of VGG (Simonyan and Zisserman 2014)."""

from torch import nn


def _stack(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


class SmallVGG(nn.Sequential):
    """Stacks of 3 x 3 convolutions, max pools, and fully connected layers on a flattened map."""

    def __init__(self, classes: int) -> None:
        super().__init__(
            *_stack(3, 8),
            *_stack(8, 16),
            *_stack(16, 32),
            *_stack(32, 48),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(48 * 6 * 6, 80),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(80, 64),
            nn.ReLU(),
            nn.Linear(64, classes),
        )
