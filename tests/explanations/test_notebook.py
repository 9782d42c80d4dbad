"""What a notebook shows of results."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image
from torch import nn

import cnnfix_core as cnnfix


def model() -> cnnfix.Model:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    size = cnnfix.Preprocessing((16, 16), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), crop_pct=1.0)
    return cnnfix.Model.of(network.eval(), cnnfix.Labels.of(("<cat>", "dog", "fox")), size)


def test_results_show_themselves() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    found = cnnfix.explain(model(), picture)
    for one in (found, found.without_traces(), cnnfix.explain(model(), picture, None, "published")):
        shown = one._repr_html_()
        assert "fixations for “" in shown
        assert "<cat>" not in shown
        assert 'src="data:image/png;base64,' in shown
    png = found.trace._repr_png_()
    assert png is not None
    image = np.asarray(Image.open(io.BytesIO(png)))
    assert image.shape == (224, 224, 3)
    reached = found.trace.fixations
    y, x = reached.index[reached.evidence.argmax(), 2:]
    assert image[y * 14 + 7, x * 14 + 7, 2] > 150
    drawn = cnnfix.attribution(model(), picture, 1, "fixations")._repr_png_()
    assert Image.open(io.BytesIO(drawn)).size[0] >= 224


def test_a_trace_of_something_else_shows_nothing() -> None:
    tape = cnnfix.record(nn.ReLU(), torch.ones(1, 3))
    trace = cnnfix.unravel(tape, (0, 0))
    assert trace._repr_png_() is None
