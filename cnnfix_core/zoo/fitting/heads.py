"""Build a network's last layers from the tensors in a file, where they are not those of the architecture."""

from __future__ import annotations

from collections import OrderedDict
from copy import deepcopy
from itertools import pairwise

from torch import nn

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo.checkpoint import Stored
from cnnfix_core.zoo.fitting.finding import Tensors

_MOST = 100  # layers of a head


def head_of(tensors: Tensors, old: nn.Module | None, place: str) -> tuple[nn.Module, tuple[str, ...]]:
    """The layers that these tensors belong to, one after the other, and what had to be assumed, in sentences.

    A state dict has no layers without weights. Those of the architecture are kept at their places; otherwise, a ReLU
    is assumed wherever something stood between two linear layers.

    Args:
        tensors: By name: "weight", or "1.weight" for the second layer of an `nn.Sequential`.
        old: The architecture's layers at this place, if it has any.
        place: The name of the head, for messages.

    Raises:
        ModelError: The tensors are not those of linear layers and normalisations.
    """
    parts: dict[str, dict[str, Stored]] = {}
    for name, one in tensors.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part if rest else "", {})[rest or name] = one
    if "" in parts:
        return _layer({name: one for part in parts.values() for name, one in part.items()}, place), ()
    numbered = all(part.isdecimal() and int(part) < _MOST for part in parts)
    layers: dict[int, nn.Module] = {}
    names: dict[int, str] = {}
    notes: list[str] = []
    for count, part in enumerate(sorted(parts, key=int) if numbered else parts):
        # Layers with names may have others between them; those with numbers have as many as are left out.
        number = int(part) if numbered else 2 * count
        names[number] = part
        layers[number], inner_notes = head_of(parts[part], getattr(old, part, None), f"{place}.{part}")
        notes.extend(inner_notes)
    between = _kept(old, layers) or {number: nn.ReLU() for number in _unknown(layers)}
    if any(isinstance(layer, nn.ReLU) for layer in between.values()) and not _kept(old, layers):
        notes.append(
            f"A ReLU is assumed between the linear layers of {place}, as the file does not say what was there."
        )
    layers |= between
    numbers = range(max(layers) + 1) if numbered else sorted(layers)
    named = OrderedDict((names.get(n, str(n)), layers.get(n, nn.Identity())) for n in numbers)
    return nn.Sequential(named), tuple(notes)


def linear_layers(head: nn.Module) -> list[nn.Linear]:
    """The linear layers in it, in order."""
    return [layer for layer in head.modules() if isinstance(layer, nn.Linear)]


def _layer(tensors: dict[str, Stored], place: str) -> nn.Module:
    shape = tensors["weight"].shape if "weight" in tensors else ()
    if tensors.keys() <= {"weight", "bias"} and len(shape) == 2:
        return nn.Linear(shape[1], shape[0], bias="bias" in tensors)
    if len(shape) == 1 and "running_mean" in tensors:
        return nn.BatchNorm1d(shape[0])
    if len(shape) == 1 and tensors.keys() == {"weight", "bias"}:
        return nn.LayerNorm(shape[0])
    raise ModelError(
        f"The last layers are not understood: {place} has {', '.join(tensors)}. Export the network, torch.export.save."
    )


def _kept(old: nn.Module | None, layers: dict[int, nn.Module]) -> dict[int, nn.Module]:
    """The architecture's layers without weights, if those with weights are at the same places as in the file."""
    if not isinstance(old, nn.Sequential) or {n for n, layer in enumerate(old) if layer.state_dict()} != layers.keys():
        return {}
    return {number: deepcopy(layer) for number, layer in enumerate(old) if number not in layers}


def _unknown(layers: dict[int, nn.Module]) -> list[int]:
    """For each pair of successive linear layers, the first place between them of which the file has nothing."""
    linear = [number for number, layer in layers.items() if linear_layers(layer)]
    missing = [[n for n in range(one, other) if n not in layers] for one, other in pairwise(linear)]
    return [places[0] for places in missing if places]
