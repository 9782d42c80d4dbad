"""Run a benchmark: one row for each model, picture and method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cnnfix_core import utils
from cnnfix_core.benchmark.datasets.items import Item
from cnnfix_core.benchmark.datasets.labels import class_of
from cnnfix_core.benchmark.results import NONE, BenchmarkKey, BenchmarkRow
from cnnfix_core.errors import CnnfixError, TargetError
from cnnfix_core.explanations import Prediction, classes
from cnnfix_core.images import Picture
from cnnfix_core.methods import METHODS, reason_against
from cnnfix_core.metrics import Also, Measured, energy_in, measured
from cnnfix_core.regions import BoxRule
from cnnfix_core.utils import Journal
from cnnfix_core.zoo import Model, SameModel

MIN_IOU = 0.5  # for a correct localisation, as in ILSVRC
FAILURES = (CnnfixError, RuntimeError)  # PyTorch raises RuntimeError
Watch = Callable[[int, int], None]


class Source:
    """A model that is loaded when it is needed, and is the same each time."""

    def __init__(self, name: str, load: Callable[[], Model]) -> None:
        self.name, self.load = name, SameModel(load)


@dataclass(frozen=True, slots=True)
class UnusableMethod:
    """A method that cannot be used with a model, and why."""

    model: str
    method: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: every method on every picture.

    Attributes:
        items: The pictures.
        methods: Names of the methods.
        steps: Number of steps of insertion and deletion; 0 leaves them out.
        slow: Slow methods run only on this many pictures; None for all.
        rules: How to derive the boxes of some methods, by name, instead of their own rules.
        also: What else to measure.
    """

    items: tuple[Item, ...]
    methods: tuple[str, ...]
    steps: int = 16
    slow: int | None = None
    rules: Mapping[str, BoxRule] = field(default_factory=dict)
    also: tuple[Also, ...] = ()

    def methods_for(self, number: int, methods: Sequence[str]) -> list[str]:
        """The methods that run on item number `number`."""
        late = self.slow is not None and number >= self.slow
        contrast = bool(self.items[number].rather_than)
        return [
            name for name in methods if not (late and METHODS[name].slow) and (METHODS[name].contrasts or not contrast)
        ]


def run(
    sources: Sequence[Source], plan: Plan, results: Journal[BenchmarkRow], watch: Watch = lambda done, total: None
) -> list[UnusableMethod]:
    """Add the missing rows to the results, model by model and picture by picture.

    If a picture cannot be read, or a method fails on it, its row has an error; those of an earlier run are tried again.

    Args:
        sources: The models.
        plan: What to measure.
        results: The file of rows.
        watch: Called with (rows done, rows in total), also at the start.

    Returns:
        The methods that cannot be used with a model.

    Raises:
        CnnfixError: A model has none of the labels.
    """
    unfit: list[UnusableMethod] = []
    known = {row.key for row in results if not row.error}
    done = len(known.intersection(_keys(sources, plan)))
    a_model = sum(len(plan.methods_for(n, plan.methods)) for n in range(len(plan.items)))
    total = len(sources) * a_model
    watch(done, total)
    for source in sources:
        model = source.load()
        _check_labels(model, plan.items)
        reasons = {method: reason_against(model, method) for method in plan.methods}
        unfit += [UnusableMethod(source.name, method, reason) for method, reason in reasons.items() if reason]
        fitting = [method for method in plan.methods if not reasons[method]]
        total += sum(len(plan.methods_for(n, fitting)) for n in range(len(plan.items))) - a_model
        for n, item in enumerate(plan.items):
            wanted = plan.methods_for(n, fitting)
            todo = [method for method in wanted if (source.name, item.question, method) not in known]
            for row in _rows(source.name, model, item, todo, plan):
                results.add([row])
                done += 1
                watch(done, total)
    return unfit


def in_order(rows: Iterable[BenchmarkRow], sources: Sequence[Source], plan: Plan) -> list[BenchmarkRow]:
    """The rows as an uninterrupted run has them, so that the tables are the same: intervals depend on the order.

    Those that the plan does not ask for, such as slow methods on pictures of an earlier run, are left out.
    """
    return utils.in_order(rows, _keys(sources, plan))


def _keys(sources: Sequence[Source], plan: Plan) -> Iterator[BenchmarkKey]:
    """The keys of the rows that a plan asks for, in the order of an uninterrupted run."""
    for source in sources:
        for n, item in enumerate(plan.items):
            for method in plan.methods_for(n, plan.methods):
                yield source.name, item.question, method


def _check_labels(model: Model, items: Sequence[Item]) -> None:
    first_error = None
    for label in dict.fromkeys(item.label for item in items):
        if not label:
            return
        try:
            class_of(model.labels, label)
            return
        except TargetError as error:
            first_error = first_error or error
    raise CnnfixError(f"{model.title} has no class for any of the labels. {first_error}")


def _rows(name: str, model: Model, item: Item, methods: Sequence[str], plan: Plan) -> Iterator[BenchmarkRow]:
    if not methods:
        return
    row = BenchmarkRow(model=name, picture=item.picture, label=item.label, method="", rather_than=item.rather_than)
    try:
        picture, truth = item.read()
        others = item.others() if item.others else None
        row, asked = _asked(row, model, picture)
    except FAILURES as error:
        for method in methods:
            yield replace(row, method=method, error=str(error))
        return
    for method in methods:
        try:
            result = measured(
                model,
                picture,
                truth,
                asked,
                method,
                plan.steps,
                plan.rules.get(method),
                also=plan.also,
            )
            other = energy_in(result.found.map, others.on(result.found.map.shape)) if others else NONE
            yield replace(_row(replace(row, method=method), result), other=other)
        except FAILURES as error:
            yield replace(row, method=method, error=str(error))


def _asked(row: BenchmarkRow, model: Model, picture: Picture) -> tuple[BenchmarkRow, int | tuple[int, int]]:
    """Add the prediction for the whole picture to the row; also returns the class to explain, or both of a contrast."""
    predictions = classes(model, picture)
    first = predictions.top(1)[0]
    given = class_of(model.labels, row.label) if row.label else first.index
    asked: Prediction = predictions.prediction(given)
    right = float(first.index == given) if row.label else NONE
    row = replace(row, predicted=first.label, asked=asked.label, right=right, probability=asked.probability)
    return row, (given, class_of(model.labels, row.rather_than)) if row.rather_than else given


def _row(row: BenchmarkRow, result: Measured) -> BenchmarkRow:
    """Add the numbers of the method's map for the label's class to the row.

    One map is enough for both localisation errors: if the prediction is right, it is also the map of the predicted
    class; if it is wrong, top-1 localisation is an error whatever the map.
    """
    hit = float(result.numbers.iou >= MIN_IOU)
    return replace(
        row,
        peak=result.numbers.peak,
        energy=result.numbers.energy,
        evidence=result.numbers.evidence,
        iou=result.numbers.iou,
        loc_given=hit,
        loc_top1=hit * row.right,
        covered=result.numbers.covered,
        insertion=result.insertion,
        deletion=result.deletion,
        road=result.road,
        sensitivity=result.sensitivity,
        cut_out=result.cut_out_iou,
        seconds=result.found.seconds,
        layer=result.found.layer or "",
    )
