"""Broken files by the thousand: what reads files of strangers may refuse them, in a sentence, and nothing else.

    python tools/fuzz.py --pictures 100000 --others 10000 --seed 1

Every case is a whole file with bytes changed, cut out, doubled or set to extremes, drawn with the seed and its number,
so that a failure can be had again. Half of the models are changed inside: a member of the archive, with its checksum
made right, so that the change reaches what reads it. A case fails if it takes more than 10 s of a processor, 60 s by
the clock or 1 GB more memory than the process had before, or if it ends the process that reads models; a reader that
swallows errors hides none of these.
"""

import argparse
import io
import json
import multiprocessing
import random
import re
import resource
import signal
import sys
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from safetensors.torch import save
from torch import nn

from cnnfix_core import errors, open_picture
from cnnfix_core.backtrack import Chosen
from cnnfix_core.batch import unpack_uploads
from cnnfix_core.benchmark.datasets.masks import open_mask
from cnnfix_core.benchmark.datasets.reading import read_annotations
from cnnfix_core.engine import Unit
from cnnfix_core.explanations import view_scores
from cnnfix_core.gaze import read_gaze
from cnnfix_core.images import list_samples, picture
from cnnfix_core.lessons import address_of, parse_screen, read_lesson, read_prose
from cnnfix_core.modalities.timeseries import read_series
from cnnfix_core.regions import GroundTruth
from cnnfix_core.zoo import FileOptions, architectures, asked, open_tried, read_labels
from cnnfix_core.zoo.untrusted import apart
from cnnfix_site import ASSETS

SECONDS, WAIT, MEMORY = 10, 60, 1_000_000_000
_MEMORY = re.compile("GB of memory")
_PART, _PARTS = 1000, 16  # cases in a part, and parts that the same processes run
EXTREMES = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\x7f\xff\xff\xff",
    b"9" * 12,
    b"9" * 5000,  # more digits than Python makes a number of
    b"1e999",
    b"\\ud800",  # half a character, in JSON
    b"[" * 2000,
)
ARCHITECTURE = "squeezenet1_1"


class Failure(NamedTuple):
    """What went wrong with which case."""

    kind: str
    number: int
    what: str


def _flip(data: bytearray, at: int, _size: int, chance: random.Random) -> None:
    data[at] ^= 1 << chance.randrange(8)


def _noise(data: bytearray, at: int, size: int, chance: random.Random) -> None:
    data[at : at + size] = chance.randbytes(size)


def _extreme(data: bytearray, at: int, _size: int, chance: random.Random) -> None:
    extreme = chance.choice(EXTREMES)
    data[at : at + len(extreme)] = extreme


def _cut(data: bytearray, at: int, size: int, _chance: random.Random) -> None:
    del data[at : at + size]


def _double(data: bytearray, at: int, size: int, _chance: random.Random) -> None:
    data[at:at] = data[at : at + size]


def _end(data: bytearray, at: int, _size: int, _chance: random.Random) -> None:
    del data[at:]


CHANGES = (_flip, _noise, _extreme, _cut, _double, _end)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The file with one to eight changes, most of them near its beginning, where sizes stand."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        if not data:
            break
        at = min(int(len(data) * chance.random() ** chance.choice((1, 3, 6))), len(data) - 1)
        size = chance.choice((1, 2, 4, 16, 200))
        chance.choice(CHANGES)(data, at, size, chance)
    return bytes(data)


def pictures() -> list[bytes]:
    """Small files of every format and mode that is read."""
    rng = np.random.default_rng(0)
    colour = Image.fromarray(rng.integers(0, 255, (19, 23, 3), np.uint8))
    files = []
    for mode in ("RGB", "L", "P", "RGBA", "LA", "1", "CMYK", "I;16", "F", "I"):
        image = colour.convert("L").convert(mode) if mode in ("I;16", "F", "I") else colour.convert(mode)
        for kind in picture.FORMATS:
            for options in ({}, {"compression": "tiff_lzw"}) if kind == "TIFF" else ({},):
                file = io.BytesIO()
                try:
                    image.save(file, kind, **options)
                except (OSError, ValueError, KeyError):
                    continue
                files.append(file.getvalue())
    turned, moving = io.BytesIO(), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    colour.save(turned, "JPEG", exif=exif, progressive=True)
    colour.save(moving, "GIF", save_all=True, append_images=[colour.rotate(90)])
    return [*files, turned.getvalue(), moving.getvalue()]


