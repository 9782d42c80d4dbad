"""A survey: the coverage of many architectures, with random weights, as the table in docs/architectures.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from cnnfix_core.engine import Coverage, coverage, get_preset
from cnnfix_core.errors import CnnfixError, ModelError
from cnnfix_core.zoo import families

_INTRODUCTION = """# Architectures

`cnnfix coverage --all --markdown docs/architectures.md` wrote this page, with {versions}. Each network
was built with random weights and recorded on a small random input. A walk (evidence, sharp) then went back from its
largest score: that of a class, of a class at one pixel, or of a detected box. The last column counts the input elements
that the walk reached. The table is about operations; it says nothing about trained weights.

Walks get through {through} of {all} networks.
"""


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """One architecture: what it is for, its name, and what was found; None with the reason where it failed."""

    task: str
    name: str
    coverage: Coverage | None
    failure: str = ""


def survey(names: Iterable[str], device: str = "cpu") -> Iterator[SurveyRow]:
    """Build, record and walk each of these architectures, one after the other; yields a row when it is done."""
    preset = get_preset("evidence", "sharp")
    for name in names:
        try:
            module, example, target = families.trial(name)
            module, example = _on(device, module, example)
            found = coverage(module, *example, target=target, preset=preset)
            yield SurveyRow(families.task(name), name, found)
        except CnnfixError as error:
            yield SurveyRow(families.task(name), name, None, str(error))


def _on(device: str, module: nn.Module, example: tuple[Any, ...]) -> tuple[nn.Module, tuple[Any, ...]]:
    try:
        return module.to(device), tree_map_only(Tensor, lambda one: one.to(device), example)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ModelError(f"Nothing can be moved to the device {device!r}: {reason}.") from error


def sentence(row: SurveyRow) -> str:
    """The row for a terminal."""
    return f"{row.name}: {row.coverage.summary() if row.coverage else row.failure}"


def details(found: Coverage) -> str:
    """The operations of one network for a terminal, a line each."""
    width = max(len(operation.name) for operation in found.operations)
    lines = [f"{'operation':{width}}  times  on the way  rule"]
    lines += [
        f"{operation.name:{width}}  {operation.times:5}  {operation.met:10}  {'yes' if operation.has_rule else 'none'}"
        for operation in found.operations
    ]
    lines += [f"Stops at {stop.operation} in module {stop.module!r}: {stop.why}" for stop in found.stops]
    return "\n".join(lines)


def markdown(rows: Sequence[SurveyRow]) -> str:
    """The page."""
    versions = " and ".join(f"{package} {version(package)}" for package in ("torchvision", "timm"))
    through = sum(row.coverage is not None and row.coverage.complete for row in rows)
    parts = [_INTRODUCTION.format(versions=versions, through=through, all=len(rows))]
    for task in dict.fromkeys(row.task for row in rows):
        parts.append(f"## {task}\n\n| network | operations | walk | reached |\n| --- | ---: | --- | ---: |")
        parts += [_line(row) for row in rows if row.task == task]
        parts.append("")
    met = Counter(
        operation.name for row in rows if row.coverage for operation in row.coverage.operations if operation.met
    )
    parts.append("## Operations on the way, and in how many of these networks\n")
    parts.append(", ".join(f"`{name}` {count}" for name, count in sorted(met.items())))
    return "\n".join(parts) + "\n"


def _line(row: SurveyRow) -> str:
    found = row.coverage
    if found is None:
        return f"| {row.name} | | {row.failure} | |"
    walk = "through" if found.complete else found.summary()
    return f"| {row.name} | {sum(operation.times for operation in found.operations)} | {walk} | {found.fixations} |"
