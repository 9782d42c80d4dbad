"""Real gaze or clicks from a table: one point per row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from cnnfix_core.gaze.looks import GazeError, Looks, looks
from cnnfix_core.images import by_unique_name, without_ending
from cnnfix_core.tables import (
    Cell,
    NumberFormat,
    Row,
    TableError,
    is_plain,
    kind_of,
    number_format,
    places_of,
    read_table,
)

MAX_GAZE_BYTES = 200_000_000
# What the columns are called elsewhere, in small letters and without marks.
_NAMES = {
    "x": "x xpos posx px gazex gazepointx fixationx fixationpointx xposition positionx",
    "y": "y ypos posy py gazey gazepointy fixationy fixationpointy yposition positiony",
    "weight": "weight w duration fixationduration dwell dwelltime count",
    "observer": "observer subject participant person viewer reader user observerid subjectid participantid userid",
    "picture": "picture image imageid imagename imagepath filename filepath file path img stimulus stimulusname",
}
_KNOWN = {other: name for name, others in _NAMES.items() for other in others.split()}


@dataclass(frozen=True, slots=True)
class GazePoint:
    """A row of the table: its line in the file, the place in pixels or shares, and whose on which picture it is."""

    line: int
    x: float
    y: float
    weight: float
    observer: str
    picture: str


@dataclass(frozen=True)
class Gaze:
    """A table of points.

    Attributes:
        points: In the order of the file.
        relative: Whether x and y are shares of the picture's width and height, from 0 to 1, not pixels.
        complaints: A sentence for each row that was left out.
    """

    points: tuple[GazePoint, ...]
    relative: bool
    complaints: tuple[str, ...]

    @cached_property
    def _by_picture(self) -> dict[str, list[GazePoint]]:
        found: dict[str, list[GazePoint]] = {}
        for point in self.points:
            if point.picture:
                found.setdefault(point.picture, []).append(point)
        return found

    @cached_property
    def _known(self) -> dict[str, str]:
        return by_unique_name(self._by_picture)

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of the pictures without endings, in order of appearance; () if no column names them."""
        return tuple(self._by_picture)

    def on(self, picture: str) -> Gaze:
        """The points on the picture of this name, or of this file name where the table has one such picture."""
        wanted = {name for name in (without_ending(picture), without_ending(picture).rpartition("/")[2]) if name}
        found = {self._known[name] for name in wanted if name in self._known}
        points = tuple(point for name in sorted(found) for point in self._by_picture[name])
        return Gaze(points, self.relative, self.complaints)

    def observers(self, size: tuple[int, int]) -> tuple[list[Looks], tuple[str, ...]]:
        """The points of each observer on a picture of this size, and a sentence for each point that is not in it.

        Rows without an observer belong to one.
        """
        found: dict[str, list[GazePoint]] = {}
        complaints = []
        scale = size if self.relative else (1, 1)
        for point in self.points:
            at = point.x * scale[0], point.y * scale[1]
            if 0 <= at[0] < size[0] and 0 <= at[1] < size[1]:
                found.setdefault(point.observer, []).append(point)
            else:
                complaints.append(
                    f"Line {point.line} is left out: ({point.x:g}, {point.y:g}) lies outside the picture, which has "
                    f"{size[0]} x {size[1]} pixels."
                )
        return [
            looks([(one.x * scale[0], one.y * scale[1]) for one in those], size, [one.weight for one in those])
            for those in found.values()
        ], tuple(complaints)


def read_gaze(content: bytes) -> Gaze:
    """Read points from a table, whose first line names the columns, in any order; other columns are ignored.

    x and y are needed: pixels from the upper left corner of the picture or, if all are from 0 to 1, shares of its width
    and height. weight (such as a duration), observer and picture may be missing.

    Raises:
        GazeError: There is no table, x or y is missing, it is not clear what a number is, or no row can be used.
    """
    if len(content) > MAX_GAZE_BYTES:
        raise GazeError(f"The table of points is larger than {MAX_GAZE_BYTES / 1e6:g} MB.")
    try:
        rows = list(read_table(content).rows())
        first = rows.pop(0) if rows else Row(1, ())
        places = places_of(first.texts, _KNOWN)
        if not {"x", "y"} <= places.keys():
            raise GazeError(
                f"The first line must name the columns, x and y at least; it is “{', '.join(first.texts)[:80]}”."
            )
        cells = [cell for row in rows for cell in _numbers(row, places)]
        form = NumberFormat() if is_plain(cell.text for cell in cells) else number_format(cells)
    except TableError as error:
        raise GazeError(str(error)) from None
    return _gaze(rows, places, form)


def _gaze(rows: Sequence[Row], places: Mapping[str, int], form: NumberFormat) -> Gaze:
    points, complaints = [], []
    for row in rows:
        try:
            points.append(_point(row, places, form))
        except ValueError as error:
            complaints.append(f"Line {row.line} is left out: {error}.")
    if not points:
        raise GazeError(f"The table has no point. {complaints[0]}" if complaints else "The table has no point.")
    return Gaze(tuple(points), _are_shares(points), tuple(complaints))


def _point(row: Row, places: Mapping[str, int], form: NumberFormat) -> GazePoint:
    """The point of a row. Raises ValueError, which says what is wrong."""
    x, y = (_number(row.cell(places[name]), name, form) for name in ("x", "y"))
    weight = 1.0
    if "weight" in places:
        weight = _number(row.cell(places["weight"]), "the weight", form)
        if weight <= 0:
            raise ValueError(f"the weight is {weight:g}, but must be more than 0")
    picture = _text(row, places, "picture")
    if "picture" in places and not picture:
        raise ValueError("it names no picture")
    return GazePoint(row.line, x, y, weight, _text(row, places, "observer"), without_ending(picture))


def _number(cell: Cell, name: str, form: NumberFormat) -> float:
    try:
        return form.number(cell)
    except TableError:
        raise ValueError(f"{name} {f'is “{cell.text[:40]}”, no number' if cell.text else 'is empty'}") from None


def _numbers(row: Row, places: Mapping[str, int]) -> Iterator[Cell]:
    cells = (row.cell(places[name]) for name in ("x", "y", "weight") if name in places)
    return (cell for cell in cells if kind_of(cell.text) == "number")


def _text(row: Row, places: Mapping[str, int], name: str) -> str:
    return " ".join(row.cell(places[name]).text.split()) if name in places else ""


def _are_shares(points: Sequence[GazePoint]) -> bool:
    """Whether all points are from 0 to 1. Raises GazeError if that is not clear."""
    places = [side for point in points for side in (point.x, point.y)]
    if not all(0 <= side <= 1 for side in places):
        return False
    if all(math.floor(side) == side for side in places):
        raise GazeError("All x and y are 0 or 1: it is not clear whether these are pixels or shares of the picture.")
    return True
