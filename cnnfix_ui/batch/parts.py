"""A batch in parts of a few pictures: each part is a job, so that visitors take turns between parts."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cnnfix_core import Preset
from cnnfix_core.batch import UploadedPicture
from cnnfix_core.engine import Unit
from cnnfix_ui.batch.entries import BatchEntry, entries
from cnnfix_ui.server import shared_jobs
from cnnfix_ui.server.jobs import Job
from cnnfix_ui.server.results import Network

_SIZE = 8


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
    parts = [tuple(pictures[n : n + _SIZE]) for n in range(0, len(pictures), _SIZE)]
    tasks: dict[Hashable, Callable[[Job], Any]] = {
        (network.key, preset, unit, tuple((one.name, one.digest) for one in parts[n])): partial(
            _part, network, preset, unit, parts[n]
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


def _part(
    network: Network, preset: Preset, unit: Unit | None, pictures: Sequence[UploadedPicture], job: Job
) -> BatchPart:
    return BatchPart(network.ask(entries, preset, unit, pictures, report=job.report))
