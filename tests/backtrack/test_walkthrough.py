"""Walks made ready for stepping: recorded whole, and kept as GIF, PNG and JSON."""

from __future__ import annotations

import gc
import io
import json
import tracemalloc
from collections import defaultdict

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageColor
from torch import nn

import cnnfix_core as cnnfix
from cnnfix_core.backtrack.ancestry import line
from cnnfix_core.backtrack.export.animation import gif, step_image
from cnnfix_core.backtrack.export.sheet import Sheet, place_in_walk
from cnnfix_core.backtrack.export.trace_json import trace_json
from cnnfix_core.backtrack.walkthrough import Walked, walked
from cnnfix_core.engine.recording import record_whole
from cnnfix_core.images import credit_of
from cnnfix_core.visualization import POINT, photo_of


@pytest.fixture(scope="module")
def walk(model: cnnfix.Model, cat: cnnfix.Picture) -> Walked:
    return walked(model, cat, 281, [cnnfix.get_preset("evidence", "sharp"), cnnfix.PUBLISHED])


class Overwriting(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * 2
        z = y.relu_()
        z += 1
        return z.sum(dim=1)


def test_a_whole_recording_keeps_every_value_as_it_was() -> None:
    x = torch.tensor([[-1.0, 2.0]])
    tape = record_whole(Overwriting(), x)
    values = {op.name: op.outputs[0].array().tolist() for op in tape.operations}
    assert values == {"aten.mul": [[-2, 4]], "aten.relu": [[0, 4]], "aten.add": [[1, 5]], "aten.sum": [6]}


def test_a_whole_recording_walks_as_any_other(model: cnnfix.Model) -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 3, 224, 224)
    whole, lean = record_whole(model.module, x), cnnfix.record(model.module, x)
    assert all(value.data is not None for op in whole.operations for value in (*op.inputs(), *op.outputs))
    first, second = (cnnfix.unravel(tape, (0, 5)).fixations for tape in (whole, lean))
    np.testing.assert_array_equal(first.index, second.index)
    np.testing.assert_array_equal(first.evidence, second.evidence)


