"""What methods need to know of a network: its feature maps, and what it has not. Found once for each network."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from cnnfix_core.engine import Operation, Tape, bottlenecks, changes
from cnnfix_core.errors import CnnfixError, ModelError, did_you_mean
from cnnfix_core.zoo import Classifier, Model, with_own_hooks

C = TypeVar("C", bound=Classifier)
T = TypeVar("T")
# What a network of somebody's own may raise, besides what this package says in a sentence.
FAILURES = (RuntimeError, TypeError, AttributeError, ValueError, AssertionError, LookupError)
_COARSEST = 16  # excitation backprop uses a map whose side is at least 1/16 of the input's
_PRODUCTS = ("aten.mm", "aten.addmm", "aten.bmm", "aten._scaled_dot_product")


def cached_per_network(find: Callable[[C], T]) -> Callable[[C], T]:
    """Remember what was found for as long as the network lives, or until a rule is registered: it may change this."""
    known: WeakKeyDictionary[nn.Module, tuple[int, T]] = WeakKeyDictionary()

    def remembered(model: C) -> T:
        entry = known.get(model.module)
        if entry is None or entry[0] != changes():
            known[model.module] = entry = changes(), find(model)
        return entry[1]

    return remembered


def observed(model: Classifier, inputs: Tensor) -> Tape:
    """Record a network on an input, and note on the tape what its modules returned. Raises what `record` raises."""
    module = with_own_hooks(model.module)
    returned: dict[str, list[Any]] = defaultdict(list)
    for name, child in module.named_modules():
        if not isinstance(child, torch.jit.ScriptModule):
            child.register_forward_hook(partial(_note, returned[name]))
    tape = model.record(inputs, module=module)
    once = {name: found[0] for name, found in returned.items() if len(found) == 1}
    return replace(tape, returned={name: shape for name, shape in once.items() if shape is not None})


def _note(returned: list[Any], _module: nn.Module, _inputs: Any, output: Any) -> None:
    returned.append(tuple(output.shape) if isinstance(output, Tensor) else None)


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A network's feature maps.

    Attributes:
        maps: Modules that run once and give one feature map, in the order of their end, with its height and width.
        last: The module whose output is the last map before pooling, the default for class activation maps; "" if
            there is none.
        fine: The last module whose map has a side of at least 1/16 of the input's; "" if there is none.
        tokens: Whether the network works on a sequence of tokens after the last map.
        numbers: How many numbers a forward pass of one picture computes.
    """

    maps: dict[str, tuple[int, int]]
    last: str
    fine: str
    tokens: bool
    numbers: int

    def layer(self, wanted: str | None, otherwise: str) -> str:
        """The layer with that name; `otherwise` for None. Raises ModelError if its output is not a feature map."""
        if wanted is None:
            return otherwise
        if wanted not in self.maps:
            hint = did_you_mean(wanted, self.maps, f"The last one is {self.last!r}.")
            raise ModelError(f"The network has no layer {wanted!r} that runs once and gives one feature map. {hint}")
        return wanted


def computed_from_tape(find: Callable[[Tape], T]) -> Callable[[Model], T]:
    """Turn what is found on a tape into what is known of a network: from a run on noise, one for all finders.

    A finder that comes later than a network's first use has a run of its own.
    """
    _FINDERS.append(find)

    def known(model: Model) -> T:
        findings = _findings(model)
        if find not in findings:
            tape = observed(model, model.noise())
            findings.update({missing: missing(tape) for missing in _FINDERS if missing not in findings})
        found: T = findings[find]
        return found

    return known


_FINDERS: list[Callable[[Tape], Any]] = []


@cached_per_network
def _findings(model: Model) -> dict[Callable[[Tape], Any], Any]:
    """What each finder has found in the network so far."""
    return {}


def anatomy_of(tape: Tape) -> Anatomy:
    """The feature maps of the recorded network."""
    maps = _maps(tape, 2)
    drawn = _drawn(maps)
    least = min(tape.inputs[0].shape[2:]) / _COARSEST
    fine = {name: operation for name, operation in drawn.items() if min(operation.outputs[0].shape[2:]) >= least}
    last = _outermost_last(drawn)
    return Anatomy(
        {name: _size(maps[name]) for name in sorted(maps, key=lambda name: (maps[name].index, -len(name)))},
        last,
        _outermost_last(fine),
        not _trunk(drawn)
        and any(
            _mixes_tokens(operation) for operation in tape.operations if last and operation.index > drawn[last].index
        ),
        sum(int(np.prod(value.shape)) for operation in tape.operations for value in operation.outputs),
    )


