"""Prepares what the first visitor would otherwise wait for: imports, weights, compiled loops, methods that fit."""

from functools import partial

from cnnfix_core import EVIDENCE, PUBLISHED, Picture, Preset, open_picture
from cnnfix_core.backtrack import Chosen
from cnnfix_core.images import list_samples
from cnnfix_core.methods import METHODS, reason_against
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.zoo import DEFAULT
from cnnfix_ui.backtrack.replies import reply
from cnnfix_ui.server import results
from cnnfix_ui.server.ahead import ahead
from cnnfix_ui.server.visitors import NOBODY


def warm_up() -> None:
    """Load the bundled network and explain the first sample; the other samples and pages follow while nobody waits."""
    first, *others = [open_picture(sample.read()) for sample in list_samples()]
    network = results.Network(DEFAULT, results.loaded(DEFAULT))
    _answer(network, first, EVIDENCE)

    def walk() -> None:
        results.recorded_walk(network, first, None, (EVIDENCE,)).ask(reply, "", None, 0, Chosen(0))

    ahead.start()
    ahead.prepare(
        NOBODY,
        [
            *(partial(_answer, network, picture, EVIDENCE) for picture in others),
            walk,
            partial(_answer, network, first, PUBLISHED),
            *(partial(network.ask, reason_against, method) for method in METHODS),
        ],
    )


def _answer(network: results.Network, picture: Picture, preset: Preset) -> None:
    answer = results.explained(network, picture, None, preset)
    # Visitors' networks, in processes of their own, cannot keep what they compile.
    answer.density(longest_side=MAP_SIDE)
    results.gradcam(network, picture, answer.asked, answer.preset.crops)
