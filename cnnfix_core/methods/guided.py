"""Guided backpropagation's one change to the gradient, wherever a network has its ReLUs."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from cnnfix_core.engine import Operation, Tape
from cnnfix_core.methods.feature_maps import read_off

_RECTIFIERS = ("relu", "relu6", "hardtanh", "clamp", "clamp_min", "threshold")


class Guided(TorchFunctionMode):
    """Inside, no negative gradient gets through a ReLU (Springenberg et al., ICLR workshop 2015, section 3.4).

    In this thread alone, and for all ReLUs: modules, functions, in-place ones and steps of an exported program.
    Captum's GuidedBackprop, which does the same, knows modules of the class torch.nn.ReLU.
    """

    def __init__(self) -> None:
        super().__init__()
        self.met = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.requires_grad and _rectifies(_name(func), args[1:], kwargs or {}):
            self.met += 1
            result.register_hook(_without_negative)
        return result


def _without_negative(gradient: Tensor) -> Tensor:
    return gradient.clamp_min(0)


def _rectifies(name: str, bounds: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Whether the function of this name is 0 for all that is negative, and grows from there."""
    if name not in _RECTIFIERS:
        return False
    lows = [options[key] for key in ("min", "min_val", "threshold") if key in options]
    low = (*bounds, *lows, None)[0] if name not in ("relu", "relu6") else 0
    return isinstance(low, (int, float)) and low == 0


def _name(func: Any) -> str:
    """Its plain name: relu, for relu_ and aten.relu.default too."""
    return getattr(func, "__name__", "").partition(".")[0].strip("_")


@read_off
def needs_rectifiers(tape: Tape) -> str:
    """Why guided backpropagation does not fit the network, or ""."""
    if any(map(_is_rectifier, tape.operations)):
        return ""
    return "The network has no ReLU, whose negative gradients guided backpropagation takes away."


def _is_rectifier(operation: Operation) -> bool:
    return _rectifies(operation.name.removeprefix("aten."), operation.args[1:], operation.kwargs)
