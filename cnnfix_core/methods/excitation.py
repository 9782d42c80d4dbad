"""Contrastive excitation backpropagation, computed on a tape of the whole forward pass.

Zhang et al.: Top-Down Neural Attention by Excitation Backprop, IJCV 126, 2018 (first at ECCV 2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from cnnfix_core.engine import Operation, Tape, Value
from cnnfix_core.errors import ModelError
from cnnfix_core.methods.excitation_rules import Probabilities, by_weight, rule_for, weighted
from cnnfix_core.methods.feature_maps import (
    anatomy,
    anatomy_of,
    computed_from_tape,
    ends_of_modules,
)
from cnnfix_core.methods.per_view import ViewRequest


def contrastive_excitation(request: ViewRequest) -> tuple[Tensor, str]:
    """c-MWP: the winning probability of each position for the class, minus that for its dual (section 3.3).

    The dual is the class with the classifier's weights negated; for "a rather than b" it is b. Below the classifier
    only the difference is propagated, because the rules are linear. As in the authors' code, the channels are summed
    before negative values are set to 0. The default layer is the last map with a side of at least 1/16 of the input's.
    """
    request.watch(1)
    known = anatomy(request.model)
    layer = known.layer(request.layer, known.fine)
    tape = request.model.record(request.inputs, whole=True)
    end = ends_of_modules(tape)[layer]
    found = winning(tape, contrast(tape, request.classes), end)
    return found[0].sum(dim=0), layer


class Propagated(NamedTuple):
    """Probabilities propagated so far, by value, and the index of the operation below which they have not gone yet."""

    waiting: dict[Value, Tensor]
    above: int


def of_class(tape: Tape, number: int) -> Propagated:
    """Start with all probability at the score of one class."""
    start = torch.zeros_like(tape.output_tensor)
    start[:, number] = 1
    return Propagated({tape.output: start}, tape.operations[-1].index + 1)


def contrast(tape: Tape, classes: tuple[int, ...]) -> Propagated:
    """The probabilities just below the classifier, for the class minus its dual or the second class."""
    classifier = _classifier(tape)
    first, *other = (propagate_down(tape, of_class(tape, number), classifier.index + 1) for number in classes)
    sign, *other_sign = (_sign(tape, classifier, number) for number in classes)
    plus = _through_classifier(classifier, first, sign)
    minus = _through_classifier(classifier, *((other[0], other_sign[0]) if other else (first, -sign)))
    return Propagated({value: plus[value] - minus[value] for value in plus}, classifier.index)


def _sign(tape: Tape, classifier: Operation, number: int) -> int:
    """-1 for "no", the first of two labels of a network with one score; its weights are those of "yes", negated."""
    one_score = tape.output.shape[1] == 2 and classifier.outputs[0].shape[-1] == 1
    return -1 if one_score and number == 0 else 1


def _through_classifier(classifier: Operation, arrived: Propagated, sign: int) -> dict[Value, Tensor]:
    return dict(by_weight(classifier, [arrived.waiting.get(value) for value in classifier.outputs], sign))


def winning(tape: Tape, arrived: Propagated, end: Operation) -> Tensor:
    """The winning probabilities of an operation's output elements, in the shape of the output."""
    found = propagate_down(tape, arrived, end.index + 1).waiting.get(end.outputs[0])
    return tape.output_tensor.new_zeros(end.outputs[0].shape) if found is None else found


def propagate_down(tape: Tape, arrived: Propagated, until: int) -> Propagated:
    """Propagate down to the operation with index `until`, which is the last one passed."""
    waiting = dict(arrived.waiting)
    for operation in _below(tape, arrived.above, until):
        came: Probabilities = [waiting.pop(value, None) for value in operation.outputs]
        if all(one is None for one in came):
            continue
        rule = rule_for(operation)
        if rule is None:
            raise ModelError(_no_rule(operation))
        for value, probability in rule(operation, came):
            if value.depends:
                waiting[value] = waiting[value] + probability if value in waiting else probability
    return Propagated(waiting, until)


def _below(tape: Tape, above: int, until: int) -> Iterator[Operation]:
    return (operation for operation in reversed(tape.operations) if until <= operation.index < above)


def _classifier(tape: Tape) -> Operation:
    """The last operation with weights."""
    for operation in reversed(tape.operations):
        if rule_for(operation) is weighted:
            return operation
    raise ModelError("The network has no layer with weights, so excitation backpropagation cannot be used.")


def _no_rule(operation: Operation) -> str:
    return f"Excitation backpropagation is for networks of ReLUs: it has no rule for {operation.place()}."


@computed_from_tape
def needs_excitation(tape: Tape) -> str:
    """Why excitation backpropagation cannot be used with the network, or ""."""
    known = anatomy_of(tape)
    if not known.fine:
        return "The network has no feature map that is fine enough for excitation backpropagation."
    end = ends_of_modules(tape)[known.fine].index
    reached = {tape.output}
    for operation in _below(tape, tape.operations[-1].index + 1, end + 1):
        if reached.isdisjoint(operation.outputs):
            continue
        if rule_for(operation) is None:
            return _no_rule(operation)
        reached.update(operation.activations())
    return ""
