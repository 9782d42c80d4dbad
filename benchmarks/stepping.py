"""How long the Backtrack page takes to open and to answer a step, and how much it sends. Prints a Markdown table.

One sample picture, evidence preset; the quickest of three openings. Opening is all between the click and what is sent:
recording with every value, the walk, its path and playback. A step is answered twice: as it is, and with an element
chosen whose line lights up.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import torch

import cnnfix_core as cnnfix
from cnnfix_core.backtrack import element, walked
from cnnfix_core.images import list_samples
from cnnfix_core.zoo import architectures
from cnnfix_ui.backtrack.answers import answer
from cnnfix_ui.backtrack.playback_data import playback_data

BUNDLED = "efficientnet_lite0"
NETWORKS = (BUNDLED, "vgg16", "resnet101", "densenet121", "googlenet", "mobilenet_v3_large")


def main() -> None:
    """Measure the networks that were asked for, and print one row each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="NAME", help="by their torchvision names")
    parser.add_argument("--steps", type=int, default=40, help="how many steps are answered (default: 40)")
    options = parser.parse_args()
    print("| network | forward, ms | opening, s | sent, kB | steps | per step, ms | longest, ms | sent per step, kB |")
    print("| --- |" + " ---: |" * 7)
    for name in options.networks:
        print(row(name, options.steps), flush=True)


def row(name: str, steps: int) -> str:
    """One line of the table."""
    picture = cnnfix.open_picture(list_samples()[0].read())
    model = _model(name)
    batch = torch.rand(1, 3, *model.input_size)
    with torch.no_grad():
        model.module(batch)
        forward = statistics.median(_timed(lambda: model.module(batch))[0] for _ in range(5))

    def opened() -> tuple[Any, dict[str, Any]]:
        walk = walked(model, picture, None, [cnnfix.EVIDENCE])
        return walk, playback_data(walk, name)

    opened()  # compiles
    opening, (walk, sent) = min((_timed(opened) for _ in range(3)), key=lambda timed: timed[0])
    seconds, sizes = [], []
    for step in walk.path.steps[:: max(1, len(walk.path.steps) // steps)]:
        selection = walk.trace.selection(step.value)
        for chosen in (None, element(step, int(selection.index[selection.evidence.argmax()]))):
            taken, told = _timed(lambda step=step, chosen=chosen: answer(walk, step.number, chosen))
            seconds.append(taken)
            sizes.append(len(json.dumps(told)))
    cells = (
        f"{1e3 * forward:.0f}",
        f"{opening:.2f}",
        f"{len(json.dumps(sent)) / 1e3:.0f}",
        f"{len(walk.path.steps)}",
    )
    mean, most = 1e3 * sum(seconds) / len(seconds), 1e3 * max(seconds)
    return f"| {name} | {' | '.join(cells)} | {mean:.0f} | {most:.0f} | {sum(sizes) / len(sizes) / 1e3:.0f} |"


def _model(name: str) -> cnnfix.Model:
    """The bundled network with its weights, another with random ones."""
    if name == BUNDLED:
        return cnnfix.load_model(name)
    module = architectures.build(name)
    return cnnfix.Model.of(module, preprocessing=architectures.preprocessing(name), name=name)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    made = work()
    return time.perf_counter() - started, made


if __name__ == "__main__":
    main()
