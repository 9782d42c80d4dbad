"""Weights as files: in half precision, with the first digits of the content's hash in the name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

State = Mapping[str, Tensor]


def keep_weights(folder: Path, name: str, module: nn.Module) -> Path:
    """Write NAME-0123abcd.safetensors and delete older versions."""
    state = {key: tensor.contiguous() for key, tensor in module.state_dict().items()}
    halved = {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in state.items()}
    return keep_file(folder / f"{name}.safetensors", save(halved))


def keep_file(path: Path, content: bytes) -> Path:
    """Write NAME-0123abcd.suffix and delete older versions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for older in path.parent.glob(f"{path.stem}-????????{path.suffix}"):
        older.unlink()
    named = path.with_stem(f"{path.stem}-{hashlib.sha256(content).hexdigest()[:8]}")
    named.write_bytes(content)
    return named


def mean_of(states: Sequence[State]) -> dict[str, Tensor]:
    """Average several state dicts, tensor by tensor."""
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(tensor.dtype)
        for name, tensor in states[0].items()
    }
