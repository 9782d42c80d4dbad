"""The tensors in what a module returns: tuples, lists, dictionaries, named tuples, and objects that hold tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor, nn

Path = tuple[str | int, ...]

_DEEPEST = 6  # objects may hold themselves


def named_tensors(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Tensor]]:
    """The tensors in a module's result, in order, each with the keys, indices and attributes that lead to it."""
    if isinstance(tree, Tensor):
        yield path, tree
    elif len(path) < _DEEPEST:
        for name, part in _parts(tree):
            yield from named_tensors(part, (*path, name))


def tensors_in(tree: Any) -> list[Tensor]:
    """The tensors in a module's result, in order."""
    return [tensor for _, tensor in named_tensors(tree)]


def returned(result: Any) -> list[Tensor]:
    """The tensors that an operator returned, without those at the end that hold nothing; none if it returned a number.

    Batch normalisation in evaluation mode returns two empty tensors after its result, for example.
    """
    if isinstance(result, Tensor):
        return [result]
    found = [one for one in result if isinstance(one, Tensor)] if isinstance(result, (list, tuple)) else []
    while len(found) > 1 and not found[-1].numel():
        found.pop()
    return found


def part_at(tree: Any, path: Path) -> Any:
    """What lies at a path; tuples and lists also have numbers from the end. Raises LookupError if there is nothing."""
    for name in path:
        parts = dict(_parts(tree))
        if name not in parts and isinstance(tree, tuple | list) and isinstance(name, int):
            parts = {n - len(tree) * back: part for n, part in enumerate(tree) for back in (0, 1)}
        if name not in parts:
            raise LookupError(name)
        tree = parts[name]
    return tree


def _parts(tree: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(tree, Mapping):
        yield from tree.items()
    elif isinstance(tree, tuple) and hasattr(tree, "_fields"):
        yield from zip(tree._fields, tree, strict=True)
    elif isinstance(tree, Sequence) and not isinstance(tree, str | bytes):
        yield from enumerate(tree)
    elif is_dataclass(tree) and not isinstance(tree, nn.Module | type):  # with slots it has no dictionary
        yield from ((one.name, getattr(tree, one.name)) for one in fields(tree) if hasattr(tree, one.name))
    elif not isinstance(tree, nn.Module | type) and not callable(tree):
        yield from ((name, part) for name, part in getattr(tree, "__dict__", {}).items() if not name.startswith("_"))
