"""Read untrusted files of weights: only tensors are read, and no code in the file is run."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from cnnfix_core.errors import ModelError
from cnnfix_core.utils.files import printable
from cnnfix_core.zoo.checkpoint import Checkpoint, Stored
from cnnfix_core.zoo.untrusted.archive import MAX_MEMBERS, Archive
from cnnfix_core.zoo.untrusted.pickles import Inert, StoredTensor, read_legacy, read_pickle

_MAX_HEADER = 10_000_000
_OF_MODULE = ("_parameters", "_buffers", "_modules")
_MAX_ENTRIES, _MAX_DEPTH = 200_000, 40  # of nested objects


def looks_like_safetensors(content: bytes) -> bool:
    """Whether the file starts with the length of a JSON header, then the header."""
    return len(content) > 8 and content[8:9] == b"{" and int.from_bytes(content[:8], "little") < 1 << 40


def from_safetensors(content: bytes, name: str) -> Checkpoint:
    """Read the tensors of a .safetensors file. Raises ModelError if the header does not match the file."""
    length = int.from_bytes(content[:8], "little")
    if length > min(_MAX_HEADER, len(content) - 8):
        raise ModelError(f"{name} is damaged or incomplete: its header is too long.")
    try:
        count = len(json.loads(content[8 : 8 + length]))
        if count > MAX_MEMBERS:
            raise _too_many(count, name)
        tensors = load_safetensors(content)
    except (SafetensorError, ValueError, TypeError, KeyError, RecursionError, RuntimeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{name} is damaged: its header does not describe what is in it.") from error
    return Checkpoint(name, {key: Stored(tuple(one.shape), partial(_itself, one)) for key, one in tensors.items()})


def _itself(tensor: Tensor) -> Tensor:
    return tensor


def from_torch(content: bytes, name: str) -> Checkpoint:
    """Read the tensors of a file by `torch.save`: a state dict, alone or nested in anything else, or a whole module.

    Whatever else is in the file is only named. Raises ModelError if the file is damaged.
    """
    try:
        if content.startswith(b"PK"):
            archive = Archive(content, name)
            if "byteorder" in archive.names() and archive.read("byteorder") != b"little":
                raise ModelError(f"{name} was saved on a big-endian computer: save it on a little-endian one.")
            tree, storage = read_pickle(archive.read("data.pkl")), partial(_member, archive)
            return _checkpoint(tree, storage, len(content), name)
        tree, places = read_legacy(content)
        return _checkpoint(tree, lambda key: content[places[key]], len(content), name)
    except ModelError:
        raise
    except Exception as error:  # damaged pickles fail in too many ways to list
        raise ModelError(f"{name} is damaged or incomplete: save it again or upload it again.") from error


def _member(archive: Archive, key: str) -> bytes:
    return archive.read(f"data/{key}")


def _checkpoint(tree: Any, storage: Callable[[str], bytes], size: int, name: str) -> Checkpoint:
    tensors: dict[str, Stored] = {}
    others: dict[str, str] = {}
    for count, (key, value) in enumerate(_leaves(tree)):
        if count == _MAX_ENTRIES:
            raise ModelError(f"{name} has more than {_MAX_ENTRIES:,} entries: save only the state dict.")
        if not isinstance(value, StoredTensor):
            if value is not None and not key.endswith(_OF_MODULE):  # what a module lacks
                others[key] = printable(value.title[:200]) if isinstance(value, Inert) else ""
            continue
        if len(tensors) == MAX_MEMBERS:
            raise _too_many(MAX_MEMBERS + 1, name)
        if min(value.shape, default=0) < 0 or math.prod(value.shape) * _item_size(value) > size:
            raise ModelError(f"{name} is damaged: {key[:80]} claims more numbers than the file has.")
        tensors[key] = Stored(tuple(value.shape), partial(_read, value, storage, key, name))
    return Checkpoint(name, tensors, others)


def _leaves(tree: Any) -> Iterator[tuple[str, Any]]:
    """The tensors and other values in nested containers and objects, in order, with their names."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), tree)]
    while waiting:
        path, item = waiting.pop()
        inside: list[tuple[Any, Any]] = []
        if isinstance(item, dict):
            # Of a module only its tensors, and those of its parts.
            inside = [(key, item[key]) for key in _OF_MODULE if key in item] if _is_module(item) else [*item.items()]
        elif isinstance(item, list) or type(item) is tuple:
            inside = list(enumerate(item))
        if inside and len(path) < _MAX_DEPTH:
            waiting.extend(((*path, printable(str(key)[:200])), value) for key, value in reversed(inside))
        else:
            yield ".".join(path), item


def _is_module(item: dict[Any, Any]) -> bool:
    return isinstance(item, Inert) and _OF_MODULE[-1] in item


def _item_size(tensor: StoredTensor) -> int:
    return tensor.dtype.itemsize if tensor.dtype else 1


def _read(tensor: StoredTensor, storage: Callable[[str], bytes], key: str, name: str) -> Tensor:
    try:
        dtype = tensor.dtype or torch.uint8
        content = bytearray(storage(tensor.storage.key))
        if 0 in tensor.shape:
            return torch.empty(tensor.shape, dtype=dtype)
        numbers = torch.frombuffer(content, dtype=dtype)
        return numbers.as_strided(tensor.shape, tensor.stride, tensor.storage.first + tensor.offset).clone()
    except ModelError:
        raise
    except Exception as error:  # numbers that do not fit fail in too many ways to list
        raise ModelError(f"{name} is damaged: {key[:80]} is not in it as described.") from error


def _too_many(count: int, name: str) -> ModelError:
    return ModelError(f"{name} has {count} tensors; at most {MAX_MEMBERS} are allowed.")
