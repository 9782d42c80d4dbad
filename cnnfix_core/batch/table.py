"""The table of a batch: one row per picture, in the order of the pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from cnnfix_core.batch.row import BatchRow
from cnnfix_core.utils import is_formula, no_formula, printable, replacing

Format = Literal["parquet", "csv"]
FORMATS: tuple[Format, ...] = ("parquet", "csv")
_TYPES = {"str": pa.string(), "int": pa.int64(), "float": pa.float64()}
_SCHEMA = pa.schema([(field.name, _TYPES[str(field.type)]) for field in fields(BatchRow)])
_AT_ONCE = 20_000


def table(rows: Iterable[BatchRow], names: Sequence[str]) -> pa.Table:
    r"""The first row of each of these pictures, in this order, with NaN as null. Other rows are left out.

    Bytes of a name that are not UTF-8, which tables cannot hold, are written as `\xe9`.
    """
    first: dict[str, int] = {}
    parts = []
    for number, chunk in enumerate(_chunks(rows)):
        for n, row in enumerate(chunk):
            first.setdefault(row.picture, number * _AT_ONCE + n)
        parts.append(pa.RecordBatch.from_pylist([_cells(row) for row in chunk], _SCHEMA))
    whole = pa.Table.from_batches(parts, _SCHEMA)
    positions = pa.array([first[name] for name in names if name in first], pa.int64())
    whole = whole.take(positions).combine_chunks()
    return _changed(whole, pa.types.is_floating, lambda column: pc.if_else(pc.is_nan(column), None, column))


def _chunks(rows: Iterable[BatchRow]) -> Iterator[list[BatchRow]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, _AT_ONCE)):
        yield chunk


def _cells(row: BatchRow) -> dict[str, Any]:
    return {name: printable(value) if isinstance(value, str) else value for name, value in asdict(row).items()}


def without_formulas(whole: pa.Table) -> tuple[pa.Table, int]:
    """The table with an apostrophe before each text that a spreadsheet could compute, and how many there are."""
    names = [field.name for field in _SCHEMA if pa.types.is_string(field.type)]
    count = sum(is_formula(text) for name in names for text in whole[name].to_pylist())
    protected = _changed(
        whole, pa.types.is_string, lambda column: pa.array(map(no_formula, column.to_pylist()), pa.string())
    )
    return (protected, count) if count else (whole, 0)


def _changed(whole: pa.Table, fits: Callable[[pa.DataType], bool], change: Callable[[Any], Any]) -> pa.Table:
    for number, field in enumerate(_SCHEMA):
        if fits(field.type):
            whole = whole.set_column(number, field, change(whole.column(number)))
    return whole


def write(whole: pa.Table, folder: Path, kind: Format) -> Path:
    """Write results.parquet or results.csv into the folder atomically; returns the file. Raises CnnfixError."""
    file = folder / f"results.{kind}"
    with replacing(file) as draft:
        if kind == "parquet":
            pyarrow.parquet.write_table(whole, draft)
        else:
            pyarrow.csv.write_csv(whole, draft)
    return file
