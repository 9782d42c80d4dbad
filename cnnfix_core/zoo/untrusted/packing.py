"""Facts as JSON and tensors as safetensors: all that the process that reads a file hands back."""

from __future__ import annotations

import json
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

_FACTS, _OTHER_TYPES = "facts", "types"
_PLAIN = {
    torch.float64, torch.float32, torch.float16, torch.bfloat16,
    torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
}  # fmt: skip


def packed(facts: dict[str, Any], tensors: dict[str, Tensor]) -> tuple[bytes, bytes]:
    """Facts and tensors as bytes. Types that safetensors may not know are packed as bytes."""
    types = {key: [str(one.dtype), one.shape] for key, one in tensors.items() if one.dtype not in _PLAIN}
    plain = {
        key: one.resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8) if key in types else one
        for key, one in tensors.items()
    }
    content = save({key: one.contiguous().clone() for key, one in plain.items()})
    return json.dumps({_FACTS: facts, _OTHER_TYPES: types}).encode(), content


def unpacked(facts: bytes, content: bytes) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Facts and tensors from bytes."""
    said, tensors = json.loads(facts), load(content)
    for key, (name, shape) in said[_OTHER_TYPES].items():
        dtype = getattr(torch, name.removeprefix("torch."))
        tensors[key] = tensors[key].clone().view(dtype).reshape(shape)
    return said[_FACTS], tensors
