"""How long a walk takes beside the forward pass that it explains, and beside Grad-CAM. Prints a Markdown table.

One picture of 224 x 224. The columns take turns within each round, so that a machine that slows down hits all alike;
the first round warms up (Numba compiles) and does not count. On a busy machine a forward pass on several threads waits
for its slowest one, which makes everything beside it look cheap: there, `--cpu` gives the ratios to go by.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from typing import Any, NamedTuple

import torch
from PIL import Image
from skimage import data
from torch import Tensor, nn
from torchvision.models import get_model

from cnnfix_core import EVIDENCE, PUBLISHED, Preset, get_preset, load_model, record, unravel
from cnnfix_core.baselines import grad_cam, last_map, with_own_hooks

BUNDLED = "efficientnet_lite0"
NETWORKS = (BUNDLED, "alexnet", "vgg16", "googlenet", "resnet50", "densenet121")
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
    options = parser.parse_args()
    if options.cpu:
        torch.set_num_threads(1)
    clock = time.process_time if options.cpu else time.perf_counter
    print(machine(options.rounds, "processor time" if options.cpu else "elapsed time"), flush=True)
    for number, name in enumerate(options.networks):
        seconds = medians(columns(network(name)), options.rounds, clock)
        if number == 0:
            print("\n" + row("network", ("forward, ms", *list(seconds)[1:])))
            print(row("---", ["---:"] * len(seconds)))
        first, *others = seconds.values()
        print(row(name, (f"{first * 1000:.0f}", *(f"{other / first:.2f} x" for other in others))), flush=True)


def network(name: str) -> nn.Module:
    """The bundled network with its weights, others from torchvision with random ones."""
    torch.manual_seed(0)
    if name == BUNDLED:
        return load_model(name).module
    options = {"init_weights": True} if name == "googlenet" else {}
    module: nn.Module = get_model(name, weights=None, **options)
    return module.eval().requires_grad_(False)


def columns(module: nn.Module) -> dict[str, Column]:
    """What is timed of one network, the plain forward pass first. The class is the predicted one."""
    cat = Image.fromarray(data.chelsea()).resize((224, 224))  # type: ignore[no-untyped-call]
    picture = load_model(BUNDLED).preprocess(cat)[None]

    def forward() -> Tensor:
        with torch.inference_mode():
            return module(picture)  # type: ignore[no-any-return]

    target = int(forward().argmax())
    layer, hooked = last_map(module, picture), with_own_hooks(module)

    def walk(preset: Preset) -> Column:
        # A tape of its own for every walk: what one has read, the next would find at hand.
        return Column(lambda tape: unravel(tape, (0, target), preset), lambda: record(module, picture))

    return {
        "forward": Column(lambda _: forward()),
        "recording": Column(lambda _: record(module, picture)),
        "published": walk(PUBLISHED),
        "evidence, sharp": walk(get_preset(EVIDENCE, "sharp")),
        "evidence, balanced": walk(get_preset(EVIDENCE, "balanced")),
        "Grad-CAM": Column(lambda _: grad_cam(hooked, lambda batch: hooked(batch)[:, target], layer, picture.clone())),
    }


def medians(contestants: dict[str, Column], rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """Seconds of each column."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds + 1):
        for name, column in contestants.items():
            prepared = column.prepare()
            started = clock()
            column.run(prepared)
            seconds[name].append(clock() - started)
    return {name: statistics.median(taken[1:]) for name, taken in seconds.items()}


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
