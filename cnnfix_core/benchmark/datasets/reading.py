"""Read annotations in any supported format."""

from __future__ import annotations

from pathlib import Path

from cnnfix_core.benchmark.datasets.annotation import AnnotationError, Annotations


def read_annotations(path: Path) -> Annotations:
    """Read annotations from a folder of XML files (ImageNet, PASCAL VOC) or masks, a table, or COCO's JSON.

    Raises:
        AnnotationError: There are none.
    """
    from cnnfix_core.benchmark.datasets import coco_json, csv_boxes, masks, voc_xml

    if not path.exists():
        raise AnnotationError(f"There is no {path}: give a CSV or JSON file, or a folder of XML files or of masks.")
    if path.is_file():
        found = coco_json.read(path) if path.suffix.lower() == ".json" else csv_boxes.read(path)
    elif files := sorted(path.rglob("*.xml")):
        found = voc_xml.read(path, files)
    elif files := sorted(path.rglob("*.png")):
        found = masks.read(path, files)
    else:
        raise AnnotationError(
            f"There are no XML files or PNG masks in {path}: give a folder with either, or a CSV file."
        )
    if not found.found:
        why = f" {found.complaints[0]}" if found.complaints else ""
        raise AnnotationError(f"{path} has no usable annotation.{why}")
    return found
