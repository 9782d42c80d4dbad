"""Reports of one explanation, as a web page, a PDF, or an archive with all data."""

from cnnfix_core.report.blocks import Figure, Figures, Heading, Lines, Options, Paragraph, Part
from cnnfix_core.report.bundle import as_zip
from cnnfix_core.report.html import as_html
from cnnfix_core.report.pdf import as_pdf
from cnnfix_core.report.report import REPORT_METHODS, PictureFile, Report, explained_for_files, make_report

# Writers by file extension.
WRITERS = {"html": as_html, "pdf": as_pdf, "zip": as_zip}

__all__ = [
    "REPORT_METHODS",
    "WRITERS",
    "Figure",
    "Figures",
    "Heading",
    "Lines",
    "Options",
    "Paragraph",
    "Part",
    "PictureFile",
    "Report",
    "as_html",
    "as_pdf",
    "as_zip",
    "explained_for_files",
    "make_report",
]