anatomy = computed_from_tape(anatomy_of)


@computed_from_tape
def deep_layers(tape: Tape) -> tuple[str, ...]:
    """The modules that give the last map of each size through which everything passes, the coarsest first."""
    whole = set(bottlenecks(tape))
    found: dict[tuple[int, int], dict[str, Operation]] = defaultdict(dict)
    for name, operation in _drawn(_maps(tape, 2)).items():
        if operation.outputs[0] in whole:
            found[_size(operation)][name] = operation
    return tuple(_outermost_last(found[size]) for size in sorted(found))


def last_mapping_module(tape: Tape, sides: int) -> str:
    """The module whose output is the last map before pooling; "" if there is none.

    Args:
        tape: A forward pass, `observed`.
        sides: Number of dimensions of a map: 2 for height and width, 3 for time, height and width.
    """
    return _outermost_last(_drawn(_maps(tape, sides)))


def _maps(tape: Tape, sides: int) -> dict[str, Operation]:
    """The last operations of the modules that gave one map, which the operation computed."""
    ends = ends_of_modules(tape)
    return {
        name: end
        for name, end in ends.items()
        if name and tape.returned.get(name) == end.outputs[0].shape and _is_map(end, sides, tape.inputs[0].shape[0])
    }


def ends_of_modules(tape: Tape) -> dict[str, Operation]:
    """The last operation of each module, submodules included; without modules that only hold others."""
    ends: dict[str, Operation] = {}
    for operation in tape.operations:
        parts = operation.module.split(".")
        ends.update({".".join(parts[: n + 1]): operation for n in range(len(parts))})
    return {name: end for name, end in ends.items() if name not in tape.holders}


def _outermost_last(maps: dict[str, Operation]) -> str:
    """The outermost module that ends with the last map."""
    return max(_trunk(maps) or maps, key=lambda name: (maps[name].index, -len(name)), default="")


def _trunk(maps: dict[str, Operation]) -> list[str]:
    """The maps of the backbone of a detection or segmentation network, whose head computes scores; else none."""
    for part in ("body", "backbone"):
        if inside := [name for name in maps if part in name.split(".")[:-1]]:
            return inside
    return []


def _is_map(operation: Operation, sides: int, pictures: int) -> bool:
    """Whether it gave one map of each picture; of several crops of a picture there is not one."""
    shape = operation.outputs[0].shape
    return len(shape) == 2 + sides and shape[0] == pictures and math.prod(shape[2:]) > 1


def _drawn(maps: dict[str, Operation]) -> dict[str, Operation]:
    return {
        name: operation for name, operation in maps.items() if "pool" not in operation.name
    }  # the map before pooling is the same


def _size(operation: Operation) -> tuple[int, int]:
    height, width = operation.outputs[0].shape[2:]
    return height, width


def _mixes_tokens(operation: Operation) -> bool:
    """Whether it is a matrix product with more than one row per picture."""
    return operation.name.startswith(_PRODUCTS) and any(value.shape[0] > 1 for value in operation.activations())


def needs_map(model: Model) -> str:
    """Why class activation maps cannot be used with the network, or ""."""
    found = anatomy(model)
    if not found.last:
        hidden = " TorchScript hides what its layers give." if isinstance(model.module, torch.jit.ScriptModule) else ""
        return (
            "The network has no feature map with height and width in a layer that runs once and gives only that, so "
            f"class activation maps cannot be used.{hidden}"
        )
    if found.tokens:
        return (
            "After its last feature map the network works on a sequence of tokens, like a transformer, so class "
            "activation maps cannot be used."
        )
    return ""


def first_line(error: Exception) -> str:
    """What another library says of an error, in one line."""
    return next(iter(str(error).splitlines()), type(error).__name__)


@cached_per_network
def needs_gradient(model: Model) -> str:
    """Why no gradient can be computed through the network, or ""."""
    try:
        with torch.enable_grad():
            inputs = model.noise().requires_grad_()
            scores = model.scores(inputs, with_own_hooks(model.module))
            found = torch.autograd.grad(scores.sum(), inputs, allow_unused=True) if scores.requires_grad else (None,)
    except CnnfixError:
        raise
    except FAILURES as error:
        return f"The network does not run with gradients: {first_line(error)}"
    return "The network's scores have no gradient with respect to the picture." if found[0] is None else ""
