"""Read boxes from a table: one per row, in columns named by the first line, or ImageNet's ImageId,PredictionString."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cnnfix_core.benchmark.datasets.annotation import (
    Annotation,
    AnnotationError,
    Annotations,
    Sides,
    are_shares,
    corners,
    shares,
    together,
    whole_size,
)
from cnnfix_core.images import without_ending
from cnnfix_core.tables import (
    NumberFormat,
    Row,
    Table,
    TableError,
    kind_of,
    number_format,
    places_of,
    plain_name,
    read_table,
)

MAX_CSV_BYTES = 200_000_000
_KNOWN = "image,label,x0,y0,x1,y1 or ImageId,PredictionString"
# What the columns are called elsewhere, in small letters and without marks.
_NAMES = {
    "image": "image imageid imagename imagepath filename filepath file path img picture",
    "label": "label labelname class classname category categoryname name",
    "list": "predictionstring",
    "x0": "x0 xmin left",
    "y0": "y0 ymin top",
    "x1": "x1 xmax right",
    "y1": "y1 ymax bottom",
    "x": "x bboxx",
    "y": "y bboxy",
    "w": "w bboxw bboxwidth",
    "h": "h bboxh bboxheight",
    "width": "width imagewidth",
    "height": "height imageheight",
}
_CORNERS, _SIZED = ("x0", "y0", "x1", "y1"), ("x", "y", "w", "h")

ReadRow = Callable[[Row], Iterable[Annotation]]


@dataclass(frozen=True, slots=True)
class _Boxes:
    """A table that was opened: its rows below the first line, and where each column is, counted from 0."""

    file: Path
    table: Table
    names: tuple[str, ...]
    places: Mapping[str, int]

    def rows(self) -> Iterator[Row]:
        """The rows below the names. Raises AnnotationError where the file is no table."""
        rows = self.table.rows()
        next(rows)
        try:
            yield from rows
        except TableError as error:
            raise AnnotationError(f"{self.file}: {error}") from None

    def text(self, row: Row, name: str) -> str:
        """The text in a column, on one line; "" if there is none."""
        place = self.places.get(name, len(row))
        return " ".join(row.texts[place].split()) if place < len(row) else ""

    def picture(self, row: Row) -> str:
        """The name of the picture. Raises ValueError if it is missing."""
        if not self.text(row, "image"):
            raise ValueError("it names no picture")
        return without_ending(self.text(row, "image"))

    def sides(self) -> tuple[str, ...]:
        """The columns of a box: two corners, or a corner and a size; () if they are not complete."""
        return next((names for names in (_CORNERS, _SIZED) if all(name in self.places for name in names)), ())

    def numbers(self, row: Row, form: NumberFormat) -> Sides:
        """Left, top, right and bottom of a box, as its row has them. Raises ValueError, which names the column."""
        found: list[float] = []
        for name in self.sides():
            cell = row.cell(self.places[name])
            try:
                found.append(form.number(cell))
            except TableError:
                what = f"holds “{cell.text[:40]}”" if cell.text else "is empty"
                column = f"column {cell.column} ({self.names[cell.column - 1]})"
                raise ValueError(f"a box is four numbers, and {column} {what}") from None
        x, y, right, bottom = found
        return (x, y, right, bottom) if self.sides() == _CORNERS else (x, y, x + right, y + bottom)

    def size(self, row: Row) -> tuple[int, int] | None:
        """Width and height of the picture, if the table has them."""
        return whole_size(self.text(row, "width"), self.text(row, "height"))

    def annotations(self, read: ReadRow) -> tuple[list[Annotation], tuple[str, ...]]:
        """What `read` makes of each row, and a sentence for each row that it refuses with a ValueError."""
        found: list[Annotation] = []
        complaints: list[str] = []
        for row in self.rows():
            try:
                found += read(row)
            except ValueError as error:
                complaints.append(f"{self.file}, line {row.line}, is left out: {error}.")
        return found, tuple(complaints)


def read(file: Path) -> Annotations:
    """Read the boxes. The names in the first line, in any order, decide the format; other columns are ignored.

    Boxes have two corners (x0, y0, x1, y1 or xmin and so on) or a corner and a size (x, y, w, h), in pixels or, if all
    are from 0 to 1, in shares of the picture.

    Raises:
        AnnotationError: The first line is unknown, or it is not clear what a number is.
    """
    boxes = _opened(file)
    if {"image", "list"} <= boxes.places.keys():
        found, complaints = boxes.annotations(lambda row: _imagenet_row(boxes, row))
    elif "image" in boxes.places and boxes.sides():
        form = _form(boxes)
        relative = _are_relative(boxes, form)
        found, complaints = boxes.annotations(lambda row: [_box_row(boxes, row, form, relative)])
    else:
        raise AnnotationError(f"The first line of {file} must be {_KNOWN}, in any order.")
    return Annotations(together(found), complaints)


def read_labels(file: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read the label of each picture from a file whose first line is image,label; also returns complaints."""
    boxes = _opened(file)
    if not {"image", "label"} <= boxes.places.keys():
        raise AnnotationError(f"The first line of {file} must be image,label.")
    found, complaints = boxes.annotations(lambda row: [Annotation(boxes.picture(row), boxes.text(row, "label"))])
    return {one.picture: one.label for one in found}, complaints


