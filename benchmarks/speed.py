"""How long a walk takes beside the forward pass that it explains, and beside Grad-CAM. Prints Markdown tables.

One picture of 224 x 224. The columns take turns within each round, so that a machine that slows down hits all alike;
the first round warms up (Numba compiles) and does not count. On a busy machine a forward pass on several threads waits
for its slowest one, which makes everything beside it look cheap: there, `--cpu` gives the ratios to go by.

With `--more` two further tables: memory at its peak, of recording and a walk beside a forward pass that keeps what
every operation gave; and the time of eight pictures recorded at once beside eight recorded one by one, each walked.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from cnnfix_core.utils import keep_freed_memory, let_idle_threads_sleep

let_idle_threads_sleep()

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.models import get_model

from cnnfix_core import EVIDENCE, PUBLISHED, Model, Preset, get_preset, load_model, record, unravel
from cnnfix_core.methods import anatomy, attribution
from cnnfix_site import ASSETS

BUNDLED = "efficientnet_lite0"
CAT = ASSETS / "samples" / "cat.png"
NETWORKS = (
    *(BUNDLED, "vgg16", "resnet50", "resnet101", "googlenet", "densenet121"),
    *("convnext_tiny", "mobilenet_v3_large", "shufflenet_v2_x1_0"),
)
PACKAGES = ("torch", "torchvision", "timm", "numba", "numpy", "captum")


class Column(NamedTuple):
    """What is timed, and what it needs that is not: `run(prepare())`."""

    run: Callable[[Any], Any]
    prepare: Callable[[], Any] = lambda: None


def main() -> None:
    """Measure the networks that were asked for, and print one row each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each column is timed (default: 7)")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="NAME", help="by their torchvision names")
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="time of all processors together, torch on one thread: for a machine that is busy with other things too",
    )
    parser.add_argument("--more", action="store_true", help="measure memory and a batch of pictures too")
    options = parser.parse_args()
    keep_freed_memory()  # as a batch does
    if options.cpu:
        torch.set_num_threads(1)
    clock = time.process_time if options.cpu else time.perf_counter
    print(machine(options.rounds, "processor time" if options.cpu else "elapsed time"), flush=True)
    print_table(options.networks, lambda name: beside_gradcam(medians(columns(network(name)), options.rounds, clock)))
    if options.more:
        print_table(options.networks, lambda name: multiples(peaks(name)))
        print_table(options.networks, lambda name: multiples(medians(batches(network(name)), 1, clock)))


def print_table(networks: Sequence[str], measure: Callable[[str], dict[str, str]]) -> None:
    """A table with a row a network."""
    for number, name in enumerate(networks):
        cells = measure(name)
        if number == 0:
            print("\n" + row("network", list(cells)))
            print(row("---", ["---:"] * len(cells)))
        print(row(name, list(cells.values())), flush=True)


def multiples(measured: dict[str, float]) -> dict[str, str]:
    """The first number as it is, the others as multiples of that."""
    unit, *_ = measured.values()
    first, *others = measured
    return {first: f"{unit:.0f}"} | {name: f"{measured[name] / unit:.2f} x" for name in others}


def beside_gradcam(measured: dict[str, float]) -> dict[str, str]:
    """The same, and a whole explanation beside Grad-CAM."""
    whole = measured["recording"] + measured["evidence, balanced"]
    beside = f"{whole / measured['Grad-CAM']:.2f} x"
    return multiples(measured) | {"recording + balanced against Grad-CAM": beside}


def network(name: str) -> nn.Module:
    """The bundled network with its weights, others from torchvision with random ones."""
    torch.manual_seed(0)
    if name == BUNDLED:
        return load_model(name).module
    options = {"init_weights": True} if name == "googlenet" else {}
    module: nn.Module = get_model(name, weights=None, **options)
    return module.eval().requires_grad_(False)


def a_picture() -> Tensor:
    """One picture of 224 x 224, as a batch."""
    cat = Image.open(CAT).resize((224, 224))
    return load_model(BUNDLED).preprocess(cat)[None]


