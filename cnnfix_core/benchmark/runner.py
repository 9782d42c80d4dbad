"""Run a benchmark: for each model, picture and method a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cnnfix_core.benchmark.datasets.items import Item
from cnnfix_core.benchmark.datasets.labels import class_of
from cnnfix_core.benchmark.results import NONE, BenchmarkRow
from cnnfix_core.errors import CnnfixError, TargetError
from cnnfix_core.explanations import Prediction, classes
from cnnfix_core.images import Picture
from cnnfix_core.methods import METHODS, reason_against
from cnnfix_core.metrics import Measured, measured
from cnnfix_core.regions import BoxRule
from cnnfix_core.utils import Journal
from cnnfix_core.zoo import Model

ENOUGH = 0.5  # of IoU, for a localization (ILSVRC)
_FAILURES = (CnnfixError, RuntimeError)  # torch complains with the second
Watch = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Source:
    """A model that is loaded when its turn comes."""

    name: str
    load: Callable[[], Model]


@dataclass(frozen=True, slots=True)
class Unfit:
    """A method that does not fit a model, and why."""

    model: str
    method: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: every method on every picture.

    steps: of insertion and deletion; 0 leaves them out. slow: slow methods see so many pictures only; None: all.
    rules: for the boxes of some methods, by name, in place of their own.
    """

    items: tuple[Item, ...]
    methods: tuple[str, ...]
    steps: int = 16
    slow: int | None = None
    rules: Mapping[str, BoxRule] = field(default_factory=dict)

    def methods_for(self, number: int, methods: Sequence[str]) -> list[str]:
        """Those of the methods that see the item of this number."""
        return [method for method in methods if self.slow is None or number < self.slow or not METHODS[method].slow]


def run(
    sources: Sequence[Source], plan: Plan, results: Journal[BenchmarkRow], watch: Watch | None = None
) -> list[Unfit]:
    """Add the rows that are missing to the results, model by model, picture by picture.

    watch: called with (rows done, rows in all) after each row. A picture that cannot be read, or a method that fails on
    it, is a row with an error. Returns what does not fit. Raises CnnfixError where a model knows none of the labels.
    """
    unfit: list[Unfit] = []
    a_model = sum(len(plan.methods_for(n, plan.methods)) for n in range(len(plan.items)))
    total = len(sources) * a_model
    for source in sources:
        model = source.load()
        _check_labels(model, plan.items)
        reasons = {method: reason_against(model, method) for method in plan.methods}
        unfit += [Unfit(source.name, method, reason) for method, reason in reasons.items() if reason]
        fitting = [method for method in plan.methods if not reasons[method]]
        total += sum(len(plan.methods_for(n, fitting)) for n in range(len(plan.items))) - a_model
        for n, item in enumerate(plan.items):
            wanted = plan.methods_for(n, fitting)
            todo = [m for m in wanted if (source.name, item.picture, item.label, m) not in results.keys]
            for row in _rows(source.name, model, item, todo, plan):
                results.add([row])
                if watch:
                    watch(len(results.keys), total)
    return unfit


def _check_labels(model: Model, items: Sequence[Item]) -> None:
    complaint = None
    for label in dict.fromkeys(item.label for item in items):
        if not label:
            return
        try:
            class_of(model.labels, label)
            return
        except TargetError as error:
            complaint = complaint or error
    raise CnnfixError(f"{model.title} has no class for any of the labels. {complaint}")


def _rows(name: str, model: Model, item: Item, methods: Sequence[str], plan: Plan) -> Iterator[BenchmarkRow]:
    if not methods:
        return
    row = BenchmarkRow(model=name, picture=item.picture, label=item.label, method="")
    try:
        picture, truth = item.read()
        row, asked = _asked(row, model, picture)
    except _FAILURES as error:
        for method in methods:
            yield replace(row, method=method, error=str(error))
        return
    for method in methods:
        try:
            said = measured(model, picture, truth, asked, method, plan.steps, plan.rules.get(method))
            yield _row(replace(row, method=method), said)
        except _FAILURES as error:
            yield replace(row, method=method, error=str(error))


def _asked(row: BenchmarkRow, model: Model, picture: Picture) -> tuple[BenchmarkRow, int]:
    """What the model says of the whole picture, and the class to explain."""
    said = classes(model, picture)
    first = said.top(1)[0]
    given = class_of(model.labels, row.label) if row.label else first.index
    asked: Prediction = said.prediction(given)
    right = float(first.index == given) if row.label else NONE
    row = replace(row, predicted=first.label, asked=asked.label, right=right, probability=asked.probability)
    return row, given


def _row(row: BenchmarkRow, said: Measured) -> BenchmarkRow:
    """The row with the numbers of its method's map for this class.

    Where the prediction is right, the map of the predicted class is this one; where it is wrong, it is an error of
    localization whatever its map. So one map answers both questions.
    """
    hit = float(said.numbers.iou >= ENOUGH)
    return replace(
        row,
        peak=said.numbers.peak,
        energy=said.numbers.energy,
        evidence=said.numbers.evidence,
        iou=said.numbers.iou,
        loc_given=hit,
        loc_top1=hit * row.right,
        covered=said.numbers.covered,
        insertion=said.insertion,
        deletion=said.deletion,
        seconds=said.found.seconds,
        layer=said.found.layer or "",
    )
