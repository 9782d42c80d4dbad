"""What a batch asks of each picture, and a worker that answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from cnnfix_core.batch.items import Item
from cnnfix_core.batch.row import Row, row_of
from cnnfix_core.batch.slices import Answer, Slices
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explain import Class
from cnnfix_core.figures import comparison, png
from cnnfix_core.images import Picture, open_picture
from cnnfix_core.maps import MAP_SIDE
from cnnfix_core.presets import Preset
from cnnfix_core.zoo import Model


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked of each picture; can be sent to other processes.

    load: gives the network. target: as `Slices` takes it. figures: a folder for a figure of each, or None.
    """

    load: Callable[[], Model]
    preset: Preset
    target: Class | None = None
    figures: Path | None = None


class _Read(NamedTuple):
    item: Item
    picture: Picture | CnnfixError


class Worker:
    """Answers on one thread: what PyTorch adds up on several depends on how many there are."""

    def __init__(self, work: Work) -> None:
        torch.set_num_threads(1)
        self._work = work
        self._slices = Slices(work.load(), work.preset, work.target)

    def rows(self, items: Sequence[Item]) -> list[Row]:
        """The rows of these pictures, in their order; the next ones are decoded while some are asked about."""
        with ThreadPoolExecutor(1) as ahead:
            size = self._slices.size
            parts = [items[n : n + size] for n in range(0, len(items), size)]
            coming = ahead.submit(_read, parts[0]) if parts else None
            rows: list[Row] = []
            for n in range(len(parts)):
                assert coming
                read = coming.result()
                coming = ahead.submit(_read, parts[n + 1]) if n + 1 < len(parts) else None
                rows += self._rows(read)
        return rows

    def _rows(self, read: Sequence[_Read]) -> Iterator[Row]:
        found = [one.picture for one in read if isinstance(one.picture, Picture)]
        answers = iter(self._slices.answers(found) if found else ())
        for item, picture in read:
            answer = picture if isinstance(picture, CnnfixError) else next(answers)
            if isinstance(answer, Answer) and isinstance(picture, Picture):
                self._draw(item, picture, answer)
                yield row_of(item.name, picture, answer.explanation, answer.rival)
            else:
                yield Row(picture=item.name, error=str(answer))

    def _draw(self, item: Item, picture: Picture, answer: Answer) -> None:
        if self._work.figures is None:
            return
        file = self._work.figures / f"{item.name.lstrip('./')}.png".replace("..", "_")
        file.parent.mkdir(parents=True, exist_ok=True)
        density = answer.explanation.density(longest_side=MAP_SIDE)
        file.write_bytes(png(comparison(picture, answer.explanation, density, answer.rival)))


def _read(items: Sequence[Item]) -> list[_Read]:
    read = []
    for item in items:
        try:
            read.append(_Read(item, open_picture(item.file)))
        except CnnfixError as error:
            read.append(_Read(item, error))
    return read
