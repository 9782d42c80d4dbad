"""`cnnfix gaze`: how well do a network's maps predict where people looked or clicked?"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnfix_core.cli.options import (
    add_methods,
    add_question,
    load,
    model_options,
    opened,
    parse_methods,
    print_left_out,
    print_warnings,
    target_of,
    written_file,
)
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import write_file

if TYPE_CHECKING:
    from cnnfix_core.gaze import Gaze, GazeMeasure, GazeNumbers
    from cnnfix_core.images import Picture
    from cnnfix_core.methods import Map
    from cnnfix_core.metrics import ClassTarget, Interval
    from cnnfix_core.zoo import Model


def add(command: Parser) -> None:
    """Declare the command."""
    add_question(command, "a folder of pictures; or the name of a sample picture")
    command.add_argument(
        "--points",
        metavar="FILE",
        type=Path,
        required=True,
        help="a table whose first line names its columns: x and y, in pixels from the upper left corner or in shares "
        "of the picture from 0 to 1; picture and observer, where there are several; weight, if they have one",
    )
    add_methods(command, more="; a blob in the middle and random points are always measured too")
    command.add_argument(
        "--sigma",
        metavar="PIXELS",
        type=_sigma,
        help="blur of the points, in pixels of the picture (default: that of fixations, 5/224 of its sides)",
    )
    command.add_argument("--csv", metavar="FILE", type=written_file, help="write the numbers of each picture as CSV")


@dataclass(frozen=True, slots=True)
class _Measured:
    """One picture: its name, what was asked, what was measured, and how many looked how often."""

    picture: str
    question: str
    numbers: dict[str, GazeNumbers]
    observers: int
    points: int


def run(options: argparse.Namespace) -> int:
    """Measure each picture that has points, print the table, and write the file."""
    from cnnfix_core.gaze import read_gaze
    from cnnfix_core.methods import BASELINES

    methods = [name for name in parse_methods(options.methods) if name not in BASELINES]
    try:
        gaze = read_gaze(options.points.read_bytes())
    except OSError as error:
        raise CnnfixError(f"The points in {options.points} cannot be read: {error.strerror}.") from error
    pictures = _pictures(options.image, gaze)
    print_warnings(gaze.complaints)
    model = load(options.model, model_options(options))
    found = list(_all_measured(model, pictures, methods, options))
    if not found:
        raise CnnfixError("No picture could be measured: see the sentences above.")
    what = found[0].question if len(found) == 1 else f"{len(found):,} pictures."
    people = f" of {found[0].observers:,} observers" if len(found) == 1 and found[0].observers > 1 else ""
    print(f"{what} {model.title}. {sum(one.points for one in found):,} points{people}.\n")
    print(_table(found))
    if options.csv:
        write_file(options.csv, _csv(found))
    return 0


def _all_measured(
    model: Model,
    pictures: Sequence[tuple[str, bytes | Path, Gaze]],
    methods: Sequence[str],
    options: argparse.Namespace,
) -> Iterator[_Measured]:
    """Each picture that can be measured; prints why others are left out, and the progress."""
    with Waiting("Drawing maps") as waiting:
        for number, (name, source, points) in enumerate(pictures):
            waiting(number / len(pictures), f"Picture {number + 1:,} of {len(pictures):,}")
            try:
                yield _measured(model, name, source, points, methods, options)
            except CnnfixError as error:
                if len(pictures) == 1:
                    raise
                print_warnings([f"{name} is left out. {error}"])


def _pictures(name: str, gaze: Gaze) -> list[tuple[str, bytes | Path, Gaze]]:
    """The pictures that have points: name, where it is read from, and its points."""
    from cnnfix_core.images import bytes_of, named_pictures

    if not Path(name).is_dir():
        points = gaze.on(name) if gaze.pictures else gaze
        if not points.points:
            raise CnnfixError(f"No point is on {name}: the table has points on {_listed(gaze.pictures)}.")
        return [(name, bytes_of(name), points)]
    if not gaze.pictures:
        raise CnnfixError("The table has no column picture: it must say on which picture of the folder each point is.")
    files = named_pictures(Path(name))
    found: list[tuple[str, bytes | Path, Gaze]] = [
        (name, file, points) for name, file in files.items() if (points := gaze.on(name)).points
    ]
    if not found:
        raise CnnfixError(f"No point is on a picture in {name}: the table has points on {_listed(gaze.pictures)}.")
    print_left_out(Path(name))
    used = {point.picture for _, _, points in found for point in points.points}
    print_warnings([f"The picture {one} of the table is missing." for one in gaze.pictures if one not in used])
    return found


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def _measured(
    model: Model, name: str, source: bytes | Path, points: Gaze, methods: Sequence[str], options: argparse.Namespace
) -> _Measured:
    from cnnfix_core.explanations import classes, question
    from cnnfix_core.gaze import beside_baselines

    picture = opened(source)
    observers, outside = points.observers((picture.width, picture.height))
    print_warnings([f"{name}: {sentence}" for sentence in outside])
    if not observers:
        raise CnnfixError(f"None of its points lies in {name}: are they in pixels of another size?")
    said = classes(model, picture)
    wanted, other = said.asked(target_of(options))
    maps = dict(_maps(model, picture, wanted if other is None else (wanted, other), methods, name))
    if not maps:
        raise CnnfixError("None of the methods produced a map: choose others.")
    asked = question(said.prediction(wanted), None if other is None else said.prediction(other))
    numbers = beside_baselines(maps, observers, options.sigma)
    return _Measured(name, asked, numbers, len(observers), sum(map(len, observers)))


def _maps(
    model: Model, picture: Picture, asked: ClassTarget, methods: Sequence[str], name: str
) -> Iterator[tuple[str, Map]]:
    from cnnfix_core.metrics import Failed, compare
    from cnnfix_core.regions import GroundTruth

    for one in compare(model, picture, GroundTruth(picture.width, picture.height), asked, methods):
        if isinstance(one, Failed):
            print_warnings([f"{name}: {one.method} is left out. {one.why}"])
        else:
            yield one.found.method, one.found.map


def _table(found: Sequence[_Measured]) -> str:
    """Mean over the pictures of each measure and method; of six or more with a 95 % interval."""
    from cnnfix_core.gaze import BASELINE_TITLES, GAZE_MEASURES
    from cnnfix_core.methods import METHODS
    from cnnfix_core.utils import aligned

    lines = [["", *(one.title for one in GAZE_MEASURES)]]
    for method in _methods(found):
        title = BASELINE_TITLES.get(method) or METHODS[method].title
        lines.append([title, *(_written(*pair) for pair in zip(_intervals(found, method), GAZE_MEASURES, strict=True))])
    return aligned(lines, words=1)


def _methods(found: Sequence[_Measured]) -> list[str]:
    """Methods in order of appearance, baselines last."""
    from cnnfix_core.gaze import BASELINE_TITLES

    names = dict.fromkeys(name for one in found for name in one.numbers)
    return sorted(names, key=lambda name: [*BASELINE_TITLES].index(name) if name in BASELINE_TITLES else -1)


def _intervals(found: Sequence[_Measured], method: str) -> list[Interval]:
    """The mean of each measure over the pictures that have it."""
    import numpy as np

    from cnnfix_core.metrics import interval, resampled_means

    values = np.array([astuple(one.numbers[method]) for one in found if method in one.numbers])
    means = resampled_means(values, np.arange(len(values)))
    return [interval(*pair) for pair in zip(values.T, means.T, strict=True)]


def _written(value: Interval, measure: GazeMeasure) -> str:
    from cnnfix_core.utils import decimals

    if not value.count:
        return "–"
    mean, low, high = (decimals(number, measure.digits) for number in (value.mean, value.low, value.high))
    return f"{mean} ({low} to {high})" if value.known else mean


def _csv(found: Sequence[_Measured]) -> str:
    """One row per picture and method."""
    from cnnfix_core.gaze import GAZE_MEASURES
    from cnnfix_core.utils import csv_text

    rows = [
        [one.picture, one.question, method, *(_cell(value) for value in astuple(numbers)), one.observers, one.points]
        for one in found
        for method, numbers in one.numbers.items()
    ]
    names = [measure.field for measure in GAZE_MEASURES]
    return csv_text(["picture", "question", "method", *names, "observers", "points"], rows)


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _sigma(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e5:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of pixels above 0")
    return value