def _opened(file: Path) -> _Boxes:
    if file.stat().st_size > MAX_CSV_BYTES:
        raise AnnotationError(f"{file} is larger than {MAX_CSV_BYTES / 1e6:g} MB.")
    try:
        table = read_table(file.read_bytes())
        names = next((row.texts for row in table.rows()), ())
    except TableError as error:
        raise AnnotationError(f"{file}: {error}") from None
    plain = {plain_name(name) for name in names}
    known = {other: name for name, others in _NAMES.items() for other in others.split()}
    if {"x1", "x2", "y1", "y2"} <= plain:  # the corners, counted from 1
        known |= {"x1": "x0", "y1": "y0", "x2": "x1", "y2": "y1"}
    if not {"x1", "x2", "xmax", "right", "w", "bboxw", "bboxwidth"} & plain:  # the size of a box, not of a picture
        known |= {"width": "w", "height": "h", "left": "x", "top": "y"}
    try:
        return _Boxes(file, table, names, places_of(names, known))
    except TableError as error:
        raise AnnotationError(f"{file}: {error}") from None


def _form(boxes: _Boxes) -> NumberFormat:
    """How the file writes numbers. Raises AnnotationError if that is not clear."""
    cells = (row.cell(boxes.places[name]) for row in boxes.rows() for name in boxes.sides())
    try:
        return number_format(cell for cell in cells if kind_of(cell.text) == "number")
    except TableError as error:
        raise AnnotationError(f"{boxes.file}: {error}") from None


def _are_relative(boxes: _Boxes, form: NumberFormat) -> bool:
    """Whether the boxes are in shares of the picture. Raises AnnotationError if that is not clear."""
    found, whole = False, True
    for row in boxes.rows():
        try:
            sides = boxes.numbers(row, form)
        except ValueError:
            continue
        if not are_shares(sides):
            return False
        found, whole = True, whole and all(side.is_integer() for side in sides)
    if found and whole:
        raise AnnotationError(f"{boxes.file} has only boxes from 0 to 1: are these pixels, or shares of the picture?")
    return found


def _box_row(boxes: _Boxes, row: Row, form: NumberFormat, relative: bool) -> Annotation:
    picture, label, size = boxes.picture(row), boxes.text(row, "label"), boxes.size(row)
    sides = boxes.numbers(row, form)
    if relative:
        return Annotation(picture, label, shares=(shares(sides),), size=size)
    # Corners are pixels of the box; a size counts them.
    right, bottom = (sides[2], sides[3]) if boxes.sides() == _CORNERS else (sides[2] - 1, sides[3] - 1)
    return Annotation(picture, label, (corners((sides[0], sides[1], right, bottom)),), size=size)


def _imagenet_row(boxes: _Boxes, row: Row) -> Iterator[Annotation]:
    """Repeated groups of a label and four numbers: "n01440764 10 20 200 300 n01440764 ..."."""
    words = boxes.text(row, "list").split()
    if not words or len(words) % 5:
        raise ValueError("it must list a label and four numbers for each box")
    picture = boxes.picture(row)
    found = [Annotation(picture, words[n], (corners(words[n + 1 : n + 5]),)) for n in range(0, len(words), 5)]
    yield from found
