"""A worker that explains pictures, and its settings."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cnnfix_core.batch.batching import BatchExplainer, BatchResult, open_or_error
from cnnfix_core.batch.items import Item
from cnnfix_core.batch.row import BatchRow, row_of
from cnnfix_core.engine import Preset, Unit
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import Class
from cnnfix_core.images import Picture
from cnnfix_core.utils import cannot_write, write_file
from cnnfix_core.visualization import comparison, png
from cnnfix_core.zoo import Model

_LONGEST_NAME, _LONGEST_PATH = 200, 800  # file systems allow 255 bytes for each part, with .png, and 1024 for all
_PLAIN = re.compile(r"[\w(+,=@#%&!~^][\w .()+,=@#%&!~^-]*(?<! )")


@dataclass(frozen=True, slots=True)
class Work:
    """How to explain each picture; can be sent to other processes.

    Attributes:
        load: Loads the network.
        preset: The preset of the walks.
        target: A class, or a unit inside the network; None for the predicted class of each picture.
        figures: A folder for one figure per picture; None for no figures.
    """

    load: Callable[[], Model]
    preset: Preset
    target: Class | Unit | None = None
    figures: Path | None = None


class Worker:
    """Explains pictures while it decodes the next ones."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._slices = BatchExplainer(work.load(), work.preset, work.target)

    def rows(self, items: Sequence[Item]) -> list[BatchRow]:
        """The rows of these pictures, in their order."""
        with ThreadPoolExecutor(1) as ahead:
            size = self._slices.size
            parts = [items[n : n + size] for n in range(0, len(items), size)]
            pending = ahead.submit(_read, parts[0]) if parts else None
            rows: list[BatchRow] = []
            for n in range(len(parts)):
                assert pending
                pictures = pending.result()
                pending = ahead.submit(_read, parts[n + 1]) if n + 1 < len(parts) else None
                rows += self._rows(parts[n], pictures)
        return rows

    def _rows(self, items: Sequence[Item], pictures: Sequence[Picture | CnnfixError]) -> Iterator[BatchRow]:
        for item, answer in zip(items, self._slices.answers(pictures), strict=True):
            if isinstance(answer, BatchResult):
                self._draw(item, answer)
            yield row_of(item.name, answer)

    def _draw(self, item: Item, answer: BatchResult) -> None:
        if self._work.figures is None:
            return
        file = self._work.figures / figure_name(item.name, answer.picture.digest)
        content = png(comparison(answer.picture, answer.explanation, answer.map, answer.rival))
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_file(file, content)
        except OSError as error:
            raise cannot_write(file, error) from error


def figure_name(name: str, digest: str) -> str:
    """The path of a picture's figure: its name with .png, or its digest if no file can be called so everywhere."""
    path = name.removeprefix("/")
    parts = path.split("/")
    plain = all(_PLAIN.fullmatch(part) and len(os.fsencode(part)) <= _LONGEST_NAME for part in parts)
    # A figure could be called like a folder that ends in .png.
    plain = plain and len(path) <= _LONGEST_PATH and not any(folder.lower().endswith(".png") for folder in parts[:-1])
    return f"{path if plain else digest}.png"


def _read(items: Sequence[Item]) -> list[Picture | CnnfixError]:
    return [open_or_error(item.file) for item in items]
