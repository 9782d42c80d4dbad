"""State dicts: check that they fit a network, and load them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo.checkpoint import Stored

State = dict[str, Tensor]
Held = TypeVar("Held")

# Heads that are used only in training: a file may lack them.
LEARNING_ONLY = ("aux1.", "aux2.", "AuxLogits.")


def fill(module: nn.Module, state: State, title: str) -> None:
    """Load the tensors into the module. Raises ModelError if they do not fit or are not finite."""
    present = dict(with_present_names(module, state))
    check(present, module, title)
    check_finite(present)
    module.load_state_dict(present, strict=False)


def check(state: Mapping[str, Tensor | Stored], module: nn.Module, title: str) -> None:
    """Raise ModelError unless the names and shapes are those of the module, which may be a skeleton."""
    state = with_present_names(module, state)
    wanted = module.state_dict()
    missing = [name for name in wanted if name not in state and not may_be_missing(name)]
    unexpected = [name for name in state if name not in wanted]
    for names, what in ((missing, "lack"), (unexpected, "have more than the network:")):
        if names:
            raise ModelError(f"The weights do not fit {title}; they {what} {listed(names)}.")
    for name, tensor in state.items():
        if tensor.shape != wanted[name].shape:
            found, needed = (" x ".join(map(str, shape)) for shape in (tensor.shape, wanted[name].shape))
            raise ModelError(f"The weights do not fit {title}: {name} is {found} and must be {needed}.")


def may_be_missing(name: str) -> bool:
    """Whether a tensor is used only in training, or is missing in files of older PyTorch versions."""
    return name.startswith(LEARNING_ONLY) or name.endswith("num_batches_tracked")


def check_finite(state: State) -> None:
    """Raise ModelError, which names the tensor, if any is NaN or infinite."""
    for name, tensor in state.items():
        wide = tensor.float() if tensor.is_floating_point() and tensor.dtype.itemsize == 1 else tensor  # of 8 bits
        if tensor.is_floating_point() and not bool(torch.isfinite(wide).all()):
            raise ModelError(f"The weights in {name} are NaN or infinite: choose an earlier checkpoint.")


def listed(names: Sequence[str]) -> str:
    """The first three names, and how many there are besides."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def with_present_names(module: nn.Module, state: Mapping[str, Held]) -> Mapping[str, Held]:
    """Rename the tensors of DenseNet's published weights, which have old names; torchvision knows how."""
    if type(module).__name__ != "DenseNet":  # checked first, because torchvision takes a second to import
        return state
    from torchvision.models import DenseNet, densenet

    if not isinstance(module, DenseNet):
        return state
    renamed = dict(state)
    densenet._load_state_dict(_Ignoring(), _Giving(renamed), progress=False)
    return renamed


class _Giving:
    """Stands in for torchvision's weights entry, whose dictionary is renamed in place."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def get_state_dict(self, **_: Any) -> dict[str, Any]:
        return self.state


class _Ignoring:
    """Stands in for the network."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass
