"""The benchmark: methods x models x pictures with a known truth, as rows, and as tables with intervals."""

from cnnfix_core.benchmark.datasets.annotation import corners
from cnnfix_core.benchmark.datasets.items import Item, digest, matched, some
from cnnfix_core.benchmark.datasets.reading import read_annotations
from cnnfix_core.benchmark.results import BenchmarkRow, BenchmarkSettings
from cnnfix_core.benchmark.runner import Plan, Source, Unfit
from cnnfix_core.benchmark.statistics.tables import tables

__all__ = [
    "BenchmarkRow",
    "BenchmarkSettings",
    "Item",
    "Plan",
    "Source",
    "Unfit",
    "corners",
    "digest",
    "matched",
    "read_annotations",
    "some",
    "tables",
]
