"""Programs as plain data, for another process: names, numbers and tensors, checked again when they are read."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cnnfix_core.zoo.untrusted.allowed_ops import PYTHON
from cnnfix_core.zoo.untrusted.export_reader import allowed_call
from cnnfix_core.zoo.untrusted.program import Named, Program, ProgramNode

_PYTHON_NAMES = {call: name for name, call in PYTHON.items()}
_TORCH = (torch.dtype, torch.memory_format, torch.layout)  # their values are attributes of torch


def as_data(program: Program) -> dict[str, Any]:
    """All but the weights, for JSON."""
    steps = [
        [name, _target(step), _plain(step.args), _plain(step.options), step.outputs]
        for name, step in program.steps().items()
    ]
    return {"steps": steps, "picture": program.picture, "outputs": program.outputs, "together": program.together}


def from_data(data: dict[str, Any], weights: dict[str, Tensor]) -> Program:
    """The program. Raises ModelError for an operation that is not allowed."""
    steps = {
        name: ProgramNode(allowed_call(target), _value(args), {key: _value(one) for key, one in options.items()}, names)
        for name, target, args, options, names in data["steps"]
    }
    program = Program(steps, weights, data["picture"], tuple(data["outputs"]))
    program.together = data["together"]
    return program


def _target(step: ProgramNode) -> str:
    found = _PYTHON_NAMES.get(step.call)
    return found or f"torch.ops.{step.call}"


def _plain(tree: Any) -> Any:
    if isinstance(tree, Named):
        return {"name": tree.name}
    if isinstance(tree, _TORCH):
        return {"torch": str(tree).removeprefix("torch.")}
    if isinstance(tree, (list, tuple)):
        return [_plain(item) for item in tree]
    if isinstance(tree, dict):
        return {key: _plain(item) for key, item in tree.items()}
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return tree
    raise TypeError(f"{type(tree).__name__} as an argument")


def _value(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_value(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "name" in tree:
        return Named(tree["name"])
    found = getattr(torch, tree["torch"])
    if not isinstance(found, _TORCH):
        raise TypeError(tree["torch"])
    return found
