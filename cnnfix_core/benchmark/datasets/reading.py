"""Read annotations in any supported format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cnnfix_core.benchmark.datasets.annotation import AnnotationError, Annotations


def read_annotations(path: Path) -> Annotations:
    """Read annotations from a file or a folder.

    Args:
        path: A table, JSON of COCO, or a folder with one file per picture: XML (ImageNet, PASCAL VOC), JSON of LabelMe,
            text files of YOLO, or PNG masks. Of several kinds in a folder, the first that has annotations is read.

    Raises:
        AnnotationError: There are none.
    """
    if not path.exists():
        raise AnnotationError(f"There is no {path}: give a CSV or JSON file, or a folder with one file per picture.")
    failed: list[Annotations] = []
    for one in _of_file(path) if path.is_file() else _of_folder(path):
        if one.found:
            return one
        failed.append(one)
    if not failed:
        raise AnnotationError(
            f"There are no XML, JSON or text files and no PNG masks in {path}: give a folder with one of these, or a "
            "CSV file."
        )
    complaint = next((complaint for one in failed for complaint in one.complaints), "")
    raise AnnotationError(f"{path} has no usable annotation. {complaint}".rstrip())


def _of_file(file: Path) -> Iterator[Annotations]:
    from cnnfix_core.benchmark.datasets import coco_json, csv_boxes

    yield coco_json.read(file) if file.suffix.lower() == ".json" else csv_boxes.read(file)


def _of_folder(folder: Path) -> Iterator[Annotations]:
    from cnnfix_core.benchmark.datasets import labelme_json, masks, voc_xml, yolo_txt

    kinds = {"*.xml": voc_xml.read, "*.json": labelme_json.read, "*.txt": yolo_txt.read, "*.png": masks.read}
    for pattern, read in kinds.items():
        if files := sorted(folder.rglob(pattern)):
            yield read(folder, files)
