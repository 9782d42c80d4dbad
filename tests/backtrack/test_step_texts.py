"""Steps and blocks in words that need no knowledge of the network's code."""

from __future__ import annotations

import pytest

import cnnfix_core as cnnfix
from cnnfix_core.backtrack import Walked, block_kind, block_name, purpose, walked
from cnnfix_core.backtrack.places import place_name


@pytest.fixture(scope="module")
def walk(model: cnnfix.Model, cat: cnnfix.Picture) -> Walked:
    return walked(model, cat, "tabby", [cnnfix.EVIDENCE])


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((12,), "position 12"),
        ((12, 7), "row 12, column 7"),
        ((1, 2, 5), "frame 1, row 2, column 5"),
        ((1, 2, 3, 4), "(1, 2, 3, 4)"),
    ],
)
def test_a_place_is_said_in_one_way(place: tuple[int, ...], words: str) -> None:
    assert place_name(place) == words


def test_blocks_are_counted_from_the_picture(walk: Walked) -> None:
    names = [block_name(walk.path, block) for block in walk.path.blocks]
    maps = len(names) - 2
    assert names == ["Score", *(f"Block {number}" for number in range(maps, 0, -1)), "Picture"]


def test_a_block_says_what_kind_it_is(walk: Walked) -> None:
    kinds = {block.short: block_kind(walk.path, block) for block in walk.path.blocks}
    assert kinds["blocks.5.3"] == "residual block"
    assert kinds["blocks.5.0"] == "3 convolutions"
    assert kinds["conv_stem"] == "convolution"
    assert kinds["classifier"] == "fully connected layer"


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("blocks.5.3.conv_pw", "mixes the 192 channels of each place into 1,152"),
        ("blocks.5.3.conv_dw", "looks for one pattern in each channel by itself, in windows of 5 × 5"),
        ("conv_stem", "looks for 32 patterns in windows of 3 × 3"),
        ("blocks.5.3.bn2", "brings each channel to a common scale"),
        ("classifier", "weighs all its inputs and adds them up"),
    ],
)
def test_a_layer_says_what_it_does(walk: Walked, module: str, words: str) -> None:
    assert words in {purpose(step.operation) for step in walk.path.steps if step.module == module}


def test_every_layer_of_the_usual_network_says_what_it_does(walk: Walked) -> None:
    assert [step.module for step in walk.path.steps if not purpose(step.operation)] == []
