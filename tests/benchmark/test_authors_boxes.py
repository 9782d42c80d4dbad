"""Published boxes, scored again by ILSVRC's rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.authors_boxes import errors, truths_in

XML = """<annotation><filename>{name}</filename><size><width>100</width><height>100</height></size>
{objects}</annotation>"""
OBJECT = """<object><name>{label}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>
</object>"""
TENCH, GOLDFISH = "n01440764", "n01443537"  # classes 0 and 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four pictures: a small tench, twice; a large goldfish; two goldfishes."""
    small, large, corner = (0, 0, 19, 19), (5, 5, 95, 95), (80, 80, 99, 99)
    shown = [[(TENCH, small)], [(TENCH, small)], [(GOLDFISH, large)], [(GOLDFISH, small), (GOLDFISH, corner)]]
    for number, objects in enumerate(shown, 1):
        name = f"ILSVRC2012_val_{number:08}"
        text = "".join(OBJECT.format(*box, label=label) for label, box in objects)
        (tmp_path / f"{name}.xml").write_text(XML.format(name=name, objects=text), "utf-8")
    return tmp_path


def test_boxes_are_scored_by_label_and_any_box_of_it(folder: Path) -> None:
    truths = truths_in(folder)
    lines = [
        "0 0 0 19 19 ",  # right
        "1 0 0 19 19 ",  # the wrong class
        "1 60 60 99 99 ",  # the right class, a wrong box
        "1 78 80 99 98 ",  # fits the second box of the class
    ]
    error, centred = errors(lines, truths)
    assert error == pytest.approx(1 / 2)
    assert centred == pytest.approx(3 / 4)  # the centred box fits the large goldfish alone
    with pytest.raises(ValueError, match="5 lines for 4 annotated pictures"):
        errors([*lines, lines[0]], truths)
