"""Contrastive excitation backpropagation, by a tape of the whole forward pass.

Zhang et al.: Top-Down Neural Attention by Excitation Backprop, IJCV 126, 2018 (first at ECCV 2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from cnnfix_core.engine import Operation, Tape, Value, record_whole
from cnnfix_core.errors import ModelError
from cnnfix_core.methods.excitation_rules import Probabilities, by_weight, rule_for, weighted
from cnnfix_core.methods.feature_maps import anatomy, anatomy_of, ends_of_modules, read_off
from cnnfix_core.methods.per_view import ViewRequest


def contrastive_excitation(asked: ViewRequest) -> tuple[Tensor, str]:
    """c-MWP: the winning probability of each place under the class, less that under its dual (section 3.3).

    The dual has the negative weights of the classifier. "a rather than b" takes b in its place. Both go on from the
    classifier as one difference, since all below is linear in it; as in the authors' code the channels are summed
    before what is negative is cut off. Drawn on the last map whose side is at least a 16th of the input's.
    """
    asked.watch(asked.module, (asked.inputs,))
    known = anatomy(asked.model)
    layer = known.layer(asked.layer, known.fine)
    tape = record_whole(asked.model.module, asked.inputs)
    end = ends_of_modules(tape)[layer]
    found = winning(tape, contrast(tape, asked.classes), end)
    return found[0].sum(dim=0), layer


class Arrived(NamedTuple):
    """Probability on its way: by value, and above which operation of the tape the walk has come to."""

    waiting: dict[Value, Tensor]
    above: int


def of_class(tape: Tape, number: int) -> Arrived:
    """All probability at the score of one class."""
    start = torch.zeros(tape.output.shape)
    start[:, number] = 1
    return Arrived({tape.output: start}, tape.operations[-1].index + 1)


def contrast(tape: Tape, classes: tuple[int, ...]) -> Arrived:
    """What comes out below the classifier: of the class, less of its dual or of the second class."""
    classifier = _classifier(tape)
    first, *other = (down(tape, of_class(tape, number), classifier.index + 1) for number in classes)
    plus = _one(classifier, first, 1)
    minus = _one(classifier, other[0], 1) if other else _one(classifier, first, -1)
    return Arrived({value: plus[value] - minus[value] for value in plus}, classifier.index)


def _one(classifier: Operation, arrived: Arrived, sign: int) -> dict[Value, Tensor]:
    return dict(by_weight(classifier, [arrived.waiting.get(value) for value in classifier.outputs], sign))


def winning(tape: Tape, arrived: Arrived, end: Operation) -> Tensor:
    """The winning probabilities of the elements that an operation gave, in the shape of its output."""
    found = down(tape, arrived, end.index + 1).waiting.get(end.outputs[0])
    return torch.zeros(end.outputs[0].shape) if found is None else found


def down(tape: Tape, arrived: Arrived, until: int) -> Arrived:
    """Go on to the operation of that index, which is not passed any more."""
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
    return Arrived(waiting, until)


def _below(tape: Tape, above: int, until: int) -> Iterator[Operation]:
    return (operation for operation in reversed(tape.operations) if until <= operation.index < above)


def _classifier(tape: Tape) -> Operation:
    """The last operation with weights."""
    for operation in reversed(tape.operations):
        if rule_for(operation) is weighted:
            return operation
    raise ModelError("The network has no layer with weights, so excitation backpropagation does not fit it.")


def _no_rule(operation: Operation) -> str:
    return f"Excitation backpropagation has no rule for {operation.place()}, which a network of ReLUs has not."


@read_off
def needs_excitation(tape: Tape) -> str:
    """Why excitation backpropagation does not fit the network, or ""."""
    known = anatomy_of(tape)
    if not known.fine:
        return "The network has no feature map fine enough for excitation backpropagation to be drawn on."
    end = ends_of_modules(tape)[known.fine].index
    reached = {tape.output}
    for operation in _below(tape, tape.operations[-1].index + 1, end + 1):
        if reached.isdisjoint(operation.outputs):
            continue
        if rule_for(operation) is None:
            return _no_rule(operation)
        reached.update(operation.activations())
    return ""
