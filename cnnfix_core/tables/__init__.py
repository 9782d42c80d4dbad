"""Tables in text files, such as CSV: cells with their places, and numbers as people in many countries write them."""

from cnnfix_core.tables.columns import places_of, plain_name
from cnnfix_core.tables.numbers import (
    Kind,
    NumberFormat,
    is_plain,
    iso_date,
    kind_of,
    number_format,
    written_whole,
)
from cnnfix_core.tables.reading import Cell, Row, Table, TableError, read_table

__all__ = [
    "Cell",
    "Kind",
    "NumberFormat",
    "Row",
    "Table",
    "TableError",
    "is_plain",
    "iso_date",
    "kind_of",
    "number_format",
    "places_of",
    "plain_name",
    "read_table",
    "written_whole",
]