class Tiny(nn.Module):
    """A network whose program is small."""

    def __init__(self) -> None:
        super().__init__()
        self.cut, self.head = nn.Conv2d(3, 4, 3, 2), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of three classes."""
        scores: torch.Tensor = self.head(self.cut(x).relu().mean((2, 3)))
        return scores


def models() -> list[bytes]:
    """A state dict in all formats, alone and in a checkpoint, and a program in both formats."""
    state = architectures.build(ARCHITECTURE, 3).state_dict()
    pickled, checkpoint, old, program = (io.BytesIO() for _ in range(4))
    torch.save(state, pickled)
    torch.save({"net": state, "args": argparse.Namespace(lr=0.1)}, checkpoint, pickle_protocol=5)
    torch.save(state, old, _use_new_zipfile_serialization=False)
    torch.export.save(torch.export.export(Tiny().eval(), (torch.zeros(1, 3, 16, 16),)), program)
    return [pickled.getvalue(), checkpoint.getvalue(), old.getvalue(), save(state), program.getvalue(), _onnx()]


def _onnx() -> bytes:
    weights = {"w": torch.randn(4, 3, 3, 3).numpy(), "h": torch.randn(4, 3).numpy()}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], strides=[2, 2]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("ReduceMean", ["b"], ["c"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["c", "h"], ["z"]),
    ]
    seen, said = ((TensorProto.FLOAT, [1, 3, 16, 16]), (TensorProto.FLOAT, [1, 3]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", *seen)],
        [helper.make_tensor_value_info("z", *said)],
        [numpy_helper.from_array(one, name) for name, one in weights.items()],
    )
    written: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    return written


def tables() -> list[bytes]:
    """Labels, series, and archives of pictures."""
    labels = json.dumps({str(n): ["n0", f"class {n}"] for n in range(20)}).encode()
    series = "\n".join(",".join(f"{n * k / 7:.3f}" for n in range(40)) for k in range(3)).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for number, picture in enumerate(pictures()[:3]):
            packed.writestr(f"folder/{number}.png", picture)
    gaze = "x,y,duration,observer,picture\n" + "\n".join(f"{n},{n / 2},{n * 10},p{n % 3},cat" for n in range(20))
    return [labels, b"cat\ndog\n", series, archive.getvalue(), gaze.encode()]


def changed_inside(content: bytes, chance: random.Random) -> bytes:
    """The archive with one member mutated; with a text in JSON as often as not, a number in it made another."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        names = old.namelist()
        wanted = chance.choice([name for name in names if name.endswith((".json", ".pkl"))] or names)
        for name in names:
            member = old.read(name)
            if name == wanted:
                numbers = name.endswith(".json") and chance.random() < 0.7
                member = _other_number(member, chance) if numbers else mutated(member, chance)
            new.writestr(zipfile.ZipInfo(name), member)
    return made.getvalue()


def _other_number(text: bytes, chance: random.Random) -> bytes:
    found = list(re.finditer(rb"(?<=[ :\[])-?\d+", text))
    if not found:
        return text
    one = chance.choice(found)
    other = chance.choice((b"0", b"-1", b"2", b"7", b"1000000", b"9" * 18, b"4611686018427387904"))
    return text[: one.start()] + other + text[one.end() :]


def open_model(content: bytes) -> object:
    """As weights, or as a program, whatever it begins with; every other one stays elsewhere and is asked there.

    That its process was ended is a failure.
    """
    options = FileOptions("x.onnx" if b"tiny" in content else "file", ARCHITECTURE)
    try:
        tried = open_tried(content, options, elsewhere=zlib.crc32(content) % 2 == 0)
        return asked(tried.model, view_scores, open_picture(list_samples()[1].read()), "whole")
    except errors.ModelError as error:
        if was_ended(error):
            raise AssertionError(str(error)) from error
        raise


def was_ended(error: errors.CnnfixError) -> bool:
    """Whether a process ended, or ran out of memory."""
    ends = any(isinstance(one, apart.EndedError) for one in (error, error.__cause__))
    return ends or bool(_MEMORY.search(str(error)))


def open_table(content: bytes) -> None:
    """As everything that a table may be."""
    for read in (read_labels, read_series, lambda data: unpack_uploads([("x", data)]), _read_gaze):
        try:
            read(content)
        except errors.CnnfixError:
            continue


def _read_gaze(content: bytes) -> None:
    gaze = read_gaze(content)
    for name in gaze.pictures or ("cat",):
        gaze.on(name).observers((640, 480))


