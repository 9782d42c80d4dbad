"""Many pictures: a row each, on one machine or a cluster, that can be stopped and gone on with."""

from cnnfix_core.batch.batching import Answer, Slices, read
from cnnfix_core.batch.row import BatchRow, row_of
from cnnfix_core.batch.runner import Engine
from cnnfix_core.batch.uploads import Packed, unpacked
from cnnfix_core.batch.worker import Work

__all__ = ["Answer", "BatchRow", "Engine", "Packed", "Slices", "Work", "read", "row_of", "unpacked"]
