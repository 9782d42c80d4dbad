"""Helpers that know nothing about networks: CSV, files, formatting, processes, threads, the journal of long runs."""

from cnnfix_core.utils.csv_cells import csv_text, is_formula, no_formula
from cnnfix_core.utils.files import cannot_write, printable, remove_drafts_left, replacing, write_file
from cnnfix_core.utils.formatting import aligned, decimals, duration, percent, significant
from cnnfix_core.utils.journal import Journal, in_order, keep_settings, only_run_in
from cnnfix_core.utils.memory import c_library, keep_freed_memory
from cnnfix_core.utils.processes import EndingWithParent, no_ctrl_c_lost, without_ctrl_c_in_new_processes
from cnnfix_core.utils.threads import let_idle_threads_sleep, one_thread, sleeping_in_new_processes, waiting_policy

__all__ = [
    "EndingWithParent",
    "Journal",
    "aligned",
    "c_library",
    "cannot_write",
    "csv_text",
    "decimals",
    "duration",
    "in_order",
    "is_formula",
    "keep_freed_memory",
    "keep_settings",
    "let_idle_threads_sleep",
    "no_ctrl_c_lost",
    "no_formula",
    "one_thread",
    "only_run_in",
    "percent",
    "printable",
    "remove_drafts_left",
    "replacing",
    "significant",
    "sleeping_in_new_processes",
    "waiting_policy",
    "without_ctrl_c_in_new_processes",
    "write_file",
]
