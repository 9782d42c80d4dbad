"""Families of operations: an operation of one's own joins every table, by what it is like or by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.backtrack import (
    Account,
    ElementQuery,
    Field,
    called,
    explains,
    inspect,
    receptive_field_of,
    step_texts,
    walked,
)
from cnnfix_core.backtrack.decisions.explainers import EXPLAINERS
from cnnfix_core.backtrack.decisions.explainers.parts import candidates
from cnnfix_core.backtrack.decisions.sentences import moved
from cnnfix_core.engine import FamilyTable, Operation, Value, family_of, known_as, record
from cnnfix_core.engine.rules import elementwise, pooling, registry
from cnnfix_core.methods import attribution, excitation_rules, excites, reason_against
from cnnfix_core.receptive_fields import field as fields
from cnnfix_core.receptive_fields.axes import Sampling
from cnnfix_core.zoo import Preprocessing

RELU, POOL = "familytest.double_relu", "familytest.every_other"


@torch.library.custom_op("familytest::double_relu", mutates_args=())
def double_relu(x: Tensor) -> Tensor:
    return 2 * x.relu()


@torch.library.custom_op("familytest::every_other", mutates_args=())
def every_other(x: Tensor) -> Tensor:
    return x[..., ::2, ::2].clone()


@pytest.fixture(autouse=True)
def _own_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(registry, "_rules", dict(registry._rules))
    for table in (EXPLAINERS, fields._MAKERS, step_texts._CALLED, excitation_rules._RULES):
        monkeypatch.setattr(table, "_known", dict(table._known))


class Net(nn.Module):
    """A small network of ReLUs with one operation that may be one's own."""

    def __init__(self, own: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first, self.second = nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.Conv2d(6, 8, 3, padding=1, bias=False)
        self.head = nn.Linear(8, 3)
        self.own = lambda x: own(x)  # noqa: PLW0108  # copies of the network share a function

    def forward(self, x: Tensor) -> Tensor:
        x = self.own(self.second(self.first(x).relu()))
        return self.head(x.mean(dim=(2, 3)))  # type: ignore[no-any-return]


def model_of(own: Callable[[Tensor], Tensor]) -> cnnfix.Model:
    size = Preprocessing((32, 32), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), crop_pct=1.0)
    return cnnfix.Model.of(Net(own).eval(), preprocessing=size)


@pytest.fixture
def picture() -> cnnfix.Picture:
    return cnnfix.open_picture(np.random.default_rng(3).integers(0, 256, (32, 32, 3), np.uint8))


def same_place(question: cnnfix.Question) -> Iterator[cnnfix.Arrival]:
    selection = question.selection
    yield cnnfix.Arrival(question.operation.args[0], selection.index, selection.sign, selection.evidence)


def operation_of(model: cnnfix.Model, name: str) -> Operation:
    tape = record(model.module, torch.rand(1, 3, 32, 32))
    return next(operation for operation in tape.operations if operation.name == name)


def maps_agree(own: cnnfix.Model, other: cnnfix.Model, picture: cnnfix.Picture) -> None:
    maps = [attribution(model, picture, 1, "cmwp").map for model in (own, other)]
    assert maps[0].any()
    np.testing.assert_allclose(maps[0], maps[1], rtol=1e-4, atol=1e-6 * np.abs(maps[1]).max())


# --- like another -----------------------------------------------------------------------------------------------------


def test_an_operation_like_another_joins_all_tables(picture: cnnfix.Picture) -> None:
    model = model_of(double_relu)
    assert RELU in reason_against(model, "cmwp")
    assert RELU in reason_against(model, "fixations")

    cnnfix.rule(RELU, like="aten.relu")(same_place)

    assert reason_against(model, "cmwp") == reason_against(model, "fixations") == ""  # once found, found again
    walk = walked(model, picture, 1, [cnnfix.EVIDENCE])
    step = next(step for step in walk.path.steps if step.operation and step.operation.name == RELU)
    facts = inspect(walk, step.number)
    assert facts.kind == "Double relu"
    assert facts.receptive_field == (5, 5)
    assert facts.decision is not None
    assert facts.decision.decision.kind == "function"
    assert "Double relu" in facts.decision.decision.sentence
    (given,) = facts.decision.inputs
    assert facts.decision.decision.value == pytest.approx(2 * given.term.activation)
    assert given.term.share == 1
    maps_agree(model, model_of(torch.relu), picture)  # twice as much shares in the same proportion


def test_the_function_of_another_rule_serves_a_further_operation() -> None:
    cnnfix.rule(RELU)(elementwise.same_element)
    operation = operation_of(model_of(double_relu), RELU)
    assert family_of(operation) is elementwise.same_element
    assert EXPLAINERS.find(operation) is EXPLAINERS.find(operation_of(model_of(torch.relu), "aten.relu"))


