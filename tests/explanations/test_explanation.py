"""The public API as a person uses it: from a picture and a question to an explanation."""

from __future__ import annotations

import gc
import io
import pickle
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

import cnnfix_core as cnnfix
from cnnfix_core.errors import TargetError
from cnnfix_core.explanations import classes
from cnnfix_core.regions import MAP_SIDE

TABBY, EGYPTIAN_CAT = 281, 285


def test_everything_that_is_promised_is_there() -> None:
    assert all(hasattr(cnnfix, name) for name in cnnfix.__all__)


def assert_same(one: cnnfix.Explanation, other: cnnfix.Explanation) -> None:
    assert one.target == other.target
    assert one.fixations.xy.tolist() == other.fixations.xy.tolist()
    assert one.fixations.evidence == pytest.approx(other.fixations.evidence)


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_picture_by_path_bytes_array_and_pil_image(
    model: cnnfix.Model, cat_file: Path, explanation: cnnfix.Explanation
) -> None:
    image = Image.open(cat_file)
    for source in (str(cat_file), image, np.asarray(image)):
        assert_same(cnnfix.explain(model, source), explanation)


def test_a_rotated_photograph_is_explained_upright(
    model: cnnfix.Model, cat_file: Path, explanation: cnnfix.Explanation
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    buffer = io.BytesIO()
    Image.open(cat_file).transpose(Image.Transpose.ROTATE_90).save(buffer, "PNG", exif=exif)
    rotated = cnnfix.explain(model, buffer.getvalue())
    assert (rotated.fixations.width, rotated.fixations.height) == (451, 300)
    assert_same(rotated, explanation)


def test_coordinates_are_those_of_the_original_picture(explanation: cnnfix.Explanation) -> None:
    reached = explanation.trace.fixations.index
    wanted = {(int((x + 0.5) * 451 / 224), int((y + 0.5) * 300 / 224)) for _, _, y, x in reached.tolist()}
    assert set(map(tuple, explanation.fixations.xy.tolist())) == wanted


def test_coordinates_in_a_picture_larger_than_is_kept(model: cnnfix.Model, cat_file: Path) -> None:
    large = Image.open(cat_file).resize((2706, 1800), Image.Resampling.BICUBIC)
    explained = cnnfix.explain(model, large)
    reached = explained.trace.fixations.index
    wanted = {(int((x + 0.5) * 2706 / 224), int((y + 0.5) * 1800 / 224)) for _, _, y, x in reached.tolist()}
    assert set(map(tuple, explained.fixations.xy.tolist())) == wanted
    assert explained.density().shape == (1800, 2706)


@pytest.mark.parametrize("preset", ["evidence", "published"])
def test_a_picture_of_one_pixel(model: cnnfix.Model, preset: str) -> None:
    explained = cnnfix.explain(model, np.full((1, 1, 3), (200, 40, 30), np.uint8), preset=preset)
    assert explained.fixations.xy.tolist() == [[0, 0]]
    assert explained.density() == pytest.approx(np.ones((1, 1)))
    assert explained.box() == (0, 0, 0, 0)


@pytest.mark.parametrize("size", [(900, 3), (3, 900)])
@pytest.mark.parametrize("preset", ["evidence", "published"])
def test_a_strip(model: cnnfix.Model, size: tuple[int, int], preset: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    explained = cnnfix.explain(model, noise, preset=preset)
    x0, y0, x1, y1 = explained.box()
    assert 0 <= x0 <= x1 < size[0]
    assert 0 <= y0 <= y1 < size[1]
    assert explained.density().sum() == pytest.approx(1)


# --- targets ----------------------------------------------------------------------------------------------------------


def test_predictions_are_those_of_the_network(
    model: cnnfix.Model, cat: cnnfix.Picture, explanation: cnnfix.Explanation
) -> None:
    (view,) = explanation.views
    with torch.no_grad():
        scores = model.module(model.preprocess(view.render(cat))[None])[0]
    best = scores.softmax(0).topk(10)
    assert [prediction.index for prediction in explanation.predictions] == best.indices.tolist()
    assert [p.probability for p in explanation.predictions] == pytest.approx(best.values.tolist(), rel=1e-4)
    assert explanation.target == explanation.predictions[0]
    assert explanation.target.score == pytest.approx(float(scores.max()), rel=1e-4)
    assert explanation.target.label == model.labels.short[explanation.target.index]


@pytest.mark.parametrize("target", [TABBY, np.int64(TABBY), "281", " Tabby ", "tabby cat", "tabby, tabby cat"])
def test_one_class_in_many_ways(model: cnnfix.Model, cat: cnnfix.Picture, target: Any) -> None:
    explained = cnnfix.explain(model, cat, target, focus="sharpest")
    assert (explained.asked, explained.target.label, explained.rather_than) == (TABBY, "tabby", None)


def test_the_predicted_class_rather_than_another(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    explained = cnnfix.explain(model, cat, target=(None, "tabby"))
    assert explained.target == explained.predictions[0]
    assert explained.rather_than is not None
    assert explained.asked == (explained.target.index, TABBY)
    with pytest.raises(TargetError, match="contrasted with itself"):
        cnnfix.explain(model, cat, target=(None, explained.target.index))


def test_a_class_rather_than_another(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    explained = cnnfix.explain(model, cat, ("Egyptian cat", TABBY))
    assert explained.asked == (EGYPTIAN_CAT, TABBY)
    assert explained.rather_than is not None
    assert explained.rather_than.label == "tabby"
    (view,) = explained.views
    tape = cnnfix.record(model.module, model.preprocess(view.render(cat))[None])
    walk = cnnfix.unravel(tape, ((0, EGYPTIAN_CAT), (0, TABBY)))
    assert explained.trace.fixations.index.tolist() == walk.fixations.index.tolist()
    assert not np.allclose(explained.density(), cnnfix.explain(model, cat, EGYPTIAN_CAT).density())


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("crane", r"several classes.*134: crane \(large.*517: crane \(lifts"),
        ("tabbie", "no class called 'tabbie'. Did you mean tabby"),
        ("qqqqqqq", "Give a class number"),
        ("", "no class called ''"),
        (1000, "no class 1000: the model has 1000, from 0 to 999"),
        (-1, "no class -1"),
        ((1, 1), "cannot be contrasted with itself"),
        (("tench", "0"), "cannot be contrasted with itself.*'tench'"),
        ((1, 2, 3), "takes two classes"),
        (("tabby", "nothing of the sort"), "no class called"),
    ],
)
def test_a_class_that_is_not_understood(model: cnnfix.Model, cat: cnnfix.Picture, target: Any, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        cnnfix.explain(model, cat, target)


def test_ambiguous_names_have_longer_ones(model: cnnfix.Model) -> None:
    assert [model.labels.find(model.labels.short[index]) for index in (134, 517)] == [134, 517]


# --- presets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [("efficientnet_lite0", "load one with cnnfix_core.load_model"), (torch.nn.ReLU(), "Model.of"), (None, "load one")],
)
def test_what_is_no_model(cat: cnnfix.Picture, given: Any, said: str) -> None:
    for ask in (cnnfix.explain, classes, lambda model, picture: cnnfix.attribute(model, picture, 0)):
        with pytest.raises(cnnfix.CnnfixError, match=said):
            ask(given, cat)


def test_a_file_is_not_loaded_by_name(cat_file: Path) -> None:
    with pytest.raises(cnnfix.CnnfixError, match="It is a file: open it with"):
        cnnfix.load_model(str(cat_file))


def test_presets_by_name_and_by_value(model: cnnfix.Model, cat: cnnfix.Picture, published: cnnfix.Explanation) -> None:
    assert_same(cnnfix.explain(model, cat, preset=cnnfix.PUBLISHED), published)
    one = cnnfix.explain(model, cat, preset=replace(cnnfix.PUBLISHED, crops="centre"))
    assert [view.name for view in one.views] == ["centre"]


@pytest.mark.parametrize(("focus", "settings"), cnnfix.FOCUS.items())
def test_focus(model: cnnfix.Model, cat: cnnfix.Picture, focus: str, settings: tuple[int, int]) -> None:
    explained = cnnfix.explain(model, cat, focus=focus)
    assert (explained.preset.fan_out, explained.preset.beam) == settings
    assert len(explained.fixations) <= settings[1]


@pytest.mark.parametrize(
    ("preset", "focus", "message"),
    [
        ("beautiful", None, "no preset 'beautiful'; choose one of published, evidence"),
        ("evidence", "blurred", "no focus 'blurred'; choose one of wide, balanced, sharp, sharpest"),
        ("published", "wide", "'published' has none"),
    ],
)
def test_settings_that_do_not_exist(
    model: cnnfix.Model, cat: cnnfix.Picture, preset: str, focus: str | None, message: str
) -> None:
    with pytest.raises(cnnfix.CnnfixError, match=message):
        cnnfix.explain(model, cat, preset=preset, focus=focus)


# --- what comes out ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["explanation", "published"])
def either(request: pytest.FixtureRequest) -> cnnfix.Explanation:
    result: cnnfix.Explanation = request.getfixturevalue(request.param)
    return result


def test_fixations_are_unique_sorted_and_inside(either: cnnfix.Explanation) -> None:
    fixations = either.fixations
    assert len({(x, y) for x, y in fixations.xy.tolist()}) == len(fixations)
    assert (np.diff(fixations.evidence) <= 0).all()
    assert (fixations.evidence > 0).all()
    assert ((fixations.xy >= 0) & (fixations.xy < (451, 300))).all()
    assert set(fixations.channel.tolist()) <= {0, 1, 2}


def test_evidence_is_what_arrived(either: cnnfix.Explanation) -> None:
    arrived = [trace.fixations.evidence.sum() for trace in either.traces]
    assert either.fixations.evidence.sum() == pytest.approx(np.mean(arrived))
    for trace, part in zip(either.traces, arrived, strict=True):
        assert part + sum(trace.left.values()) == pytest.approx(1)


def test_published_fixations_all_count_the_same(published: cnnfix.Explanation) -> None:
    assert np.ptp(published.fixations.evidence) == 0
    assert published.fixations.sigma == (20, 20)


def test_published_drops_outliers_from_what_is_shown_not_from_what_was_found(published: cnnfix.Explanation) -> None:
    kept = published.fixations.without_outliers(0.05, 0.10)
    assert published.kept_fixations.xy.tolist() == kept.xy.tolist()
    assert published.box() == kept.extent()


@pytest.mark.parametrize("target", ["predicted", 0])
def test_of_five_crops_those_that_say_so_are_explained(
    model: cnnfix.Model, cat: cnnfix.Picture, published: cnnfix.Explanation, target: int | str
) -> None:
    explained = published if target == "predicted" else cnnfix.explain(model, cat, target, "published")
    batch = torch.stack([model.preprocess(view.render(cat)) for view in explained.views])
    with torch.no_grad():
        says = model.module(batch).argmax(1).tolist()
    wanted = [view for view, says in zip(explained.views, says, strict=True) if says == explained.target.index]
    assert len(explained.views) == 5
    assert list(explained.explained) == (wanted or list(explained.views))
    assert len(explained.traces) == len(explained.explained)


def test_density_and_box(explanation: cnnfix.Explanation) -> None:
    density = explanation.density()
    assert density.shape == (300, 451)
    assert density.sum() == pytest.approx(1)
    assert density.min() >= 0
    x0, y0, x1, y1 = explanation.box(1)
    assert density[y0 : y1 + 1, x0 : x1 + 1].sum() == pytest.approx(1)


def test_the_box_is_around_the_largest_part_of_the_smallest_region(explanation: cnnfix.Explanation) -> None:
    map_ = explanation.map(MAP_SIDE)
    height, width = map_.shape
    for share in (0.3, 0.85):
        falling = np.sort(map_, axis=None)[::-1]
        region = map_ >= falling[np.searchsorted(np.cumsum(falling), share - 1e-9)]
        parts, count = ndimage.label(region, np.ones((3, 3)))
        largest = max(range(1, count + 1), key=lambda number: (parts == number).sum())
        rows, columns = np.nonzero(parts == largest)
        x0, y0, x1, y1 = explanation.box(share)
        assert (x0, y0) == (columns.min() * 451 // width, rows.min() * 300 // height)
        assert (x1, y1) == (-(-(columns.max() + 1) * 451 // width) - 1, -(-(rows.max() + 1) * 300 // height) - 1)
    assert explanation.box() == explanation.box(0.85)


def test_the_same_question_gives_the_same_answer(
    model: cnnfix.Model, cat: cnnfix.Picture, explanation: cnnfix.Explanation
) -> None:
    assert_same(cnnfix.explain(model, cat), explanation)


def test_without_traces_the_activations_are_let_go(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    explained = cnnfix.explain(model, cat, focus="sharpest")
    scores = weakref.ref(explained.trace.tape.output_tensor)
    gc.collect()
    gc.disable()  # at once, not only when the collector comes by
    try:
        small = explained.without_traces()
        del explained
        assert scores() is None
    finally:
        gc.enable()
    assert small.traces == ()
    assert_same(pickle.loads(pickle.dumps(small)), small)
    assert small.density(longest_side=50).shape == (33, 50)
