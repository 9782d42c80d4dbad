"""Reading boxes from whatever file they are in."""

from __future__ import annotations

from pathlib import Path

from cnnfix_core.benchmark.datasets.annotation import AnnotationError, Annotations


def read_annotations(path: Path) -> Annotations:
    """The annotations in a folder of XML files (ImageNet, PASCAL VOC) or of masks, or in a CSV file.

    Raises AnnotationError where there are none at all.
    """
    from cnnfix_core.benchmark.datasets import csv_boxes, masks, voc_xml

    if not path.exists():
        raise AnnotationError(f"There is no {path}: give a CSV file, or a folder of XML files or of masks.")
    if path.is_file():
        found = csv_boxes.read(path)
    elif files := sorted(path.rglob("*.xml")):
        found = voc_xml.read(path, files)
    elif files := sorted(path.rglob("*.png")):
        found = masks.read(path, files)
    else:
        raise AnnotationError(f"In {path} are neither XML files nor PNG masks: give a folder of either, or a CSV file.")
    if not found.found:
        why = f" {found.complaints[0]}" if found.complaints else ""
        raise AnnotationError(f"{path} holds no annotation that can be used.{why}")
    return found