def test_it_is_like_what_the_other_is_like() -> None:
    cnnfix.rule("familytest.first", like="aten.adaptive_max_pool2d")(same_place)
    cnnfix.rule(POOL, like="familytest.first")(same_place)
    operation = operation_of(model_of(every_other), POOL)
    assert known_as(operation) == "aten.adaptive_max_pool2d"
    assert family_of(operation) is pooling.max_pool
    assert fields._MAKERS.find(operation) is fields._MAKERS._known["aten.adaptive_max_pool2d"]  # not of its family


# --- like none --------------------------------------------------------------------------------------------------------


def pick_places(question: cnnfix.Question) -> Iterator[cnnfix.Arrival]:
    (x,), selection = question.operation.args, question.selection
    batch, channel, row, column = np.unravel_index(selection.index, selection.shape)
    index = np.ravel_multi_index((batch, channel, 2 * row, 2 * column), x.shape)
    yield cnnfix.Arrival(x, index, selection.sign, selection.evidence)


def test_an_operation_like_none_is_registered_in_each_table(picture: cnnfix.Picture) -> None:
    cnnfix.rule(POOL)(pick_places)

    @called(pick_places)
    def name(operation: Operation) -> str:
        return "Every other place"

    @receptive_field_of(pick_places)
    def field(operation: Operation, output: Value, known: fields.Known) -> Field | None:
        before, *_, rows, columns = known[operation.args[0]], *output.shape
        one = Sampling.window(1, 2, 0, 1)
        return Field(before.rows.sampled(one, columns, rows), before.columns.sampled(one, 1, columns))

    @explains(pick_places)
    def explanation(asked: ElementQuery) -> Account:
        ((value, index),) = asked.sources()
        return Account("moved", (candidates(value, index, 0),), moved)

    @excites(pick_places)
    def passed(operation: Operation, probabilities: excitation_rules.Probabilities) -> Iterator[tuple[Value, Tensor]]:
        x = operation.args[0]
        arrived = torch.zeros(x.shape)
        arrived[..., ::2, ::2] = probabilities[0]
        yield x, arrived

    model, other = model_of(every_other), model_of(lambda x: x[..., ::2, ::2])
    walk, same = (walked(each, picture, 1, [cnnfix.EVIDENCE]) for each in (model, other))
    np.testing.assert_array_equal(walk.trace.fixations.index, same.trace.fixations.index)
    step = next(step for step in walk.path.steps if step.operation and step.operation.name == POOL)
    facts = inspect(walk, step.number)
    assert facts.kind == "Every other place"
    assert facts.receptive_field == (5, 5)
    assert step.field is not None
    assert (step.size, step.field.rows.stride) == ((16, 16), 2)
    assert facts.decision is not None
    assert facts.decision.decision.kind == "moved"
    assert facts.decision.inputs[0].term.activation == facts.decision.decision.value
    maps_agree(model, other, picture)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_rule_is_not_overwritten_unless_that_is_meant() -> None:
    before = registry.find("aten.relu")
    assert before is not None
    with pytest.raises(cnnfix.CnnfixError, match=r"There is a rule for 'aten\.relu' already.*replace=True"):
        cnnfix.rule("familytest.new", "aten.relu")(same_place)
    assert registry.find("aten.relu") is before
    assert registry.find("familytest.new") is None

    cnnfix.rule("aten.relu", args=(0,), replace=True)(same_place)

    after = registry.find("aten.relu")
    assert after is not None
    assert after.hop is same_place
    assert after.reads.args == {0}
    operation = operation_of(model_of(torch.relu), "aten.relu")
    assert family_of(operation) is elementwise.same_element  # what else is known of it stays
    assert EXPLAINERS.find(operation) is not None


def test_like_what_has_no_rule() -> None:
    with pytest.raises(cnnfix.CnnfixError, match=r"no rule for 'aten\.renorm', so no operation can be like it"):
        cnnfix.rule("familytest.new", like="aten.renorm")(same_place)


def test_tables_are_not_overwritten_unless_that_is_meant() -> None:
    table: FamilyTable[str] = FamilyTable("colour")
    table.register(same_place, RELU)("red")
    for member, name in ((same_place, "same_place"), (RELU, RELU)):
        with pytest.raises(cnnfix.CnnfixError, match=f"The colour of '{name}' is known already"):
            table.register("familytest.new", member)("blue")
    operation = operation_of(model_of(double_relu), RELU)
    assert table.find(operation) == "red"
    table.register(RELU, replace=True)("blue")
    assert table.find(operation) == "blue"
    assert "familytest.new" not in table._known
