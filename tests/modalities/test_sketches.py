"""Sketches: strokes and their pictures, evidence on ink, the network, and the page's logic without a browser."""

import io
from functools import partial

import numpy as np
import pytest
from PIL import Image

import cnnfix_core as cnnfix
from cnnfix_core.explanations.fixations import Fixations
from cnnfix_core.modalities import sketches
from cnnfix_core.modalities.sketches import (
    SketchError,
    on_ink,
    sheet_of,
    sketch,
    sketch_samples,
    stroke_shares,
    strokes_of,
)
from cnnfix_core.zoo.sources.sketches import KINDS, NETWORK
from tests.ui.visiting import page

LINES = (((0.2, 0.25), (0.8, 0.25)), ((0.2, 0.75), (0.8, 0.75)))

visit = partial(page, "sketch")


def fixations(places: list[tuple[int, int]], evidence: list[float]) -> Fixations:
    side, channel = sketches.SIDE, np.zeros(len(places), int)
    return Fixations(np.array(places), np.array(evidence), channel, side, side, (5.0, 5.0))


def test_strokes_are_drawn_where_they_are() -> None:
    pixels = sketch(LINES).pixels[..., 0]
    assert pixels.shape == (480, 480)
    assert (pixels[118:122, 100:380].min(axis=0) < 40).all()
    assert (pixels[200:300] == 255).all()
    dot = sketch((((0.5, 0.5),),)).pixels[..., 0]
    assert dot[239:241, 239:241].max() < 40
    assert 4 < (dot < 128).sum() < 40
    assert (sketch(()).pixels == 255).all()


@pytest.mark.parametrize(
    "given",
    [None, 5, [[]], [[[0.1]]], [[[0.1, 2.0]]], [[["a", "b"]]], [[[0.1, float("nan")]]], [[[0.1, 0.2]]] * 201, {"a": 1}],
)
def test_what_are_no_strokes(given: object) -> None:
    with pytest.raises(SketchError):
        strokes_of(given)


def test_evidence_on_ink_and_on_paper() -> None:
    found = on_ink(fixations([(240, 120), (240, 125), (240, 240)], [0.5, 0.25, 0.25]), sketch(LINES))
    assert found.ink == pytest.approx(0.75)
    # Two lines of 288 x 4 pixels and 6 around them: (288 + 16) x 16 with round corners.
    assert found.covered == pytest.approx(2 * 304 * 16 / 480**2, rel=0.05)


def test_each_stroke_has_what_is_nearest_to_it() -> None:
    found = fixations([(240, 120), (240, 362), (250, 118), (240, 240)], [0.2, 0.3, 0.1, 0.4])
    np.testing.assert_allclose(stroke_shares(found, LINES), [0.5, 0.5])
    np.testing.assert_array_equal(stroke_shares(fixations([(240, 240)], [1.0]), LINES), [0, 0])


@pytest.mark.parametrize("negative", [False, True])
def test_a_drawing_becomes_a_sheet(negative: bool) -> None:
    grey = np.full((100, 200, 3), 190, np.uint8)
    grey[40:60, 90:110] = 60
    sheet = sheet_of(cnnfix.open_picture(255 - grey if negative else grey)).pixels[..., 0]
    assert sheet.shape == (480, 480)
    assert sheet[0, 0] == sheet[130, 20] == 255
    assert sheet[240, 240] < 30


def test_the_network_knows_the_samples() -> None:
    model = cnnfix.load_model("sketches")
    said = [cnnfix.explain(model, sketch(one.strokes)) for one in sketch_samples()]
    right = [one.target.label == sample.kind for one, sample in zip(said, sketch_samples(), strict=True)]
    assert len(right) == 16
    assert sum(right) >= 15
    lies = [on_ink(one.fixations, sketch(sample.strokes)) for one, sample in zip(said, sketch_samples(), strict=True)]
    assert np.mean([one.ink for one in lies]) > 0.7 > 4 * np.mean([one.covered for one in lies])


def test_the_network_and_its_card() -> None:
    assert NETWORK.path
    assert NETWORK.path.stat().st_size < 10_000_000
    assert len(KINDS) == 40
    assert {one.kind for one in sketch_samples()} <= set(KINDS)
    model = cnnfix.load_model("sketches")
    assert NETWORK.parameters == sum(one.numel() for one in model.module.parameters())
    card = (NETWORK.folder / "README.md").read_text("utf-8")
    for words in ("CC BY 4.0", "93.9 %", "Limits", f"{NETWORK.parameters:,}"):
        assert words in card


# --- the page ---------------------------------------------------------------------------------------------------------


def test_a_sample_is_explained() -> None:
    app = visit(sheet="envelope")
    assert not app.exception
    assert not app.error
    assert {"Why “envelope”?", "Which stroke decided?"} <= {heading.value for heading in app.header}
    ink, paper, near = (float(metric.value.removesuffix(" %")) for metric in app.metric)
    assert ink + paper == pytest.approx(100, abs=1)
    assert ink > near


def test_an_empty_sheet_says_what_to_draw() -> None:
    app = visit(sheet="empty")
    assert not app.exception
    assert any("Draw something" in info.value for info in app.info)
    assert not app.metric


def test_strokes_from_a_browser() -> None:
    app = visit(sheet="empty")
    app.session_state["sketch.strokes"] = {
        "empty": strokes_of([[[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8], [0.2, 0.2]]])
    }
    app.run()
    assert not app.exception
    assert app.metric
    assert "Which stroke decided?" not in {heading.value for heading in app.header}  # there is one only


def test_a_drawing_is_sent() -> None:
    buffer = io.BytesIO()
    Image.fromarray(sketch(sketch_samples()[0].strokes).pixels).save(buffer, "PNG")
    app = visit()
    app.file_uploader(key="sketch.upload").upload("sun.png", buffer.getvalue(), "image/png").run()
    assert not app.exception
    assert "Why “sun”?" in {heading.value for heading in app.header}
    app.file_uploader(key="sketch.upload").upload("no.png", b"no picture", "image/png").run()
    assert app.error
    assert "Why “sun”?" in {heading.value for heading in app.header}  # nothing is lost
