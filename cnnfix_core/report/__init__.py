"""One explanation to hand on: as a page, as a PDF, or with all its data as an archive."""

from cnnfix_core.report.bundle import as_zip
from cnnfix_core.report.html import as_html
from cnnfix_core.report.pdf import as_pdf
from cnnfix_core.report.report import REPORT_METHODS, Report, make

# What a report is written as, by the ending of its file.
WRITERS = {"html": as_html, "pdf": as_pdf, "zip": as_zip}

__all__ = ["REPORT_METHODS", "WRITERS", "Report", "as_html", "as_pdf", "as_zip", "make"]
