"""Results as plain data for another process, and back, checked against the types that they are to have.

Dataclasses, named tuples, lists, dictionaries, texts and numbers become JSON, arrays and bytes become safetensors. Only
what a type says is made of what comes back: whoever sent it cannot have anything else made, or code run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from inspect import unwrap
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

Arrays = dict[str, NDArray[Any]]
NO_ARRAYS = save({})
_AS_THEY_ARE = (str, int, float, bool, NoneType)


class PlainDataError(ValueError):
    """What came is not of the type that was to come."""


def packed(value: object) -> tuple[bytes, bytes]:
    """The value as JSON and safetensors. Raises TypeError for what is not plain data."""
    arrays: Arrays = {}
    text = json.dumps(_plain(value, arrays)).encode()
    return text, save(arrays)


def unpacked(kind: Any, text: bytes, arrays: bytes) -> Any:
    """The value of this type, such as `tuple[int, ...]`, a dataclass or an array. Raises PlainDataError."""
    try:
        return _value(kind, json.loads(text), load(arrays))
    except PlainDataError:
        raise
    except Exception as error:  # what is broken can fail in many ways, also in the checks of the classes themselves
        raise PlainDataError(f"{type(error).__name__}: {error}") from error


def result_type(function: Callable[..., Any]) -> Any:
    """What a function says that it returns."""
    return get_type_hints(unwrap(function))["return"]


# --- to plain data ----------------------------------------------------------------------------------------------------


def _plain(value: object, arrays: Arrays) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, _AS_THEY_ARE):
        return value
    if isinstance(value, bytes | np.ndarray):
        arrays[name := str(len(arrays))] = np.ascontiguousarray(_array_of(value))
        return name
    return _tree(value, arrays)


def _array_of(value: bytes | NDArray[Any]) -> NDArray[Any]:
    return np.frombuffer(value, np.uint8) if isinstance(value, bytes) else value


def _tree(value: object, arrays: Arrays) -> Any:
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name), arrays) for one in fields(value) if one.init}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(one, arrays) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, arrays) for one in value]
    raise TypeError(f"{type(value).__name__} is no plain data")


# --- and back ---------------------------------------------------------------------------------------------------------


def _value(kind: Any, plain: Any, arrays: Arrays) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return plain
    if kind is bytes:
        return arrays[plain].tobytes()
    if kind in _AS_THEY_ARE:
        return _scalar(kind, plain)
    if origin is not None:
        return _OF_ORIGIN[origin](get_args(kind), plain, arrays)
    return kind(plain) if issubclass(kind, Enum) else _made(kind, plain, arrays)


def _expected(fits: bool, plain: Any, value: Any) -> Any:
    if not fits:
        raise PlainDataError(f"{str(plain)[:60]!r} was not expected")
    return value


def _scalar(kind: type, plain: Any) -> Any:
    if kind is float:
        return _expected(type(plain) in (int, float), plain, plain)
    return _expected(type(plain) is kind, plain, plain)


def _one_of(kinds: Sequence[Any], plain: Any, arrays: Arrays) -> Any:
    for kind in kinds:
        try:
            return _value(kind, plain, arrays)
        except (PlainDataError, LookupError, TypeError, ValueError, AttributeError):
            continue
    raise PlainDataError(f"{str(plain)[:60]!r} was not expected")


def _literal(inner: Sequence[Any], plain: Any, _: Arrays) -> Any:
    return _expected(plain in inner, plain, plain)


def _array(inner: Sequence[Any], plain: Any, arrays: Arrays) -> NDArray[Any]:
    array = arrays[plain]
    (number,) = get_args(inner[1]) or (Any,)
    found: NDArray[Any] = _expected(number is Any or np.issubdtype(array.dtype, number), array.dtype, array)
    return found


def _tuple(inner: Sequence[Any], plain: Any, arrays: Arrays) -> tuple[Any, ...]:
    _expected(isinstance(plain, list), plain, plain)
    kinds = [inner[0]] * len(plain) if inner[-1:] == (...,) else list(inner)
    return tuple(_value(kind, one, arrays) for kind, one in zip(kinds, plain, strict=True))


def _list(inner: Sequence[Any], plain: Any, arrays: Arrays) -> list[Any]:
    return list(_tuple((inner[0], ...), plain, arrays))


def _dict(inner: Sequence[Any], plain: Any, arrays: Arrays) -> dict[str, Any]:
    return {key: _value(inner[1], one, arrays) for key, one in plain.items()}


_OF_ORIGIN: dict[Any, Callable[[Sequence[Any], Any, Arrays], Any]] = {
    Union: _one_of,
    UnionType: _one_of,
    Literal: _literal,
    np.ndarray: _array,
    tuple: _tuple,
    list: _list,
    Sequence: _list,
    dict: _dict,
    Mapping: _dict,
}


def _made(kind: Any, plain: Any, arrays: Arrays) -> Any:
    if is_dataclass(kind):
        wanted = [one.name for one in fields(kind) if one.init]
        given = dict(_expected(isinstance(plain, dict) and plain.keys() == {*wanted}, plain, plain))
    else:
        wanted = list(kind._fields)  # of a named tuple
        given = dict(zip(wanted, plain, strict=True))
    return kind(**{name: _value(_hints(kind)[name], given[name], arrays) for name in wanted})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