def annotations() -> list[bytes]:
    """Boxes and masks of pictures in every form; after each a zero and the name of its file. A new reader: a line."""
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax></bndbox>"
    size = "<size><width>23</width><height>19</height></size>"
    voc = f"<annotation>{size}<object><name>cat</name>{box}</object></annotation>"
    images = [{"id": 1, "file_name": "a.png", "width": 23, "height": 19}]
    boxes = [{"image_id": 1, "category_id": 3, "bbox": [1, 2, 8, 6]}]
    coco = {"images": images, "annotations": boxes, "categories": [{"id": 3, "name": "cat"}]}
    shapes = [
        {"label": "cat", "points": [[1, 2], [9.5, 8], [3, 4]], "shape_type": "polygon"},
        {"label": "dog", "points": [[4, 4], [6, 7]], "shape_type": "circle"},
    ]
    labelme = {"shapes": shapes, "imagePath": "a.png", "imageWidth": 23, "imageHeight": 19, "imageData": None}
    mask = io.BytesIO()
    Image.fromarray(np.eye(19, 23, dtype=np.uint8) * 255).save(mask, "PNG")
    files = {
        "folder/a.xml": voc.encode(),
        "boxes.json": json.dumps(coco).encode(),
        "boxes.csv": b"image,label,x0,y0,x1,y1\na.png,cat,1,2,9,8\nb.png,285,0.1,0.2,0.5,0.6\n",
        "imagenet.csv": b"ImageId,PredictionString\nILSVRC2012_val_00000001,n01751748 1 2 9 8\n",
        "folder/a.png": mask.getvalue(),
        "folder/labels.csv": b"image,label\na,cat\n",
        "folder/a.json": json.dumps(labelme).encode(),
        "folder/a.txt": b"0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.9 0.1 0.5 0.9\n1 0.5 0.5 0.2 0.2 0.97\n",
        "folder/classes.txt": b"cat\ndog\n",
    }
    return [content + b"\0" + name.encode() for name, content in files.items()]


_BESIDE = {  # what a file needs in its folder
    "labels.csv": {"a.png": pictures()[0]},
    "classes.txt": {"a.txt": b"0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.9 0.1 0.5 0.9\n"},
}


def open_annotation(content: bytes) -> None:
    """As the file that the name after it says, or as a table, beside a mask where that belongs to it."""
    content, _, name = content.rpartition(b"\0")
    names = [one.rpartition(b"\0")[2] for one in annotations()]
    name = name if name in names else b"boxes.csv"
    with TemporaryDirectory() as place:
        file = Path(place, name.decode())
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        for beside, what in _BESIDE.get(file.name, {}).items():
            Path(file.parent, beside).write_bytes(what)
        for one in read_annotations(file.parent if file.parent.name == "folder" else file).found:
            if one.mask:
                open_mask(one.mask, 23, 19)
            GroundTruth(23, 19, one.boxes_in(23, 19))


def addresses() -> list[bytes]:
    """One of every page's settings, as they stand in an address."""
    return [
        b"efficientnet_lite0",
        b"cat",
        b"285",
        b"evidence",
        b"model:cat:285:",
        b"wanted:3:281",
        b"3.14,2.7",
        b"12:34:5",
        b"10,20-30,40",
        b"10,20,30,40-5,6,7,8",
        b"layer3.0.conv1:87,4,5",
        b"30.83.12.7",
    ]


def parse_address(content: bytes) -> None:
    """Each setting of every page reads it, or says that it cannot."""
    for setting in _settings():
        try:
            setting.parse(content.decode("utf-8", "replace"))
        except ValueError:
            continue


def _settings() -> Iterator[Any]:
    from cnnfix_ui import address
    from cnnfix_ui.backtrack.talk import parse_step
    from cnnfix_ui.batch import state as batch
    from cnnfix_ui.captions import state as captions
    from cnnfix_ui.compare import state as compare
    from cnnfix_ui.explore import questions
    from cnnfix_ui.signals import state as signals
    from cnnfix_ui.sketch import state as sketch
    from cnnfix_ui.widgets import controls, places

    for module in (controls, questions, batch, captions, compare, signals, sketch):
        yield from module.SETTINGS.values()
    yield address.Setting(None, places.parse_pixel)
    yield address.Setting(None, partial(places.parse_taps, most=5, boxes=True))
    yield address.Setting(None, partial(places.parse_boxes, most=5))
    yield address.Setting(None, Unit.parse)
    yield address.Setting(None, Chosen.parse)
    yield address.Setting(None, parse_step)


