"""Fit a checkpoint to an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from torch import nn

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import architectures, state_dict
from cnnfix_core.zoo.checkpoint import Checkpoint, Stored
from cnnfix_core.zoo.fitting.finding import Found, Tensors, find, is_beside
from cnnfix_core.zoo.fitting.heads import head_of, linear_layers
from cnnfix_core.zoo.fitting.stems import Stem, fit_stem
from cnnfix_core.zoo.initialisation import shapes_alone, without_random_weights


@dataclass(frozen=True, slots=True)
class Fitted:
    """A network with the weights of a file.

    Attributes:
        module: The network, in evaluation mode.
        stem: How its first layer differs from that of the architecture; None if it does not.
        notes: What was taken, left and assumed, in sentences; empty for a plain state dict of the architecture.
    """

    module: nn.Module
    stem: Stem | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which tensors of a file go where in an architecture.

    Attributes:
        body: Those of all but the head, or of everything if the head is that of the architecture.
        classes: Of the architecture; None if its head is replaced.
        place: The name of the module that is replaced; "" if none is.
        head: The tensors of its replacement.
        notes: Where the head was found, in sentences.
    """

    body: Tensors
    classes: int | None = None
    place: str = ""
    head: Tensors = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def tensors(self) -> dict[str, Stored]:
        """All tensors, by their names in the network."""
        return {**self.body, **{f"{self.place}.{name}": one for name, one in self.head.items()}}


def fit(checkpoint: Checkpoint, architecture: str) -> Fitted:
    """The network of this architecture with the weights of the checkpoint.

    Its numbers are read only when all names and shapes are known to fit.

    Raises:
        ModelError: The weights are not in the file or do not fit; the message says why.
    """
    skeleton = architectures.skeleton(architecture)
    tensors = state_dict.with_present_names(skeleton, dict(checkpoint.tensors))
    found = find(replace(checkpoint, tensors=tensors), skeleton.state_dict().keys())
    if found is None:
        raise ModelError(_nothing(checkpoint, architecture))
    plan = _Head(found, architecture, skeleton).plan()
    if plan.classes == 0:
        raise ModelError(f"The last layer in {checkpoint.name} has no classes: choose another checkpoint.")
    with shapes_alone():
        bare = architectures.skeleton(architecture, plan.classes)
        _change(bare, plan, architecture)
    state_dict.check(plan.tensors(), bare, architecture)
    module = architectures.build(architecture, plan.classes)
    stem, notes = _change(module, plan, architecture)
    state_dict.fill(module, {name: one.read() for name, one in plan.tensors().items()}, architecture)
    notes = (*found.notes(plan.tensors().values()), *plan.notes, *notes)
    return Fitted(module.eval(), stem, notes)


def _nothing(checkpoint: Checkpoint, architecture: str) -> str:
    if checkpoint.tensors:
        held = state_dict.listed([*checkpoint.tensors])
        return f"{checkpoint.name} has none of the weights of {architecture}, but {held}: is it for another network?"
    held = ", ".join(f"{name} {title}".strip() for name, title in [*checkpoint.others.items()][:3])
    but = f" but {held}" if held else ""
    return f"{checkpoint.name} has no weights{but}: save the state dict, torch.save(module.state_dict(), ...)."


def _change(module: nn.Module, plan: _Plan, architecture: str) -> tuple[Stem | None, tuple[str, ...]]:
    """Change first and last layers of the module to those of the file, without their weights."""
    stem = fit_stem(module, plan.body)
    notes = stem.notes if stem else ()
    if not plan.place:
        return stem, notes
    old = module.get_submodule(plan.place)
    with without_random_weights():
        head, assumed = head_of(plan.head, old, plan.place)
    given, taken = (linear_layers(one) for one in (old, head))
    if given and taken and given[0].in_features != taken[0].in_features:
        notes += _pooled_further(module, given[0].in_features, taken[0].in_features, plan.place, architecture)
    module.set_submodule(plan.place, head)
    widths = [layer.in_features for layer in taken] + [layer.out_features for layer in taken[-1:]]
    return stem, (*notes, f"{plan.place} is as in the file: {' → '.join(map(str, widths))} features.", *assumed)


def _pooled_further(module: nn.Module, given: int, wanted: int, place: str, architecture: str) -> tuple[str, ...]:
    """Average each feature map to one number instead of several, as VGG networks for small pictures do."""
    pool = getattr(module, "avgpool", None)
    size = getattr(pool, "output_size", None)
    if not isinstance(size, tuple) or wanted * size[0] * size[1] != given:
        raise ModelError(
            f"The weights do not fit {architecture}: {place} takes {wanted} features and must take {given}."
        )
    module.avgpool = nn.AdaptiveAvgPool2d(1)
    return (f"Each feature map is averaged to one number, as {place} takes {wanted} features instead of {given}.",)


