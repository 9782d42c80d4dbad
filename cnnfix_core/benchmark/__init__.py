"""The benchmark: methods x models x pictures with ground truth, as rows, and as tables with confidence intervals."""

from cnnfix_core.benchmark.datasets.annotation import corners
from cnnfix_core.benchmark.datasets.items import Item, digest, matched, sample_items, without_labels
from cnnfix_core.benchmark.datasets.reading import read_annotations
from cnnfix_core.benchmark.results import BenchmarkRow, BenchmarkSettings
from cnnfix_core.benchmark.runner import Plan, Source, UnusableMethod
from cnnfix_core.benchmark.statistics.tables import tables

__all__ = [
    "BenchmarkRow",
    "BenchmarkSettings",
    "Item",
    "Plan",
    "Source",
    "UnusableMethod",
    "corners",
    "digest",
    "matched",
    "read_annotations",
    "sample_items",
    "tables",
    "without_labels",
]
