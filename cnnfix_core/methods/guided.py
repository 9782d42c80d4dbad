"""Guided backpropagation: change the gradient at every ReLU of a network."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from cnnfix_core.engine import Operation, Tape
from cnnfix_core.methods.feature_maps import computed_from_tape

_RECTIFIERS = ("relu", "relu6", "hardtanh", "clamp", "clamp_min", "threshold")


class Guided(TorchFunctionMode):
    """Sets negative gradients to 0 at every ReLU (Springenberg et al., ICLR workshop 2015, section 3.4).

    Applies to the current thread and to all ReLUs: modules, functions, in-place ones and nodes of an exported program.
    Captum's GuidedBackprop does the same, but only for modules of the class torch.nn.ReLU.
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
    """Whether the function with this name is 0 for negative numbers and increases from there."""
    if name not in _RECTIFIERS:
        return False
    lows = [options[key] for key in ("min", "min_val", "threshold") if key in options]
    low = (*bounds, *lows, None)[0] if name not in ("relu", "relu6") else 0
    return isinstance(low, (int, float)) and low == 0


def _name(func: Any) -> str:
    """The plain name of a function: relu for relu, relu_ and aten.relu.default."""
    return getattr(func, "__name__", "").partition(".")[0].strip("_")


@computed_from_tape
def needs_rectifiers(tape: Tape) -> str:
    """Why guided backpropagation cannot be used with the network, or ""."""
    if any(map(_is_rectifier, tape.operations)):
        return ""
    return "The network has no ReLU, at which guided backpropagation removes negative gradients."


def _is_rectifier(operation: Operation) -> bool:
    return _rectifies(operation.name.removeprefix("aten."), operation.args[1:], operation.kwargs)