def test_it_is_the_walk_that_explain_makes(walk: Walked, model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    explanation = cnnfix.explain(model, cat, 281, "evidence", "sharp")
    np.testing.assert_array_equal(walk.explanation.fixations.xy, explanation.fixations.xy)
    np.testing.assert_array_equal(walk.explanation.fixations.evidence, explanation.fixations.evidence)
    assert walk.view.name == "whole"
    assert len(walk.playbacks) == len(walk.traces) == 2


def test_the_size_of_a_walk_is_all_that_it_keeps(walk: Walked, model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    before = memories()  # with what an earlier walk left behind
    tracemalloc.start()
    try:
        made = walked(model, cat, 281, [cnnfix.EVIDENCE])
        gc.collect()
        arrays, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    tensors = sum(size for memory, size in memories().items() if memory not in before)
    assert (arrays + tensors) / 1.3 < made.nbytes < 1.3 * (arrays + tensors)
    assert made.nbytes < 40e6


def memories() -> dict[int, int]:
    """The memories of all tensors, with their sizes in bytes."""
    tensors = [one for one in gc.get_objects() if type(one) is torch.Tensor]
    return {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in tensors}


def test_five_crops_are_walked_as_the_one_in_the_middle(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    walk = walked(model, cat, None, [cnnfix.PUBLISHED])
    assert walk.view.name == "centre"
    assert walk.trace.tape.inputs[0].shape[0] == 1


def test_the_trace_as_json_has_all_elements_and_who_came_from_whom(walk: Walked) -> None:
    content = json.loads(trace_json(walk))
    tensors, hops = content["tensors"], content["hops"]
    assert (content["target"], content["model"], content["preset"]) == ("tabby", "efficientnet_lite0", "evidence")
    assert tensors[0]["evidence"] == [1]
    assert tensors[-1]["operation"] == "input"
    fixations = walk.trace.fixations
    assert tensors[-1]["index"] == np.ravel_multi_index(fixations.index.T, tensors[-1]["shape"]).tolist()
    # What comes to each element over all hops is its evidence.
    came: dict[int, defaultdict[int, float]] = {n: defaultdict(float) for n in range(len(tensors))}
    for hop in hops:
        if hop.get("rows") == "same":
            triples = enumerate(tensors[hop["from"]]["evidence"])
        else:
            triples = zip(hop["child"], hop["evidence"], strict=True)
        for child, evidence in triples:
            came[hop["to"]][child] += evidence
    for number, tensor in enumerate(tensors[1:], start=1):
        expected = np.array(tensor["evidence"])
        found = np.array([came[number][row] for row in range(len(expected))])
        np.testing.assert_allclose(found, expected, rtol=2e-3)
    assert sum(tensors[-1]["evidence"]) + sum(content["left"].values()) == pytest.approx(1, abs=2e-3)


def test_the_gif_goes_from_the_score_to_points_and_ends_with_the_map(walk: Walked, cat: cnnfix.Picture) -> None:
    content = gif(walk, cat, longest_side=200)
    assert len(content) < 1_000_000
    photo = np.asarray(photo_of(cat, 200)).astype(int)
    sheet = Sheet.of(walk, cat, 200)
    corner = sheet.at

    def picture_in(number: int) -> NDArray[np.int_]:
        image.seek(number)
        right, below = corner[0] + photo.shape[1], corner[1] + photo.shape[0]
        return np.asarray(image.convert("RGB").crop((*corner, right, below))).astype(int)

    with Image.open(io.BytesIO(content)) as image:
        assert image.info["loop"] == 0
        frames = image.n_frames
        between = len(walk.path.blocks) - 1
        assert 4 * between < frames <= 2 + 6 * between  # frames that are alike are one
        masks = [np.abs(picture_in(n) - ImageColor.getrgb(POINT)).sum(axis=2) == 0 for n in range(frames)]
        bare, last = picture_in(0), picture_in(frames - 1)
    assert not masks[0].any()  # the score has no place in the picture
    blurred = [np.asarray(Image.fromarray(one.astype(np.uint8)).resize((20, 20))).astype(int) for one in (bare, photo)]
    assert np.abs(blurred[0] - blurred[1]).mean() < 4  # its true colours, of 255 levels
    assert masks[-2].sum() > masks[-1].sum()  # dithering may use the colour in the photograph
    assert np.abs(last - bare).mean() > 2


def test_a_step_to_keep_says_the_question_its_number_the_network_and_the_credit(
    walk: Walked, cat: cnnfix.Picture
) -> None:
    sheet = Sheet.of(walk, cat, 400)
    assert sheet.title[0].startswith("Why “")
    assert len({sheet.around(sheet.photo, words, rows=2).size for words in ([], ["a"], ["long words " * 50])}) == 1
    foot = " ".join(sheet.foot)
    assert walk.explanation.model in foot
    assert credit_of(cat) in foot
    step = walk.path.steps[7]
    assert place_in_walk(walk, step) == f"Step 7 of {len(walk.path.steps) - 1}: {step.module}"


def test_a_step_as_a_picture_greys_what_is_off_the_line(walk: Walked, cat: cnnfix.Picture) -> None:
    step = next(step for step in walk.path.steps if step.module == "blocks.4.0.conv_pw")
    plain = np.asarray(step_image(walk, cat, step.number, longest_side=300)).astype(int)
    followed = line(walk.trace, step.value, np.array([0]))
    lit = np.asarray(step_image(walk, cat, step.number, followed, longest_side=300)).astype(int)
    assert plain.shape == lit.shape
    is_cyan = [(np.abs(pixels - (0x19, 0xE3, 0xFF)).sum(axis=2) < 60).sum() for pixels in (plain, lit)]
    assert is_cyan[0] > is_cyan[1] > 0
