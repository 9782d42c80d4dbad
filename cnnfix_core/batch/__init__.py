"""Explain many pictures, one table row each, on one machine or a cluster; an interrupted run can be resumed."""

from cnnfix_core.batch.batching import BatchExplainer, BatchResult, open_or_error
from cnnfix_core.batch.row import BatchRow, row_of
from cnnfix_core.batch.runner import Engine
from cnnfix_core.batch.uploads import UploadedPicture, Uploads, unpack_uploads
from cnnfix_core.batch.worker import Work

__all__ = [
    "BatchExplainer",
    "BatchResult",
    "BatchRow",
    "Engine",
    "UploadedPicture",
    "Uploads",
    "Work",
    "open_or_error",
    "row_of",
    "unpack_uploads",
]
