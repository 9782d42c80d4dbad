"""The rules of excitation backpropagation, one for each family of operations that walks have rules for.

Zhang et al.: Top-Down Neural Attention by Excitation Backprop, IJCV 126, 2018. All rules are linear in the
probabilities, so a difference of two, which may be negative, can be propagated at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from cnnfix_core.engine import (
    FamilyTable,
    HopFunction,
    Operation,
    Value,
    family_of,
    followed_factors,
    known_as,
    tensors_in,
)
from cnnfix_core.engine.rules import (
    arithmetic,
    convolution,
    deformation,
    elementwise,
    extrema,
    indexing,
    landing,
    linear,
    normalisation,
    pooling,
    reductions,
    resampling,
    views,
)

# One for each output of the operation; None if no probability has reached it.
Probabilities = Sequence[Tensor | None]
Passed = Iterable[tuple[Value, Tensor]]
ExcitationRule = Callable[[Operation, Probabilities], Passed]
_RULES: FamilyTable[ExcitationRule] = FamilyTable("excitation rule")


def excites(*members: HopFunction | str, replace: bool = False) -> Callable[[ExcitationRule], ExcitationRule]:
    """Register how excitation backpropagation passes operations: those of these rule functions, or of these names.

    The decorated function takes an operation, and the probability that arrived at each of its outputs (None where
    none has); it gives inputs with the probability that arrives there, in their shape.
    """
    return _RULES.register(*members, replace=replace)


@excites(convolution.convolution, linear.addmm, linear.mm)
def weighted(operation: Operation, probabilities: Probabilities) -> Passed:
    """A layer with weights: its inputs share each output's probability in proportion to x+ w+ (eq. 2)."""
    yield from by_weight(operation, probabilities, 1)


def by_weight(operation: Operation, probabilities: Probabilities, sign: int) -> Passed:
    """In proportion to x+ w+; sign: -1 for the dual, whose weights are the negative ones."""
    family = family_of(operation)
    at = 1 if family is linear.addmm else 0
    args = list(operation.args)
    args[at + 1] = (_data(args[at + 1]) * sign).clamp_min(0)
    if family is linear.addmm:
        args[0] = args[at + 1].new_zeros(())
    elif family is not linear.mm:
        args[2] = None
    yield from _in_proportion(operation, args, probabilities)


@excites(deformation.deformable_convolution)
def weighted_deformed(operation: Operation, probabilities: Probabilities) -> Passed:
    """The same for a deformable convolution; its offsets and mask are constants."""
    x, weight, offset, mask, bias, *rest = operation.args
    fixed = [_data(weight).clamp_min(0), _data(offset), _data(mask), torch.zeros_like(_data(bias))]
    yield from _in_proportion(operation, [x, *fixed, *rest], probabilities)


@excites(pooling.avg_pool, pooling.mean, resampling.adaptive_avg_pool, resampling.resized)
@excites(reductions.running_sum, landing.folded, landing.added_along, landing.scattered)
def averaged(operation: Operation, probabilities: Probabilities) -> Passed:
    """A sum with fixed non-negative coefficients, such as average pooling: in proportion to x+."""
    yield from _in_proportion(operation, list(operation.args), probabilities)


def _in_proportion(operation: Operation, args: list[Any], probabilities: Probabilities) -> Passed:
    yield from _pulled_back(operation, args, probabilities, _positive)


@excites(
    pooling.max_pool,
    extrema.taken_along,
    extrema.over_dimensions,
    extrema.either,
    extrema.both_extremes,
    pooling.roi_max_pool,
    reductions.smooth_maximum,
    views.viewed,
    views.joined,
    views.padded,
    indexing.same_order,
    indexing.moved,
    indexing.put,
    indexing.filled,
    "aten.as_strided",
)
def moved(operation: Operation, probabilities: Probabilities) -> Passed:
    """Operations that move or select elements: the probability goes to where the element came from, like a gradient.

    The gradient of a smooth maximum is the share of each element.
    """
    yield from _pulled_back(operation, list(operation.args), probabilities, None)


