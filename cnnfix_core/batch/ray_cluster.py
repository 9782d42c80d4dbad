"""Workers on a Ray cluster, or on this machine without one. All workers need access to the picture files."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cnnfix_core.batch.items import Item
from cnnfix_core.batch.row import BatchRow
from cnnfix_core.batch.worker import Work, Worker
from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import waiting_policy

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no usage reports
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # the command prints its own messages
import ray  # reads the settings above
import ray.data


def rows(work: Work, parts: Iterator[Sequence[Item]], workers: int, gpu: bool = False) -> Iterator[list[BatchRow]]:
    """The rows of each part, as they are finished, in any order. gpu: whether each worker gets a GPU.

    A lost worker is replaced and its part repeated. RAY_ADDRESS selects the cluster.

    Raises:
        CnnfixError: Ray fails.
    """
    blocks = [{"items": [(_packed(item.name), _packed(str(item.file.absolute()))) for item in part]} for part in parts]
    if not blocks:
        return
    if not ray.is_initialized():
        ray.init(log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    done: Any = ray.data.from_items(blocks, override_num_blocks=len(blocks)).flat_map(
        _Actor,
        fn_constructor_args=(work,),
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(blocks))),
        num_cpus=1,
        num_gpus=1 if gpu else 0,
        runtime_env={"env_vars": waiting_policy()},
    )
    try:
        for block in done.iter_batches(batch_size=None, batch_format="pyarrow"):
            yield [BatchRow(**_each_text(row, _unpacked)) for row in block.to_pylist()]
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise CnnfixError(f"Ray failed: {reason} The results so far are kept; the same command resumes.") from error


class _Actor:
    """A worker of the cluster."""

    def __init__(self, work: Work) -> None:
        self._worker = Worker(work)

    def __call__(self, block: dict[str, Any]) -> list[dict[str, Any]]:
        items = [Item(_unpacked(name), Path(_unpacked(file))) for name, file in block["items"]]
        return [_each_text(asdict(row), _packed) for row in self._worker.rows(items)]


def _each_text(row: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    return {name: change(value) if isinstance(value, str | bytes) else value for name, value in row.items()}


def _packed(text: str) -> bytes:
    """As bytes: names of files may have surrogates, which Arrow's texts cannot hold."""
    return text.encode("utf-8", "surrogatepass")


def _unpacked(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")
