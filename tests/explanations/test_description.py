"""The sentences under the pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import cnnfix_core as cnnfix
from cnnfix_core.explanations.description import question, summary
from cnnfix_core.utils.formatting import percent

UPPER_LEFT = np.diag([1.0, 0, 0])
MIDDLE = np.diag([0, 1.0, 0])


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0 %"),
        (1e-6, "< 0.01 %"),
        (0.000099, "< 0.01 %"),
        (0.0001, "0.010 %"),
        (0.00123, "0.12 %"),
        (0.0044, "0.44 %"),
        (0.0994, "9.9 %"),
        (0.0996, "10 %"),
        (0.02, "2.0 %"),
        (0.003, "0.30 %"),
        (0.77, "77 %"),
        (1, "100 %"),
    ],
)
def test_percent(share: float, words: str) -> None:
    assert percent(share) == words


def test_the_question() -> None:
    cat, dog = cnnfix.Prediction(0, "cat", 1, 0.5), cnnfix.Prediction(1, "dog", 1, 0.5)
    assert question(cat, None) == "Why “cat”?"
    assert question(cat, dog) == "Why “cat” rather than “dog”?"


def test_a_summary_says_what_is_seen(explanation: cnnfix.Explanation) -> None:
    text = summary(replace(explanation, seconds=0.52), UPPER_LEFT, MIDDLE)
    assert text == (
        f"{len(explanation.fixations):,} fixations, the pixels at which the walk back from "
        f"“{explanation.target.label}” ({percent(explanation.target.probability)}) arrived. "
        "Half of the evidence at all depths lies on 11 % of the picture, all of that half in the upper left. "
        "Half of Grad-CAM's map lies on 11 %, all of that half in the middle."
    )


def test_a_summary_says_which_map_it_describes(explanation: cnnfix.Explanation, published: cnnfix.Explanation) -> None:
    coarse = explanation.maps[0][0]
    rows, columns = coarse.evidence.shape
    assert "Half of the evidence at the pixels, blurred, lies" in summary(explanation.at(1), UPPER_LEFT)
    assert "Half of the evidence at the pixels, blurred, lies" in summary(published, UPPER_LEFT)
    at_a_map = summary(explanation.at(coarse.stride), UPPER_LEFT)
    assert f"Half of the evidence at the feature map of {columns} × {rows} places lies" in at_a_map


def test_a_summary_of_a_contrast_names_both(explanation: cnnfix.Explanation) -> None:
    cat, dog = cnnfix.Prediction(0, "cat", 1, 0.5), cnnfix.Prediction(1, "dog", 1, 0.25)
    text = summary(replace(explanation, target=cat, rather_than=dog), UPPER_LEFT)
    assert "the walk back from “cat” (50 %) rather than “dog” (25 %) arrived" in text


def test_a_summary_without_grad_cam_and_with_an_empty_one(explanation: cnnfix.Explanation) -> None:
    assert "Grad-CAM" not in summary(explanation, UPPER_LEFT)
    assert "Grad-CAM's map is empty" in summary(explanation, UPPER_LEFT, np.zeros((3, 3)))


def test_one_fixation_is_one(explanation: cnnfix.Explanation) -> None:
    first = explanation.fixations
    one = replace(first, xy=first.xy[:1], evidence=first.evidence[:1], channel=first.channel[:1])
    assert summary(replace(explanation, fixations=one), UPPER_LEFT).startswith(
        "1 fixation, the pixel at which the walk"
    )


def test_what_became_of_the_crops(explanation: cnnfix.Explanation, published: cnnfix.Explanation) -> None:
    five = published.views
    assert "crop" not in summary(explanation, UPPER_LEFT)
    all_say_so = replace(published, explained=five)
    assert "All 5 crops predict this class and were explained." in summary(all_say_so, UPPER_LEFT)
    two = replace(published, explained=five[:2])
    assert "2 of 5 crops predict this class and were explained." in summary(two, UPPER_LEFT)
    none = replace(published, explained=five, target=published.predictions[1])
    assert "No crop predicts this class, so all 5 were explained." in summary(none, UPPER_LEFT)


def test_what_is_not_followed_is_said() -> None:
    class Spectral(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 3 * torch.fft.irfft2(torch.fft.rfft2(x)).mean((2, 3)) + x.mean((2, 3))

    plain = cnnfix.Preprocessing((8, 8), (0, 0, 0), (1, 1, 1))
    model = cnnfix.Model.of(Spectral(), preprocessing=plain)
    explanation = cnnfix.explain(model, np.full((8, 8, 3), 200, np.uint8), 0)
    text = summary(explanation, explanation.density())
    assert "75 % of the evidence is missing. The dependence on the input goes through complex numbers" in text
