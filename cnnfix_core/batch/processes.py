"""Worker processes on this machine."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from cnnfix_core.batch.items import Item
from cnnfix_core.batch.row import BatchRow
from cnnfix_core.batch.worker import Work, Worker
from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import (
    EndingWithParent,
    keep_freed_memory,
    sleeping_in_new_processes,
    without_ctrl_c_in_new_processes,
)

_worker: Worker | CnnfixError | None = None


def rows(work: Work, parts: Iterator[Sequence[Item]], workers: int) -> Iterator[list[BatchRow]]:
    """The rows of each part, as they are finished. Raises CnnfixError if a process is killed."""
    # Spawn, because PyTorch's threads do not survive a fork.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), EndingWithParent(_begin, work))
    waiting: set[Future[list[BatchRow]]] = set()
    others = set(multiprocessing.active_children())
    try:
        for part in parts:
            # The pool starts its processes when the first parts come.
            with sleeping_in_new_processes(), without_ctrl_c_in_new_processes():
                waiting.add(pool.submit(_rows, part))
            while len(waiting) > 2 * workers:  # so that the whole list is not queued at once
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (one.result() for one in done)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (one.result() for one in done)
    except BrokenProcessPool as error:
        raise CnnfixError(
            "A worker process was killed, often because memory ran out. The results so far are kept: "
            "run the same command again to resume, with fewer --workers if it happens again."
        ) from error
    except BaseException:
        # Ctrl+C, or a full disk: nobody takes what they still compute, and the command would wait for it.
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _begin(work: Work) -> None:
    global _worker  # noqa: PLW0603  # the pool gives its processes no other place for state
    keep_freed_memory()
    try:
        _worker = Worker(work)
    except CnnfixError as error:  # a pool would only say that a process ended
        _worker = error


def _rows(items: Sequence[Item]) -> list[BatchRow]:
    assert _worker
    if isinstance(_worker, CnnfixError):
        raise CnnfixError(f"{_worker} The results so far are kept.")
    return _worker.rows(items)