class _Head:
    """Decides which module of the architecture the file's last layers replace, if any."""

    def __init__(self, found: Found, architecture: str, skeleton: nn.Module) -> None:
        self._found, self._skeleton = found, skeleton
        self._shapes = {name: tuple(one.shape) for name, one in skeleton.state_dict().items()}
        self._axes = _class_axes(architecture)
        self._last = next(iter(self._axes)).rpartition(".")[0]
        self._outermost = self._last.partition(".")[0]
        self._weights = {name: one for name, one in found.inside.items() if not self._is_left(name, one)}

    def plan(self) -> _Plan:
        """What goes where; all of it in its place if the body lacks something."""
        if any(name not in self._weights for name in self._shapes if self._is_body(name)):
            return _Plan(self._weights)
        return self._unchanged() or self._replaced() or self._elsewhere() or _Plan(self._weights)

    def _is_left(self, name: str, one: Stored) -> bool:
        copies = tuple(copy.removeprefix(self._found.prefix) for copy in self._found.copies)
        return name not in self._shapes and (
            is_beside(name, one) or name.startswith((*copies, *state_dict.LEARNING_ONLY))
        )

    def _is_body(self, name: str) -> bool:
        return not _under(name, self._outermost) and not state_dict.may_be_missing(name)

    def _around(self, place: str) -> list[str]:
        """Names of the tensors beside this module, in the outermost module that holds the last layer."""
        names = [name for name in self._shapes if _under(name, self._outermost) and not _under(name, place)]
        return [name for name in names if not state_dict.may_be_missing(name)]

    def _fits(self, names: list[str]) -> bool:
        return all(name in self._weights and self._weights[name].shape == self._shapes[name] for name in names)

    def _unchanged(self) -> _Plan | None:
        for name in self._axes:
            if name not in self._weights or len(self._weights[name].shape) != len(self._shapes[name]):
                return None
        if not self._fits(self._around(self._last)):
            return None
        first = next(iter(self._axes))
        return _Plan(self._weights, self._weights[first].shape[self._axes[first]])

    def _replaced(self) -> _Plan | None:
        place = self._last
        while place:
            head = {name[len(place) + 1 :]: one for name, one in self._weights.items() if _under(name, place)}
            if head and self._fits(self._around(place)):
                return _Plan(self._without(place), None, place, head)
            place = place.rpartition(".")[0]
        return None

    def _elsewhere(self) -> _Plan | None:
        """The only part of the file besides the body that has a linear layer for the body's features."""
        place = self._last if self._fits(self._around(self._last)) else self._outermost
        given = linear_layers(self._skeleton.get_submodule(place))
        parts: dict[str, dict[str, Stored]] = {}
        extra = {name: one for name, one in self._weights.items() if name not in self._shapes}
        for name, one in {**self._found.beside(), **extra}.items():
            part, _, rest = name.partition(".")
            if not is_beside(name, one):
                parts.setdefault(part, {})[rest] = one
        heads = {
            part: head
            for part, head in parts.items()
            if given and any(len(one.shape) == 2 and one.shape[1] == given[0].in_features for one in head.values())
        }
        if len(heads) != 1:
            return None
        ((part, head),) = heads.items()
        body = {name: one for name, one in self._without(place).items() if not _under(name, part)}
        return _Plan(body, None, place, head, (f"The weights under “{part}” in the file are taken for {place}.",))

    def _without(self, place: str) -> dict[str, Stored]:
        return {name: one for name, one in self._weights.items() if not _under(name, place)}


def _under(name: str, place: str) -> bool:
    return name.startswith(f"{place}.")


def _class_axes(architecture: str) -> Mapping[str, int]:
    """The tensors whose shape depends on the number of classes, and along which axis."""
    one, other = (architectures.skeleton(architecture, classes).state_dict() for classes in (7, 8))
    axes = {
        name: next(axis for axis, size in enumerate(tensor.shape) if size != other[name].shape[axis])
        for name, tensor in one.items()
        if tensor.shape != other[name].shape and not name.startswith(state_dict.LEARNING_ONLY)
    }
    if not axes:
        raise ModelError(f"{architecture} has no layer for a number of classes: export the network instead.")
    return axes
