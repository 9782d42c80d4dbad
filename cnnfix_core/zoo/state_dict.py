"""State dicts: which network they fit, and filling them in."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import architectures

State = dict[str, Tensor]

# Heads that are only used while a network learns: a file may come without them.
_LEARNING_ONLY = ("aux1.", "aux2.", "AuxLogits.")


def classes_in(state: State, architecture: str) -> int:
    """How many classes a network of that architecture has, from the shapes of its tensors. Raises ModelError."""
    one, other = (architectures.skeleton(architecture, classes).state_dict() for classes in (7, 8))
    for name, tensor in one.items():
        differs = [
            axis for axis, pair in enumerate(zip(tensor.shape, other[name].shape, strict=True)) if len(set(pair)) > 1
        ]
        if differs and name in state and state[name].ndim == tensor.ndim:
            return state[name].shape[differs[0]]
    raise ModelError(f"The file holds no classifier of {architecture}: is it another network's, or only a part?")


def fill(module: nn.Module, state: State, title: str) -> None:
    """Give the module the tensors of a file. Raises ModelError where they do not fit or are not finite."""
    state = with_present_names(module, state)
    check(state, module, title)
    check_finite(state)
    module.load_state_dict(state, strict=False)


def check(state: State, module: nn.Module, title: str) -> None:
    """Raises ModelError where the names or shapes are not those of the module; it may be a skeleton."""
    state = with_present_names(module, state)
    wanted = module.state_dict()
    missing = [name for name in wanted if name not in state and not _may_be_missing(name)]
    unexpected = [name for name in state if name not in wanted]
    for names, what in ((missing, "lack"), (unexpected, "have more than the network:")):
        if names:
            raise ModelError(f"The weights do not fit {title}; they {what} {_listed(names)}.")
    for name, tensor in state.items():
        if tensor.shape != wanted[name].shape:
            found, needed = (" x ".join(map(str, shape)) for shape in (tensor.shape, wanted[name].shape))
            raise ModelError(f"The weights do not fit {title}: {name} is {found} and must be {needed}.")


def _may_be_missing(name: str) -> bool:
    """What only learning uses, and what torch's older files lack."""
    return name.startswith(_LEARNING_ONLY) or name.endswith("num_batches_tracked")


def check_finite(state: State) -> None:
    """Raises ModelError naming the first tensor with NaN or infinity in it."""
    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ModelError(f"The weights hold NaN or infinity, in {name}: choose an earlier file of the training.")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def with_present_names(module: nn.Module, state: State) -> State:
    """DenseNet's tensors had other names when its weights were published; torchvision knows how to rename them."""
    if type(module).__name__ != "DenseNet":  # asked first, because torchvision takes a second to import
        return state
    from torchvision.models import DenseNet, densenet

    if not isinstance(module, DenseNet):
        return state
    renamed = dict(state)
    densenet._load_state_dict(_Ignoring(), _Giving(renamed), progress=False)
    return renamed


class _Giving:
    """In the place of torchvision's entry of weights; the tensors are renamed in the very dictionary that it gives."""

    def __init__(self, state: State) -> None:
        self.state = state

    def get_state_dict(self, **_: Any) -> State:
        return self.state


class _Ignoring:
    """In the place of the network."""

    def load_state_dict(self, state: State) -> None:
        pass
