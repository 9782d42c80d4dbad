"""A report with all its data as a zip archive. The same report gives the same bytes, except for the time."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core.explanations import as_csv as fixations_csv
from cnnfix_core.explanations import as_dict
from cnnfix_core.metrics import ColumnHeading, as_csv
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.report.html import as_html
from cnnfix_core.report.pdf import as_pdf
from cnnfix_core.report.report import Report
from cnnfix_core.visualization import comparison, png

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date in a zip archive


def as_zip(report: Report) -> bytes:
    """The report as a zip archive: manifest.json, HTML, PDF, data, maps and figures."""
    files = dict(_files(report))
    manifest = {
        "made": report.made,
        "command": report.command,
        **dict(report.facts),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in {"manifest.json": text.encode(), **files}.items():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = 0o644 << 16
            packed = name.endswith((".png", ".jpg", ".pdf"))
            archive.writestr(member, data, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _files(report: Report) -> Iterator[tuple[str, bytes]]:
    explanation = report.explanation
    yield "report.html", as_html(report)
    yield "report.pdf", as_pdf(report)
    yield _picture(report)
    yield "explanation.json", (json.dumps(as_dict(explanation), ensure_ascii=False, indent=1) + "\n").encode()
    yield "fixations.csv", fixations_csv(explanation).encode()
    yield "comparison.csv", _comparison(report).encode()
    for one in report.compared:
        yield f"maps/{one.found.method}.npy", _npy(one.found.map)
    map_ = explanation.map(MAP_SIDE)
    yield "figures/comparison.png", png(comparison(report.picture, explanation, map_, _rival(report)))
    for stop in report.walk:
        yield f"figures/step-{stop.number}.png", png(stop.image)


def _picture(report: Report) -> tuple[str, bytes]:
    """The original picture file under its name, so that the command works beside it; else the decoded pixels."""
    name, content = Path(report.file.name), report.file.content
    if content is None:
        return f"{name.stem}.png", png(Image.fromarray(report.picture.pixels))
    with Image.open(io.BytesIO(content)) as image:
        kind = (image.format or "image").lower()
    return str(name) if name.suffix else f"{name}.{kind}", content


def _rival(report: Report) -> NDArray[np.float32] | None:
    return next((one.found.map for one in report.compared if one.found.method == "gradcam"), None)


def _comparison(report: Report) -> str:
    target, other = report.explanation.target, report.explanation.rather_than
    heading = ColumnHeading(report.model.name, report.file.name, target.label, "" if other is None else other.label)
    return as_csv((heading, one) for one in report.compared)


def _npy(array: NDArray[np.float32]) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()
