"""The table of a batch: one row per picture, in the order of the pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from itertools import islice
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from cnnfix_core.batch.row import BatchRow

Format = Literal["parquet", "csv"]
FORMATS: tuple[Format, ...] = ("parquet", "csv")
_TYPES = {"str": pa.string(), "int": pa.int64(), "float": pa.float64()}
_SCHEMA = pa.schema([(field.name, _TYPES[str(field.type)]) for field in fields(BatchRow)])
_AT_ONCE = 20_000


def table(rows: Iterable[BatchRow], names: Sequence[str]) -> pa.Table:
    """The first row of each of these pictures, in this order, with NaN as null. Other rows are left out."""
    remaining = iter(rows)
    parts = []
    while chunk := list(islice(remaining, _AT_ONCE)):
        parts.append(pa.RecordBatch.from_pylist([asdict(row) for row in chunk], _SCHEMA))
    whole = pa.Table.from_batches(parts, _SCHEMA)
    position = pc.index_in(pa.array(names, pa.string()), whole["picture"])
    whole = whole.take(position.drop_null()).combine_chunks()
    for number, field in enumerate(_SCHEMA):
        if pa.types.is_floating(field.type):
            column = whole.column(number)
            whole = whole.set_column(number, field, pc.if_else(pc.is_nan(column), None, column))
    return whole


def write(whole: pa.Table, folder: Path, kind: Format) -> Path:
    """Write results.parquet or results.csv into the folder atomically; returns the file."""
    file = folder / f"results.{kind}"
    draft = file.with_suffix(".tmp")
    if kind == "parquet":
        pyarrow.parquet.write_table(whole, draft)
    else:
        pyarrow.csv.write_csv(whole, draft)
    os.replace(draft, file)
    return file
