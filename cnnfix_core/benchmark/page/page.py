"""docs/benchmark.md: what was measured on composed scenes, how, and what came out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from cnnfix_core.benchmark.datasets import scenes
from cnnfix_core.benchmark.datasets.items import Item
from cnnfix_core.benchmark.page import clever_hans, sanity_check, texts
from cnnfix_core.benchmark.results import BenchmarkRow
from cnnfix_core.benchmark.runner import Plan, UnusableMethod, Watch
from cnnfix_core.benchmark.statistics.measures import MEASURES, OF_PAIRS, Measure
from cnnfix_core.benchmark.statistics.summary import summary
from cnnfix_core.benchmark.statistics.tables import NOTHING, markdown, tables, titled
from cnnfix_core.methods import METHODS, reason_against
from cnnfix_core.synthetic import CLASSES, MARKED, UNSEEN_CLASSES, compose
from cnnfix_core.utils import decimals, duration, percent
from cnnfix_core.zoo import Model, load_model, versions

OURS = "fixations"
# Scenes of the two further tables.
_MARKED, _FORGOTTEN = 20, 5


@dataclass(frozen=True, slots=True)
class Made:
    """By which command the page was made, and how many seconds all of it took."""

    command: str
    seconds: float


def page(
    rows: Sequence[BenchmarkRow],
    unfit: Sequence[UnusableMethod],
    plan: Plan,
    made: Made,
    further: Sequence[str] = (),
    against: str | None = None,
) -> str:
    """The page. further: sections of their own. against: a method to which differences are shown."""
    found = _introduction(texts.INTRODUCTION, plan, made), *_measured(rows, unfit, plan, against)
    return "\n".join([*found, *further, texts.READING.format(steps=plan.steps)])


def unseen(
    rows: Sequence[BenchmarkRow], unfit: Sequence[UnusableMethod], plan: Plan, made: Made, against: str | None = None
) -> str:
    """The page on objects of classes that no network has learnt."""
    more = {"shapes": ", ".join(UNSEEN_CLASSES), "taken": _taken_for(rows)}
    return "\n".join([_introduction(texts.UNSEEN, plan, made, **more), *_measured(rows, unfit, plan, against)])


def _measured(
    rows: Sequence[BenchmarkRow], unfit: Sequence[UnusableMethod], plan: Plan, against: str | None
) -> list[str]:
    """The tables, and where our method is behind."""
    found = [tables(rows, unfit, against)]
    if OURS in plan.methods:
        found += [texts.BEHIND, _behind(rows, MEASURES)]
    return found


def _taken_for(rows: Sequence[BenchmarkRow]) -> str:
    """For each shape and network, the class that it is taken for most often."""
    said: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        if not row.error:
            said.setdefault((row.picture.split()[0], row.model), {})[row.picture] = row.predicted
    models = list(dict.fromkeys(row.model for row in rows))
    cells = []
    for shape in UNSEEN_CLASSES:
        counts = [Counter(said.get((shape, model), {}).values()) for model in models]
        cells.append([shape, *(_most(count) for count in counts)])
    return markdown(["", *models], cells)


def _most(said: Counter[str]) -> str:
    if not said:
        return NOTHING
    name, times = said.most_common(1)[0]
    return f"{name} ({times} of {said.total()})"


def _introduction(text: str, plan: Plan, made: Made, **more: str) -> str:
    """The text with what every page says of itself, and more."""
    return text.format(
        command=made.command,
        seconds=duration(made.seconds),
        processors=os.cpu_count(),
        versions=_versions(),
        pictures=len(plan.items),
        side=scenes.PICTURE_SIDE,
        slow=_slow(plan),
        **more,
    )


def _slow(plan: Plan) -> str:
    """Which methods saw fewer scenes."""
    slow = [titled(method) for method in plan.methods if METHODS[method].slow]
    if not slow or plan.slow is None or plan.slow >= len(plan.items):
        return ""
    are = "are" if len(slow) > 1 else "is"
    return f"\n{', '.join(slow)} {are} slow and saw the first {plan.slow} only.\n"


def _versions() -> str:
    found = versions()
    return ", ".join(f"{name} {found[name]}" for name in ("torch", "captum", "torchcam", "numpy"))


def pairs(alone: Sequence[BenchmarkRow], contrast: Sequence[BenchmarkRow]) -> str:
    """The section on scenes with two objects.

    Args:
        alone: The rows for each object's class.
        contrast: The rows for each object's class rather than that of the other.
    """
    found = [texts.PAIRS.format(scenes=len({row.picture for row in alone}))]
    for heading, rows in ((texts.ALONE, alone), (texts.CONTRAST, contrast)):
        found += [heading, tables(rows, measures=OF_PAIRS)]
        if any(row.method == OURS for row in rows):
            found += [texts.PAIRS_BEHIND, _behind(rows, OF_PAIRS)]
    return "\n".join(found)


def _behind(rows: Sequence[BenchmarkRow], measures: Sequence[Measure]) -> str:
    """A line a measure: which methods are clearly better than fixations, and on which networks."""
    lines = []
    for measure in measures:
        found = summary(rows, measure, OURS)
        if measure.typical or not found.known:
            continue
        better: dict[str, list[str]] = {}
        for (model, method), cell in found.cells.items():
            apart = cell.against
            if apart and apart.excludes_zero and (apart.mean > 0) == measure.higher:
                better.setdefault(method, []).append(model.removeprefix("scenes_"))
        words = "; ".join(f"{titled(method)} on {', '.join(models)}" for method, models in better.items())
        lines.append(f"- {measure.title}: {words or 'none'}.")
    return "\n".join(lines) + "\n"


def further(plan: Plan, seed: int, watch: Watch) -> list[str]:
    """The sections on the clever Hans and on forgetting; with slow methods where the plan has them on all scenes.

    watch: called with (maps done, maps in all).
    """
    methods = plan.methods_for(len(plan.items) - 1, plan.methods)
    hans = [load_model(name) for name in (clever_hans.NETWORK, clever_hans.HONEST)]
    models = [load_model(name) for name in scenes.NETWORKS]
    marked = clever_hans.seeds(min(_MARKED, -(-len(plan.items) // 2)), seed)
    items = plan.items[: min(_FORGOTTEN, -(-len(plan.items) // 4))]
    fitting = [sum(not reason_against(model, method) for method in methods) for model in (*hans, *models)]
    total = len(marked) * sum(fitting[: len(hans)]) + len(items) * sum(fitting[len(hans) :])
    counted = count(1)

    def done() -> None:
        watch(next(counted), total)

    return [_hans(hans, methods, marked, done), _sanity(models, methods, items, done)]


def _hans(models: Sequence[Model], methods: Sequence[str], seeds: Sequence[int], done: Callable[[], None]) -> str:
    first, second = (clever_hans.told(model, seeds, methods, done) for model in models)
    heads = [f"{what}, {model.title}" for model in models for what in ("mark, %", "object, %", "peak on mark, %")]
    cells = [
        [
            titled(one.method),
            *(decimals(100 * value, 0) for each in (one, two) for value in (each.mark, each.object, each.peak)),
        ]
        for one, two in zip(first, second, strict=True)
    ]
    return texts.HANS.format(
        network=clever_hans.NETWORK,
        honest=clever_hans.HONEST,
        marked=CLASSES[MARKED],
        count=len(seeds),
        area=percent(clever_hans.mark_of(compose(seeds[0], MARKED, mark=True)).covered),
        behaviour=_behaviour(models, seeds),
        maps=markdown(["", *heads], cells),
    )


def _behaviour(models: Sequence[Model], seeds: Sequence[int]) -> str:
    found = [clever_hans.behaviour(model, seeds) for model in models]
    name = CLASSES[MARKED]
    lines = [
        (f"probability of “{name}” with the mark", [one.probability_marked for one in found]),
        ("the same scenes without the mark", [one.probability_plain for one in found]),
        (f"answers “{name}” with the mark", [one.says_marked for one in found]),
        (f"answers “{name}” without the mark", [one.says_plain for one in found]),
        (f"answers “{name}” on scenes of other classes with the mark", [one.fooled for one in found]),
    ]
    heads = ["%", *(model.title for model in models)]
    return markdown(heads, [[words, *(decimals(100 * share, 0) for share in shares)] for words, shares in lines])


def _sanity(models: Sequence[Model], methods: Sequence[str], items: Sequence[Item], done: Callable[[], None]) -> str:
    found = [sanity_check.likeness(model, items, methods, done) for model in models]
    cells = [[titled(method), *(decimals(one[method], 2) for one in found)] for method in methods]
    return texts.SANITY.format(count=len(items), table=markdown(["", *(model.name for model in models)], cells))
