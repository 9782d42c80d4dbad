"""How well cut-outs fit the known masks of composed scenes: `python experiments/cut_outs.py`, some minutes.

Settings were chosen on the scenes 0 to 14; docs/cut-outs.md has what the scenes 100 to 139 gave with them.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import numpy as np

from cnnfix_core import load_model
from cnnfix_core.benchmark.datasets.scenes import NETWORKS
from cnnfix_core.methods import attribution
from cnnfix_core.regions import cut_out, region_holding
from cnnfix_core.synthetic import HELD_OUT, SIDE, compose

METHODS = ("fixations", "gradcam", "guided_gradcam", "centre")
_FIRST = HELD_OUT + 300_000  # no network, box rule or benchmark saw these


def main() -> None:
    """Print the mean IoU with its standard error, for the cut-out and for the map's smallest areas alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=100)
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()
    networks = [load_model(name) for name in NETWORKS]
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(options.first, options.first + options.count):
        scene = compose(_FIRST + number)
        mask = scene.truth.on((SIDE, SIDE))
        for method in METHODS:
            map_ = attribution(networks[number % len(networks)], scene.picture, scene.label, method).map
            cuts = {
                "cut-out": cut_out(scene.picture.pixels, map_),
                **{f"{share:.0%} of the map": region_holding(map_, share) for share in (0.5, 0.8)},
            }
            for name, cut in cuts.items():
                found[method, name].append(float((cut & mask).sum() / max((cut | mask).sum(), 1)))
    for (method, name), values in found.items():
        print(f"{method:16}{name:16}{np.mean(values):.3f} ± {np.std(values) / len(values) ** 0.5:.3f}")


if __name__ == "__main__":
    main()
