"""Read the pickles of `torch.save` as data: no class, function or method that a pickle names is looked up or called.

`torch.load(weights_only=True)` refuses whole files for one harmless object, such as the options of a training script,
and for pickles of protocol 3 and later. Here every name stands for an inert object, except those that describe tensors.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

MAX_PICKLE = 20_000_000  # bytes; the numbers of tensors are stored elsewhere
# What torch.save writes before the pickle in files older than its zip archives.
_LEGACY = 0x1950A86A20F9469CFC6C

_STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
    "QInt8Storage": torch.int8,
    "QUInt8Storage": torch.uint8,
    "QInt32Storage": torch.int32,
    "UntypedStorage": None,
}
_DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in vars(torch).values() if isinstance(dtype, torch.dtype)}


class Storage(NamedTuple):
    """Numbers in the file. dtype: None if only the tensors know. first: the element of the storage it starts at."""

    key: str
    dtype: torch.dtype | None
    first: int


class StoredTensor(NamedTuple):
    """A tensor in the file. Nothing is checked yet."""

    storage: Storage
    dtype: torch.dtype | None
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class Inert(dict[Any, Any]):
    """Stands for an object: keeps its entries and its attributes, and does nothing, whatever a pickle asks of it."""

    title = ""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def __call__(self, *_: Any) -> Inert:
        """Called as a function or a method: the same inert object."""
        return self

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.update(state)

    def append(self, _: Any) -> None:
        """Of a list or a set: not kept."""

    add = extend = append

    def __hash__(self) -> int:  # type: ignore[override]  # it may be the key of a dictionary
        return id(self)


class _Entries(Inert):
    """Stands for an ordered dictionary, whose attributes say nothing about weights."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Rebuild(NamedTuple):
    """Stands for a function that makes a tensor. Unlike a function, it has nothing that a pickle could set."""

    make: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        return self.make(*arguments)


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *rest: Any) -> Any:
    if not isinstance(storage, Storage):
        return Inert()
    dtype = next((one for one in rest if isinstance(one, torch.dtype)), storage.dtype)
    return StoredTensor(storage, dtype, offset, shape, stride)


def _first(first: Any, *_: Any) -> Any:
    return first


def _of_subclass(rebuild: Any, _: Any, arguments: Any, *__: Any) -> Any:
    return rebuild(*arguments) if isinstance(rebuild, _Rebuild) else Inert()


_REBUILD = {
    "_rebuild_tensor": _Rebuild(_tensor),
    "_rebuild_tensor_v2": _Rebuild(_tensor),
    "_rebuild_tensor_v3": _Rebuild(_tensor),
    "_rebuild_parameter": _Rebuild(_first),
    "_rebuild_parameter_with_state": _Rebuild(_first),
    "_rebuild_from_type_v2": _Rebuild(_of_subclass),
}


class _Kind(NamedTuple):
    dtype: torch.dtype | None


class _Reader(pickle._Unpickler):
    """Python's own unpickler, because the faster one takes memory for whatever numbers a pickle claims to remember."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.item_sizes: dict[str, int] = {}  # of the storages, in bytes

    def find_class(self, module: str, name: str) -> Any:
        if module in {"torch", "torch.storage", "torch.cuda"} and name in _STORAGES:
            return _Kind(_STORAGES[name])
        if module in {"torch._utils", "torch._tensor"} and name in _REBUILD:
            return _REBUILD[name]
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        base = _Entries if (module, name) == ("collections", "OrderedDict") else Inert
        return type("Inert", (base,), {"title": f"{module}.{name}"})

    def persistent_load(self, pid: Any) -> Any:
        """A storage: ("storage", kind, key, device, count), and in old files where it lies in another one.

        Old files of whole modules also have ("module", class, file, source), which stands for the class.
        """
        if pid[0] == "module":
            return pid[1]
        _, kind, key, _, _, *view = pid
        first = view[0][1] if view and view[0] else 0
        self.item_sizes[key] = kind.dtype.itemsize if kind.dtype else 1
        return Storage(key, kind.dtype, first)


def read_pickle(content: bytes) -> Any:
    """The tree of dictionaries, lists, numbers, StoredTensors and Inerts that a pickle describes.

    Raises:
        Exception: Any at all, if it is damaged or too large.
    """
    if len(content) > MAX_PICKLE:
        raise ValueError("the pickle is too large")
    return _Reader(io.BytesIO(content)).load()


def read_legacy(content: bytes) -> tuple[Any, dict[str, slice]]:
    """The tree of a file by `torch.save` that is no archive, and where the bytes of each storage are in it.

    Raises:
        Exception: Any at all, if it is damaged or too large.
    """
    stream = io.BytesIO(content[:MAX_PICKLE])
    if _Reader(stream).load() != _LEGACY:
        raise ValueError("not by torch.save")
    _version, _machine = _Reader(stream).load(), _Reader(stream).load()
    reader = _Reader(stream)
    tree, keys, at = reader.load(), _Reader(stream).load(), stream.tell()
    places: dict[str, slice] = {}
    for key in keys:
        count = int.from_bytes(content[at : at + 8], "little")
        places[key] = slice(at + 8, at + 8 + count * reader.item_sizes[key])
        at = places[key].stop
    return tree, places
