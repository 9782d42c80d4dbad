"""The rows of a few pictures of a batch; computed where the network may run, without the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cnnfix_core import CnnfixError, Model, Preset
from cnnfix_core.batch import BatchExplainer, BatchResult, BatchRow, UploadedPicture, open_or_error, row_of
from cnnfix_core.engine import Unit
from cnnfix_core.visualization import panel, photo_of
from cnnfix_ui.components.images import image_uri

_TILE = 240  # pixels of a tile's longest side


@dataclass(frozen=True)
class BatchEntry:
    """A picture's row, and the picture with its map as a data URI; "" if the picture could not be read."""

    row: BatchRow
    image: str = ""


def entries(
    model: Model,
    preset: Preset,
    unit: Unit | None,
    pictures: Sequence[UploadedPicture],
    report: Callable[[float], None],
) -> tuple[BatchEntry, ...]:
    """The entries, in the order of the pictures. unit: None to ask about the predicted class of each."""
    slices = BatchExplainer(model, preset, unit)
    made: list[BatchEntry] = []
    for n in range(0, len(pictures), slices.size):
        report(n / len(pictures))
        some = pictures[n : n + slices.size]
        answers = slices.answers([open_or_error(packed.content) for packed in some])
        made += [_entry(packed.name, answer) for packed, answer in zip(some, answers, strict=True)]
    return tuple(made)


def _entry(name: str, answer: BatchResult | CnnfixError) -> BatchEntry:
    row = row_of(name, answer)
    if not isinstance(answer, BatchResult):
        return BatchEntry(row)
    return BatchEntry(row, image_uri(panel(photo_of(answer.picture, _TILE).convert("RGBA"), answer.map)))
