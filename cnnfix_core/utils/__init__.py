"""Helpers that know nothing about networks: formatting, threads, the journal of long runs."""

from cnnfix_core.utils.formatting import duration, percent
from cnnfix_core.utils.journal import Journal, keep_settings
from cnnfix_core.utils.threads import let_idle_threads_sleep, one_thread, sleeping_in_new_processes, waiting_policy

__all__ = [
    "Journal",
    "duration",
    "keep_settings",
    "let_idle_threads_sleep",
    "one_thread",
    "percent",
    "sleeping_in_new_processes",
    "waiting_policy",
]
