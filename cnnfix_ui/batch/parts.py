"""A batch in parts of a few pictures: each part is a job, so that visitors take turns between parts."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cnnfix_core import CnnfixError, Preset
from cnnfix_core.batch import BatchExplainer, BatchResult, BatchRow, UploadedPicture, open_or_error, row_of
from cnnfix_core.engine import Unit
from cnnfix_core.visualization import panel, photo_of
from cnnfix_ui.components.panels.component import image_uri
from cnnfix_ui.server import shared_jobs
from cnnfix_ui.server.jobs import Job
from cnnfix_ui.server.results import Network

_PART = 8
_TILE = 240  # pixels of a tile's longest side


@dataclass(frozen=True)
class BatchEntry:
    """A picture's row, and the picture with its map as a data URI; "" if the picture could not be read."""

    row: BatchRow
    image: str = ""


@dataclass(frozen=True)
class BatchPart:
    """The results of a few pictures, in their order."""

    entries: tuple[BatchEntry, ...]

    @property
    def nbytes(self) -> int:
        """Approximate size in memory."""
        return sum(len(entry.image) + 1_000 for entry in self.entries)


@dataclass(frozen=True)
class BatchProgress:
    """The results so far, and why parts failed. done, total: pictures. ahead: other visitors with unfinished jobs."""

    entries: tuple[BatchEntry, ...]
    failures: tuple[str, ...]
    done: int
    total: int
    ahead: int

    @property
    def ended(self) -> bool:
        """Whether all pictures are done."""
        return self.done == self.total


def request(network: Network, preset: Preset, unit: Unit | None, pictures: Sequence[UploadedPicture]) -> BatchProgress:
    """Request all pictures, and return their progress. unit: None to ask about the predicted class of each."""
    parts = [tuple(pictures[n : n + _PART]) for n in range(0, len(pictures), _PART)]
    tasks: dict[Hashable, Callable[[Job], Any]] = {
        (network.key, preset, unit, tuple((one.name, one.digest) for one in parts[n])): partial(
            _entries, network, preset, unit, parts[n]
        )
        for n in range(len(parts))
    }
    asked = shared_jobs.request(tasks)
    ended = [(job, part) for job, part in zip(asked.values(), parts, strict=True) if job.ended]
    return BatchProgress(
        tuple(entry for job, _ in ended if job.state == "done" for entry in job.result.entries),
        tuple(dict.fromkeys(job.message for job, _ in ended if job.message)),
        sum(len(part) for _, part in ended),
        len(pictures),
        shared_jobs.ahead(),
    )


def _entries(
    network: Network, preset: Preset, unit: Unit | None, pictures: Sequence[UploadedPicture], job: Job
) -> BatchPart:
    slices = BatchExplainer(network.model, preset, unit)
    entries: list[BatchEntry] = []
    for n in range(0, len(pictures), slices.size):
        job.report(n / len(pictures))
        some = pictures[n : n + slices.size]
        answers = slices.answers([open_or_error(packed.content) for packed in some])
        entries += [_entry(packed.name, answer) for packed, answer in zip(some, answers, strict=True)]
    return BatchPart(tuple(entries))


def _entry(name: str, answer: BatchResult | CnnfixError) -> BatchEntry:
    row = row_of(name, answer)
    if not isinstance(answer, BatchResult):
        return BatchEntry(row)
    return BatchEntry(row, image_uri(panel(photo_of(answer.picture, _TILE).convert("RGBA"), answer.map)))
