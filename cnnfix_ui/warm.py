"""Prepares what the first visitor would otherwise wait for: imports, weights, compiled loops, methods that fit."""

from cnnfix_core import EVIDENCE, PUBLISHED, Picture, Preset, open_picture
from cnnfix_core.backtrack import Chosen
from cnnfix_core.images import list_samples
from cnnfix_core.methods import METHODS, reason_against
from cnnfix_core.zoo import DEFAULT
from cnnfix_ui.backtrack import answers
from cnnfix_ui.server import results


def warm_up() -> None:
    """Load the bundled network and explain the samples as visitors will see them, the first under both presets."""
    first, *others = [open_picture(sample.read()) for sample in list_samples()]
    network = results.Network(DEFAULT, results.loaded(DEFAULT))
    for preset in (EVIDENCE, PUBLISHED):
        _answer(network, first, preset)
    for method in METHODS:
        reason_against(network.model, method)
    walked = results.recorded_walk(network, first, None, (EVIDENCE,))
    answers.answer(walked, 0, Chosen(0))
    for picture in others:
        _answer(network, picture, EVIDENCE)


def _answer(network: results.Network, picture: Picture, preset: Preset) -> None:
    answer = results.explained(network, picture, None, preset)
    results.gradcam(network, picture, answer.asked, answer.preset.crops)