@excites(
    elementwise.same_element,
    elementwise.turned_element,
    elementwise.bent_element,
    normalisation.batch_norm,
    normalisation.group_norm,
    normalisation.layer_norm,
)
def passed(operation: Operation, probabilities: Probabilities) -> Passed:
    """Elementwise functions and normalisation: the probability stays with the element."""
    (probability, *_), (value, *_) = probabilities, operation.activations()
    if probability is not None:
        yield value, probability.reshape(value.shape)


@excites(arithmetic.add, arithmetic.sub, arithmetic.reversed_sub)
def added(operation: Operation, probabilities: Probabilities) -> Passed:
    """A sum or difference of two: in proportion to the positive part of each term; constants get nothing."""
    terms = [term for term in operation.args[:2] if arithmetic.depends(term)]
    if len(terms) == 1:
        yield from _reduced(terms[0], probabilities)
        return
    alpha = arithmetic.alpha_of(operation)
    first, second = {"aten.add": (1, alpha), "aten.sub": (1, -alpha), "aten.rsub": (-alpha, 1)}[known_as(operation)]
    parts = [(_data(term) * factor).clamp_min(0) for term, factor in zip(terms, (first, second), strict=True)]
    share = _over(probabilities[0], parts[0] + parts[1])
    for term, part in zip(terms, parts, strict=True):
        yield term, (share * part).sum_to_size(term.shape)


@excites(arithmetic.mul, arithmetic.div)
def scaled(operation: Operation, probabilities: Probabilities) -> Passed:
    """A product or quotient: to the feature, not to the gate; two features get half each."""
    factors = operation.args[:2]
    both = family_of(operation) is arithmetic.mul
    followed = followed_factors(factors, elementwise=True) if both else (0 if arithmetic.depends(factors[0]) else 1,)
    for at in followed:
        for value, probability in _reduced(factors[at], probabilities):
            yield value, probability / len(followed)


def _reduced(value: Value, probabilities: Probabilities) -> Passed:
    """The probability of an input that was broadcast."""
    if probabilities[0] is not None:
        yield value, probabilities[0].sum_to_size(value.shape)


def _positive(tensor: Tensor) -> Tensor:
    return tensor.clamp_min(0)


def _over(probability: Tensor | None, total: Tensor) -> Tensor:
    """Probability divided by total; 0 where the total is 0."""
    return torch.zeros_like(total) if probability is None else torch.where(total > 0, probability / total, 0)


def _pulled_back(
    operation: Operation, args: list[Any], probabilities: Probabilities, enter: Callable[[Tensor], Tensor] | None
) -> Passed:
    """Propagate the probabilities with the operation's derivative.

    Args:
        operation: The operation.
        args: Its arguments, which may differ from those recorded.
        probabilities: Of its outputs.
        enter: Applied to the inputs, in proportion to which the probability is shared; None to pass it like a gradient.
    """
    leaves: dict[int, tuple[Value, Tensor]] = {}

    def given(value: Value) -> Tensor:
        if not value.depends:
            return _data(value)
        _, leaf = leaves.setdefault(id(value), (value, _leaf(value, enter)))
        return leaf * 1  # a copy, because in-place operations must not write into a leaf

    with torch.enable_grad():
        taken, options = tree_map_only(Value, given, (args, operation.kwargs))
        made = tensors_in(operation.call(*taken, **options))
        pairs = [(tensor, p) for tensor, p in zip(made, probabilities, strict=False) if p is not None]
        incoming = [p if enter is None else _over(p, tensor.detach()) for tensor, p in pairs]
        values, starts = zip(*leaves.values(), strict=True)
        arrived = torch.autograd.grad([tensor for tensor, _ in pairs], starts, incoming, allow_unused=True)
    for value, start, gradient in zip(values, starts, arrived, strict=True):
        if gradient is not None:
            yield value, gradient if enter is None else gradient * start.detach()


def _leaf(value: Value, enter: Callable[[Tensor], Tensor] | None) -> Tensor:
    data = _data(value)
    return (data.clone() if enter is None else enter(data)).requires_grad_()


def _data(value: Value) -> Tensor:
    if value.data is None:
        raise RuntimeError(f"The values {value.origin()} were not kept: record the whole forward pass.")
    return value.data.detach()


def rule_for(operation: Operation) -> ExcitationRule | None:
    """The rule of the operation's family; None if there is none, or for a matrix product of two activations."""
    rule = _RULES.find(operation)
    return None if rule is weighted and len(operation.activations()) > 1 else rule
