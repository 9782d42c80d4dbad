"""A modality of one's own on the shared base: a network that names a row of measurements, whose columns have names."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import get_preset
from cnnfix_core.errors import ModelError, TargetError
from cnnfix_core.explanations import ClassExplanation, TargetSpec, ask, json_text, question_as_dict
from cnnfix_core.zoo import Classifier, Labels, Meaning

# --- the modality -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class RowModel(Classifier):
    """module: scores (N, classes) for rows (N, columns)."""

    labels: Labels
    columns: tuple[str, ...]
    meaning: Meaning = "softmax"

    def inputs(self, row: dict[str, float]) -> Tensor:
        """A row as the network's input, (1, columns)."""
        return torch.tensor([[row[name] for name in self.columns]]).to(self.device)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RowExplanation(ClassExplanation):
    """evidence: (columns,) what arrived at each column."""

    columns: tuple[str, ...]
    evidence: Floats


def explain_row(model: RowModel, row: dict[str, float], target: TargetSpec = None) -> RowExplanation:
    """Explain one class of a model on a row."""
    preset, started = get_preset("evidence"), time.perf_counter()
    asking, (trace,) = ask(model, model.inputs(row), target, preset)
    reached = trace.fixations
    return RowExplanation(
        preset=preset,
        predictions=asking.classes.top(5),
        target=asking.target,
        rather_than=asking.rather_than,
        seconds=time.perf_counter() - started,
        columns=model.columns,
        evidence=np.bincount(reached.index[:, 1], reached.evidence, len(model.columns)).astype(float),
    )


# --- what it can do ---------------------------------------------------------------------------------------------------

ROW = {"length": 3.0, "width": 2.0, "weight": 1.0}
SCORES = [8.0, 7.0, 3.0]


@pytest.fixture
def model() -> RowModel:
    """A carp is long and wide, an owl long and heavy, a fox wide and heavy."""
    linear = nn.Linear(3, 3, bias=False)
    linear.weight.data = torch.tensor([[2.0, 1.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    return RowModel("row", "Rows", linear.eval(), Labels.of(("carp", "owl", "red fox, fox")), tuple(ROW))


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (None, (0, None)),
        (2, (2, None)),
        ("2", (2, None)),
        ("Owl", (1, None)),
        ("fox", (2, None)),
        (("owl", "fox"), (1, 2)),
        ((None, 1), (0, 1)),
    ],
)
def test_every_kind_of_target(model: RowModel, target: TargetSpec, wanted: tuple[int, int | None]) -> None:
    found = explain_row(model, ROW, target)
    assert (found.target.index, found.rather_than and found.rather_than.index) == wanted
    assert found.asked == (wanted[0] if wanted[1] is None else wanted)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (3, "There is no class 3: the model has 3, from 0 to 2."),
        ("crap", "The model has no class called 'crap'. Did you mean carp?"),
        (("owl", "owl"), "A class cannot be contrasted with itself: choose a class other than 'owl'."),
        (("owl",), "A contrast takes two classes"),
    ],
)
def test_targets_that_are_none(model: RowModel, target: TargetSpec, message: str) -> None:
    with pytest.raises(TargetError) as error:
        explain_row(model, ROW, target)
    assert message in str(error.value)


def test_evidence_is_what_each_column_added_to_the_score(model: RowModel) -> None:
    np.testing.assert_allclose(explain_row(model, ROW).evidence, [6 / 8, 2 / 8, 0], atol=1e-6)
    np.testing.assert_allclose(explain_row(model, ROW, "fox").evidence, [0, 2 / 3, 1 / 3], atol=1e-6)


def test_a_contrast_leaves_out_what_both_classes_share(model: RowModel) -> None:
    np.testing.assert_allclose(explain_row(model, ROW, ("carp", "owl")).evidence, [0, 1, 0], atol=1e-6)


def test_predictions_are_the_softmax_best_first(model: RowModel) -> None:
    found = explain_row(model, ROW).predictions
    assert [one.label for one in found] == ["carp", "owl", "red fox"]
    shares = np.exp(SCORES) / np.exp(SCORES).sum()
    np.testing.assert_allclose([one.score for one in found], SCORES)
    np.testing.assert_allclose([one.probability for one in found], shares)


def test_scores_may_be_probabilities(model: RowModel) -> None:
    sure = RowModel(
        "row", "Rows", nn.Sequential(model.module, nn.Softmax(1)), model.labels, model.columns, "probabilities"
    )
    for one, logit in zip(explain_row(sure, ROW).predictions, explain_row(model, ROW).predictions, strict=True):
        assert one.score == one.probability == pytest.approx(logit.probability)


def test_memory_and_device(model: RowModel) -> None:
    assert model.nbytes == 9 * 4
    assert model.on("cpu").device == torch.device("cpu")
    assert isinstance(model.on("cpu"), RowModel)
    with pytest.raises(ModelError, match="Rows cannot be moved to the device 'moon'"):
        model.on("moon")


def test_its_files_name_the_question_as_all_do(model: RowModel) -> None:
    text = json_text(question_as_dict(explain_row(model, ROW, ("owl", "fox"))))
    assert text.startswith('{"target": {"index": 1, "label": "owl", "score": 7.0, ')
    assert '"rather_than": {"index": 2, "label": "red fox", ' in text