def lessons() -> list[bytes]:
    """Lesson files: the shipped ones, and one with every kind of question."""
    every = (
        "answer: choose\n\n- [ ] a\n- [x] b",
        "answer: look 3\nhint: h",
        "answer: look box",
        "answer: which cam gradcam",
        "answer: guess 0 to 100 %\nright: inside",
    )
    head = "---\ntitle: t\ngoal: g\nminutes: 5\nage: all\n---\n\n"
    steps = (f"## s\nscreen: /explore?picture=cat\nask: a\n{one}\n\n**b** *i* `c` [l](https://a.b)\n" for one in every)
    shipped = [file.read_bytes() for file in sorted((ASSETS / "lessons").glob("*.md"))]
    return [(head + "\n".join(steps)).encode(), *shipped]


def open_lesson(content: bytes) -> None:
    """Read it. One that can be read holds no markup: its texts are what a person can see."""
    lesson = read_lesson(content, "fuzzed")
    for step in lesson.steps:
        parse_screen(address_of(step.screen))
        for text in (step.text, step.hint, step.reveal, step.notes):
            assert not read_prose(text)[1]


KINDS: dict[str, tuple[Callable[[], list[bytes]], Callable[[bytes], object]]] = {
    "picture": (pictures, open_picture),
    "model": (models, open_model),
    "table": (tables, open_table),
    "address": (addresses, parse_address),
    "lesson": (lessons, open_lesson),
    "annotation": (annotations, open_annotation),
}


def run(kind: str, seed: int, numbers: range) -> tuple[Counter[str], list[Failure], float]:
    """These cases: how they ended, what went wrong, and the longest one's seconds."""
    make, read = KINDS[kind]
    seeds, ended, failures, longest = make(), Counter[str](), [], 0.0
    architectures.torchvision_models()
    read(seeds[0])  # other imports
    _limit_memory()
    apart.MAX_SECONDS = apart.MAX_ANSWER_SECONDS = SECONDS  # of the processes for models
    for given in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(given, _too_long)
    for number in numbers:
        chance = random.Random(seed * 1_000_000_007 + number)
        seed_file = chance.choice(seeds)
        inside = kind == "model" and seed_file.startswith(b"PK") and chance.random() < 0.5
        content = changed_inside(seed_file, chance) if inside else mutated(seed_file, chance)
        started, before = time.perf_counter(), _peak()
        _limit_time(SECONDS, WAIT)
        try:
            read(content)
            ended["read"] += 1
        except errors.CnnfixError:
            ended["refused"] += 1
        except BaseException as error:  # TooLongError too, which no reader can take for an error of the file
            failures.append(Failure(kind, number, f"{type(error).__name__}: {error}"))
        finally:
            _limit_time(0, 0)
        longest = max(longest, time.perf_counter() - started)
        if _peak() > before + MEMORY:
            failures.append(Failure(kind, number, f"took {(_peak() - before) / 1e9:.1f} GB"))
    return ended, failures, longest


def _parts(
    kind: str, seed: int, count: int, processes: int | None
) -> Iterator[tuple[Counter[str], list[Failure], float]]:
    """What `run` says of each part. Processes are replaced after some: memory is not to be what earlier cases left."""
    parts = [range(first, min(first + _PART, count)) for first in range(0, count, _PART)]
    for n in range(0, len(parts), _PARTS):
        # Not by the pool's max_tasks_per_child, with which it hangs in Python 3.11.
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield from pool.map(run, repeat(kind), repeat(seed), parts[n : n + _PARTS])


def _limit_time(seconds: float, wait: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, wait)


def _limit_memory() -> None:
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    # More than may be taken, so that what is taken is seen, and less than hurts others.
    resource.setrlimit(resource.RLIMIT_AS, (now + 3 * MEMORY, resource.RLIM_INFINITY))


def _peak() -> int:
    """The most memory that this process had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class TooLongError(BaseException):
    """Not an Exception, so that no reader can swallow it."""


def _too_long(_number: int, _frame: object) -> None:
    raise TooLongError(f"took longer than {SECONDS} s of a processor, or {WAIT} s")


def main() -> int:
    """Run all, print how they ended; 1 where something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--others", type=int, default=10_000, help="of each other kind")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, help="at once; as many as there are processors")
    given = parser.parse_args()
    found: list[Failure] = []
    for kind in given.kinds:
        count = given.pictures if kind == "picture" else given.others
        ended, longest, started = Counter[str](), 0.0, time.monotonic()
        for part, failures, slowest in _parts(kind, given.seed, count, given.processes):
            ended, longest = ended + part, max(longest, slowest)
            found += failures
        print(
            f"{kind}: {count:,} cases, {ended['refused']:,} refused, {ended['read']:,} read, "
            f"the longest {longest:.1f} s; {time.monotonic() - started:.0f} s in all",
            flush=True,
        )
    for failure in found[:50]:
        print(*failure)
    print(f"{len(found)} failures")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
