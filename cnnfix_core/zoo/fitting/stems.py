"""Change the first convolution of a network to the one in a file: for other channels, or for small pictures."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from cnnfix_core.zoo.fitting.finding import Tensors

_POOLINGS = ("maxpool", "features.pool0")  # after the first convolution, in ResNets and DenseNets
_SMALL = (32, 32)


@dataclass(frozen=True, slots=True)
class Stem:
    """How the first convolution differs from that of the architecture.

    Attributes:
        channels: That it takes.
        size: The height and width of small pictures; None for those of the architecture.
        notes: The same, and what was assumed, in sentences.
    """

    channels: int
    size: tuple[int, int] | None
    notes: tuple[str, ...]


def fit_stem(module: nn.Module, tensors: Tensors) -> Stem | None:
    """Change the first convolution, if it has other channels or a smaller window in the file; None if it fits.

    A state dict has no strides: a window of 3 x 3 instead of a larger one is taken for the usual change for pictures of
    32 x 32 (CIFAR), stride 1 and no max pooling after it.
    """
    name, convolution = _first(module)
    if convolution is None or f"{name}.weight" not in tensors:
        return None
    shape = tensors[f"{name}.weight"].shape
    if len(shape) != 4 or shape == convolution.weight.shape or shape[0] != convolution.out_channels:
        return None
    channels, window, notes = shape[1], shape[2:], []
    if channels != convolution.in_channels:
        notes.append(f"{name} takes {channels} {'channel' if channels == 1 else 'channels'} instead of 3.")
    small = window != convolution.kernel_size
    if small and not (window == (3, 3) and type(convolution) is nn.Conv2d):
        return None
    convolution.in_channels, convolution.kernel_size = channels, (window[0], window[1])
    convolution.weight = nn.Parameter(convolution.weight.new_empty(shape))
    if hasattr(module, "transform_input") and channels != 3:
        setattr(module, "transform_input", False)  # noqa: B010  # no attribute of every module
    if small:
        notes.append(
            f"{name} has windows of 3 x 3, as for pictures of {_SMALL[0]} x {_SMALL[1]}: stride 1 and no max pooling "
            "are assumed, as the file does not say. If that is wrong, export the network with torch.export.save."
        )
        convolution.stride = convolution.padding = (1, 1)
        _remove_pooling(module)
    return Stem(channels, _SMALL if small else None, tuple(notes))


def _first(module: nn.Module) -> tuple[str, nn.Conv2d | None]:
    for name, child in module.named_modules():
        if isinstance(child, nn.Conv2d):
            return (name, child) if child.in_channels == 3 and child.groups == 1 else (name, None)
    return "", None


def _remove_pooling(module: nn.Module) -> None:
    names = dict(module.named_modules())
    for name in _POOLINGS:
        if name in names:
            module.set_submodule(name, nn.Identity())
