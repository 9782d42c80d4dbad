"""A report as a PDF. The same report gives the same bytes."""

from __future__ import annotations

from cnnfix_core.errors import need
from cnnfix_core.report.blocks import blocks, title
from cnnfix_core.report.report import Report


def as_pdf(report: Report) -> bytes:
    """The report as an A4 PDF file. Raises MissingPackageError if ReportLab is not installed."""
    need("reportlab")
    from cnnfix_core.report.pdf_layout import pdf_of

    return pdf_of(list(blocks(report)), title(report))