def columns(module: nn.Module) -> dict[str, Column]:
    """What is timed of one network, the plain forward pass first. The class is the predicted one."""
    picture = a_picture()

    def forward() -> Tensor:
        with torch.inference_mode():
            return module(picture)  # type: ignore[no-any-return]

    target = int(forward().argmax())
    model = Model.of(module)
    anatomy(model)  # where the last feature map is, is found once a network

    def walk(preset: Preset) -> Column:
        # A tape of its own for every walk: what one has read, the next would find at hand.
        return Column(lambda tape: unravel(tape, (0, target), preset), lambda: record(module, picture))

    return {
        "forward, ms": Column(lambda _: forward()),
        "recording": Column(lambda _: record(module, picture)),
        "published": walk(PUBLISHED),
        "evidence, sharp": walk(get_preset(EVIDENCE, "sharp")),
        "evidence, balanced": walk(get_preset(EVIDENCE, "balanced")),
        "Grad-CAM": Column(lambda _: attribution(model, CAT, target, "gradcam", longest_side=224)),
    }


def batches(module: nn.Module) -> dict[str, Column]:
    """Eight pictures recorded one by one and at once, each walked from its first class."""
    preset = get_preset(EVIDENCE, "balanced")
    pictures = torch.cat([a_picture().roll(28 * n, dims=3) for n in range(8)])

    def walk_all(batch: Tensor) -> None:
        tape = record(module, batch)
        for number in range(len(batch)):
            unravel(tape, (number, 0), preset)

    def one_by_one() -> None:
        for picture in pictures.split(1):
            walk_all(picture)

    return {
        "8 x 1, ms": Column(lambda _: one_by_one()),
        "1 x 8": Column(lambda _: walk_all(pictures)),
    }


class KeepingAll(TorchDispatchMode):
    """Holds on to what every operation gives."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: list[Any] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.kept.append(func(*args, **(kwargs or {})))
        return self.kept[-1]


def keep_all(module: nn.Module, picture: Tensor) -> None:
    """A forward pass that keeps all its activations."""
    with torch.no_grad(), KeepingAll() as keeper:
        module(picture)
    assert keeper.kept


def record_and_walk(module: nn.Module, picture: Tensor) -> None:
    """Recording and a balanced walk."""
    unravel(record(module, picture), (0, 0), get_preset(EVIDENCE, "balanced"))


def peaks(name: str) -> dict[str, float]:
    """Megabytes at the peak, above what was in use before: each measured in a process of its own. Linux only."""
    found = {}
    for label, run in (("keeping all, MB", keep_all), ("recording and walk", record_and_walk)):
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            found[label] = process.submit(peak_of, run, name).result()
    return found


def peak_of(run: Callable[[nn.Module, Tensor], None], name: str) -> float:
    """Megabytes that `run` needed at its peak, after it was warmed up by a small picture."""
    module, picture = network(name), a_picture()
    run(module, picture[..., :64, :64])
    ctypes.CDLL(None).malloc_trim(0)  # memory that is free, but still held, would hide what is needed
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = in_use("VmRSS")
    run(module, picture)
    return in_use("VmHWM") - before


def in_use(entry: str) -> float:
    """Megabytes, from the process's own account."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(entry))


def medians(contestants: dict[str, Column], rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """Milliseconds of each column."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds + 1):
        for name, column in contestants.items():
            prepared = column.prepare()
            started = clock()
            column.run(prepared)
            seconds[name].append(clock() - started)
    return {name: 1000 * statistics.median(taken[1:]) for name, taken in seconds.items()}


def machine(rounds: int, measured: str) -> str:
    """Date, processors and versions, for whoever reads the table elsewhere."""
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return (
        f"{date.today()}: {measured}, medians of {rounds} rounds; {os.cpu_count()} processors, "
        f"{torch.get_num_threads()} threads of torch; {versions}"
    )


def row(first: str, cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {first} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
