"""Object proposals in the benchmark: how many of the true boxes do the first ones fit?

The paper's measure: the share of true boxes that one of the first n boxes fits with an IoU of at least 0.5. Beside the
boxes from fixations stand as many that are the same for every picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from cnnfix_core import utils
from cnnfix_core.benchmark.datasets.items import Item
from cnnfix_core.benchmark.runner import FAILURES, Source, Watch
from cnnfix_core.benchmark.statistics.tables import NOTHING, markdown, with_interval
from cnnfix_core.explanations import centre_boxes, proposals, recall
from cnnfix_core.images import Picture
from cnnfix_core.metrics import interval, resampled_means
from cnnfix_core.regions import Box
from cnnfix_core.utils import Journal
from cnnfix_core.zoo import Model

COUNTS = (1, 2, 5, 10, 20, 50)
FIXATIONS, FIXED = "fixations", "fixed boxes"


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """What the first boxes of one kind find in one picture.

    Attributes:
        model: Name of the model.
        picture: Name of the picture.
        kind: "fixations" or "fixed boxes".
        count: Number of boxes.
        recall: Share of the true boxes that one of them fits, 0 to 1.
        truths: Number of true boxes.
        error: Why there is no number.
    """

    model: str
    picture: str
    kind: str
    count: int
    recall: float = math.nan
    truths: int = 0
    error: str = ""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Identifies the row."""
        return self.model, self.picture, self.kind, self.count


def propose(
    sources: Sequence[Source], items: Sequence[Item], results: Journal[ProposalRow], watch: Watch | None = None
) -> None:
    """Add the missing rows, model by model and picture by picture, for all boxes of a picture, whatever their labels.

    Pictures that failed in an earlier run are tried again.

    Args:
        sources: The models.
        items: The pictures.
        results: The file of rows.
        watch: Called with (pictures done, pictures in all).
    """
    pictures: dict[str, list[Item]] = {}
    for item in items:
        pictures.setdefault(item.picture, []).append(item)
    done, total = 0, len(sources) * len(pictures)
    known = {row.key for row in results if not row.error}
    for source in sources:
        model = source.load()
        for name, those in pictures.items():
            wanted = {(source.name, name, kind, count) for kind, count in product((FIXATIONS, FIXED), COUNTS)}
            if missing := wanted - known:
                results.add(row for row in _rows(source.name, model, name, those) if row.key in missing)
            done += 1
            if watch:
                watch(done, total)


def in_order(rows: Iterable[ProposalRow], sources: Sequence[Source], items: Sequence[Item]) -> list[ProposalRow]:
    """The rows of these pictures, as an uninterrupted run has them: intervals depend on the order."""
    keys = product((one.name for one in sources), (one.picture for one in items))
    return utils.in_order(rows, keys, lambda row: (row.model, row.picture))


def _rows(network: str, model: Model, name: str, items: Sequence[Item]) -> Iterator[ProposalRow]:
    try:
        picture, truths = _truths(items)
        made = [one.box for one in proposals(model, picture, COUNTS[-1])]
    except FAILURES as error:
        for kind, count in product((FIXATIONS, FIXED), COUNTS):
            yield ProposalRow(network, name, kind, count, error=str(error))
        return
    kinds = {FIXATIONS: made, FIXED: centre_boxes(picture.width, picture.height, COUNTS[-1])}
    for kind, boxes in kinds.items():
        for count in COUNTS:
            yield ProposalRow(network, name, kind, count, recall(boxes[:count], truths), len(truths))


def _truths(items: Sequence[Item]) -> tuple[Picture, list[Box]]:
    """A picture and all of its true boxes; an object that several items name counts once."""
    boxes: list[Box] = []
    for item in items:
        picture, truth = item.read()
        boxes += truth.extents
        boxes += item.others().extents if item.others else ()
    return picture, list(dict.fromkeys(boxes))


def table(rows: Sequence[ProposalRow]) -> str:
    """Recall for each number of boxes, with 95 % intervals: of each model's boxes, then of the fixed ones.

    Bold: a model's boxes are clearly better than the fixed ones, or the fixed ones clearly better than every model's.
    """
    models = list(dict.fromkeys(row.model for row in rows))
    heads = [FIXATIONS if len(models) == 1 else f"{FIXATIONS}, {model}" for model in models]
    lines = [[str(count), *_cells(rows, models, count)] for count in COUNTS]
    return markdown(["boxes", *heads, FIXED], lines)


def _cells(rows: Sequence[ProposalRow], models: Sequence[str], count: int) -> list[str]:
    found = {(row.model, row.kind, row.picture): row.recall for row in rows if row.count == count}
    pictures = list(dict.fromkeys(row.picture for row in rows if not math.isnan(row.recall)))
    if not pictures:
        return [NOTHING] * (len(models) + 1)
    ours = np.array([[found.get((model, FIXATIONS, name), math.nan) for model in models] for name in pictures])
    fixed = np.array([[found.get((model, FIXED, name), math.nan) for model in models] for name in pictures])
    values = np.column_stack([ours, np.nanmax(fixed, axis=1), ours - fixed])
    means = resampled_means(values, np.arange(len(pictures)))
    known = [interval(values[:, n], means[:, n]) for n in range(values.shape[1])]
    apart = known[len(models) + 1 :]
    better = [one.low > 0 and one.known for one in apart]
    worse = all(one.high < 0 and one.known for one in apart)
    return [with_interval(one, 2, bold) for one, bold in zip(known, [*better, worse], strict=False)]


def section(rows: Sequence[ProposalRow]) -> str:
    """The section of a page: what was measured, the table, and what failed."""
    seen = {row.picture: row.truths for row in rows if not row.error}
    failed = {row.picture: row.error for row in rows if row.error}
    notes = [f"- Missing: {picture}. {error}" for picture, error in list(failed.items())[:_LONGEST]]
    if len(failed) > _LONGEST:
        notes.append(f"- ... and {len(failed) - _LONGEST:,} more: see the column error of proposals.csv.")
    text = _SECTION.format(pictures=len(seen), truths=sum(seen.values()), table=table(rows))
    return "".join([text, *(f"{note}\n" for note in notes)])


_LONGEST = 5  # notes
_SECTION = """## Object proposals

The share of true boxes that one of the first boxes fits with an IoU of at least 0.5: boxes from the fixations of the
top classes, and as many fixed ones, the same for every picture, the centre first. {pictures:,} pictures with
{truths:,} true boxes; 95 % intervals (bootstrap over pictures). **Bold**: clearly better than the fixed boxes, or, for
those, than all others.

{table}
"""
