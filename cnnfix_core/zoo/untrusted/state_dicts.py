"""Read untrusted state dict files: only tensors are read, and no code in the file is run."""

from __future__ import annotations

import io
import json
import pickle
import re
import warnings
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo.state_dict import State
from cnnfix_core.zoo.untrusted.archive import MAX_MEMBERS, Archive

_MAX_HEADER = 10_000_000
# Keys under which training scripts store a state dict, and prefixes that module wrappers add to names.
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("module.", "model.", "_orig_mod.")


def looks_like_safetensors(content: bytes) -> bool:
    """Whether the file starts with the length of a JSON header, then the header."""
    return len(content) > 8 and content[8:9] == b"{" and int.from_bytes(content[:8], "little") < 1 << 40


def from_safetensors(content: bytes, name: str) -> State:
    """Read the tensors of a .safetensors file. Raises ModelError if the header does not match the file."""
    length = int.from_bytes(content[:8], "little")
    if length > min(_MAX_HEADER, len(content) - 8):
        raise ModelError(f"{name} is damaged or incomplete: its header is too long.")
    try:
        count = len(json.loads(content[8 : 8 + length]))
        if count > MAX_MEMBERS:
            raise _too_many(count, name)
        return _checked(load_safetensors(content), len(content), name)
    except (SafetensorError, ValueError, TypeError, KeyError, RecursionError, RuntimeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{name} is damaged: its header does not describe what is in it.") from error


def from_torch(content: bytes, name: str) -> State:
    """Read the tensors of a file by `torch.save(module.state_dict(), ...)`. Raises ModelError for any other file.

    `weights_only` prevents the creation of Python objects. The file is first read on the meta device, where false sizes
    take no memory.
    """
    if content.startswith(b"PK"):
        Archive(content, name)
    claimed = _checked(_unwrapped(_load(content, "meta", name), name), len(content), name)
    state = _checked(_unwrapped(_load(content, "cpu", name), name), len(content), name)
    if {key: tensor.shape for key, tensor in claimed.items()} != {key: tensor.shape for key, tensor in state.items()}:
        raise ModelError(f"{name} is damaged: save it again or upload it again.")
    return state


def _load(content: bytes, device: str, name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return torch.load(io.BytesIO(content), map_location=device, weights_only=True)
        except pickle.UnpicklingError as error:
            raise _not_only_tensors(str(error), name) from error
        except Exception as error:  # the reader fails in too many ways to list
            raise ModelError(
                f"{name} is damaged or incomplete, or contains more than plain tensors: save it again."
            ) from error


def _not_only_tensors(reason: str, name: str) -> ModelError:
    found = re.search(r"GLOBAL ([\w.]+)", reason)
    if found is None:
        return ModelError(f"{name} is damaged, or contains more than tensors: save only the state dict.")
    return ModelError(
        f"{name} contains Python objects ({found[1]}), which could run code when they are opened, so it is not opened: "
        "save only the weights, torch.save(module.state_dict(), ...)."
    )


def _unwrapped(tree: Any, name: str) -> State:
    while isinstance(tree, dict) and (inner := [tree[key] for key in _WRAPPERS if isinstance(tree.get(key), dict)]):
        tree = inner[0]
    if not isinstance(tree, dict) or not tree:
        raise ModelError(f"{name} contains no state dict: save the weights, torch.save(module.state_dict(), ...).")
    for key, value in tree.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise ModelError(f"{name} is not a state dict: its entry {str(key)[:80]!r} is not a tensor.")
    return tree


def _checked(state: State, size: int, name: str) -> State:
    if len(state) > MAX_MEMBERS:
        raise _too_many(len(state), name)
    for key, tensor in state.items():
        if tensor.layout != torch.strided or tensor.is_quantized:
            raise ModelError(f"{name} contains a sparse or quantised tensor, {key[:80]}: save the plain network.")
        if max(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()) > size:
            raise ModelError(f"{name} is damaged: {key[:80]} claims more numbers than the file has.")
    return _without_prefixes(state)


def _without_prefixes(state: State) -> State:
    for prefix in _PREFIXES:
        if state and all(key.startswith(prefix) for key in state):
            return _without_prefixes({key.removeprefix(prefix): tensor for key, tensor in state.items()})
    return state


def _too_many(count: int, name: str) -> ModelError:
    return ModelError(f"{name} has {count} tensors; at most {MAX_MEMBERS} are allowed.")
