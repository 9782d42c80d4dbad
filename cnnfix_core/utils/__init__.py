"""Helpers that know nothing about networks: formatting, threads, the journal of long runs."""

from cnnfix_core.utils.formatting import duration, percent
from cnnfix_core.utils.journal import Journal, keep_settings
from cnnfix_core.utils.threads import one_thread

__all__ = ["Journal", "duration", "keep_settings", "one_thread", "percent"]
