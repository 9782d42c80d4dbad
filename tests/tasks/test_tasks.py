"""Segmentation and detection: one pixel or one box as a model, and choosing them on Explore."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.errors import ModelError, TargetError
from cnnfix_core.images.picture import Picture, open_picture
from cnnfix_core.images.samples import load_sample
from cnnfix_core.synthetic import CLASSES, HELD_OUT, Scene, compose
from cnnfix_core.tasks import detect, segment
from cnnfix_core.zoo import Labels, Model, Preprocessing
from cnnfix_core.zoo.sources.scenes import DETECTING, SEGMENTING
from cnnfix_core.zoo.sources.shipped import TrainedNetwork
from tests.ui.visiting import headings, page

SEEDS = range(HELD_OUT + 4_000, HELD_OUT + 4_012)


def scene(seed: int) -> Scene:
    return compose(seed, seed % 10, other=(seed + 3) % 10, side=192)


@pytest.fixture(scope="module")
def fcn() -> Model:
    return cnnfix.load_model("scenes_fcn")


@pytest.fixture(scope="module")
def fcos() -> Model:
    return cnnfix.load_model("scenes_fcos")


def test_segmentation_names_the_things(fcn: Model) -> None:
    overlaps = []
    for seed in SEEDS:
        composed = scene(seed)
        found = segment(fcn, composed.picture)
        assert found.classes.shape == (96, 96)
        large = found.classes.repeat(2, axis=0).repeat(2, axis=1)
        for thing in composed.things[:2]:
            said = large == 1 + CLASSES.index(thing.name)
            overlaps.append((said & thing.mask).sum() / (said | thing.mask).sum())
    assert np.mean(overlaps) > 0.65


def test_a_pixel_is_a_model_of_its_own(fcn: Model) -> None:
    composed = scene(SEEDS[0])
    thing = composed.things[0]
    rows, columns = np.nonzero(thing.mask)
    x, y = int(columns[len(columns) // 2]), int(rows[len(rows) // 2])
    part = segment(fcn, composed.picture).at(x, y)
    found = cnnfix.explain(part, composed.picture)
    view = part.views(composed.picture, "five")
    assert [one.name for one in view] == ["whole"]  # whatever crops are asked for
    with torch.no_grad():
        scores = fcn.module(part.preprocess(view[0].render(composed.picture))[None])["out"][0, :, y // 2, x // 2]
    assert found.target.index == int(scores.argmax())
    assert found.target.score == pytest.approx(float(scores.max()), rel=1e-4)
    grad_cam = cnnfix.attribute(part, composed.picture, found.target.index)
    assert grad_cam.shape == (192, 192)
    assert grad_cam.max() > 0
    with pytest.raises(TargetError, match=r"no pixel \(192, 0\): the picture has 192 x 192 pixels"):
        segment(fcn, composed.picture).at(192, 0)


def test_evidence_of_pixels_and_boxes_lies_on_their_things(fcn: Model, fcos: Model) -> None:
    shares: dict[str, list[float]] = {"pixel": [], "box": []}
    for seed in SEEDS[:6]:
        composed = scene(seed)
        detection = detect(fcos, composed.picture)
        for thing in composed.things[:2]:
            rows, columns = np.nonzero(thing.mask)
            middle = len(rows) // 2
            part = segment(fcn, composed.picture).at(int(columns[middle]), int(rows[middle]))
            density = cnnfix.explain(part, composed.picture, thing.name).density()
            shares["pixel"].append(float(density[thing.mask].sum()))
            names = [one.name for one in detection.found]
            if thing.name in names:
                density = cnnfix.explain(detection.model, composed.picture, thing.name).density()
                shares["box"].append(float(density[thing.mask].sum()))
    assert len(shares["box"]) > 8
    assert np.mean(shares["pixel"]) > 0.35  # things cover 5 % of a scene
    assert np.mean(shares["box"]) > 0.35


def test_detection_finds_the_things(fcos: Model) -> None:
    found = wanted = 0
    for seed in SEEDS:
        composed = scene(seed)
        detection = detect(fcos, composed.picture, min_score=0.5)
        for thing in composed.things[:2]:
            wanted += 1
            found += any(
                one.name.startswith(thing.name) and _overlap(one.box, thing.box) > 0.5 for one in detection.found
            )
    assert found / wanted > 0.85


def _overlap(found: tuple[float, ...], box: tuple[int, ...]) -> float:
    x0, y0, x1, y1 = found
    left, top, right, bottom = box[0], box[1], box[2] + 1, box[3] + 1
    both = max(0, min(x1, right) - max(x0, left)) * max(0, min(y1, bottom) - max(y0, top))
    return both / ((x1 - x0) * (y1 - y0) + (right - left) * (bottom - top) - both)


def test_a_box_is_a_class_of_a_model(fcos: Model) -> None:
    composed = scene(SEEDS[0])
    detection = detect(fcos, composed.picture)
    scores = [one.score for one in detection.found]
    assert scores == sorted(scores, reverse=True)
    explanation = cnnfix.explain(detection.model, composed.picture, 1)
    assert explanation.target.label == detection.found[1].name
    assert explanation.target.probability == pytest.approx(scores[1], abs=1e-5)
    assert cnnfix.attribute(detection.model, composed.picture, 1).shape == (192, 192)
    other = scene(SEEDS[1]).picture  # where these things are not
    with torch.no_grad():
        view = detection.model.views(other, "whole")[0]
        assert not detection.model.module(detection.model.preprocess(view.render(other))[None]).any()


class Fixed(nn.Module):
    """Finds three things wherever it looks."""

    def forward(self, pictures: list[Tensor]) -> list[dict[str, Tensor]]:
        boxes = torch.tensor([[0.0, 0, 8, 8], [10, 10, 20, 20], [4, 4, 16, 12]])
        scores = torch.tensor([0.9, 0.8, 0.1]) * pictures[0].mean().clamp(1, 1)
        return [{"boxes": boxes, "labels": torch.tensor([1, 1, 0]), "scores": scores} for _ in pictures]


def test_what_is_told_of_boxes() -> None:
    preprocessing = Preprocessing((32, 32), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    model = Model("f", "F", Fixed(), preprocessing, Labels(("cat", "dog"), ("", "")), "", "", "detection")
    picture = open_picture(np.zeros((64, 128, 3), np.uint8))
    found = detect(model, picture)
    assert [one.name for one in found.found] == ["dog 1", "dog 2"]  # the third is not sure
    assert found.found[1].box == (20, 20, 40, 40)  # the input is 64 x 32, the picture twice as large
    assert found.model.input_size == (32, 64)
    assert [one.name for one in detect(model, picture, min_score=0).found] == ["dog 1", "dog 2", "cat"]
    with pytest.raises(ModelError, match="F finds nothing in this picture"):
        detect(model, picture, min_score=0.95)


@pytest.mark.parametrize("network", [SEGMENTING, DETECTING])
def test_the_cards(network: TrainedNetwork) -> None:
    assert network.path
    assert network.parameters == sum(one.numel() for one in network.load().module.parameters())
    card = (network.folder / "README.md").read_text("utf-8")
    for words in ("78.0 %", "97.8 %", "Limits", f"{network.parameters:,}"):
        assert words in card


def test_such_networks_are_not_asked_about_the_whole_picture(fcn: Model) -> None:
    picture: Picture = scene(SEEDS[0]).picture
    with pytest.raises(ModelError, match="Scenes FCN is a network for segmentation: explain a single pixel or box"):
        cnnfix.explain(fcn, picture)
    with pytest.raises(ModelError, match="Scenes FCN is not a network for detection"):
        detect(fcn, picture)


# --- the page ---------------------------------------------------------------------------------------------------------


def test_a_pixel_on_explore() -> None:
    app = page("explore", model="scenes_fcn", picture="spiral-and-star")
    assert not app.exception
    assert not app.error
    assert "Why “spiral”?" in headings(app)
    picture = open_picture(load_sample("spiral-and-star").read())
    app = page("explore", model="scenes_fcn", picture="spiral-and-star", at=f"{picture.width - 1},{picture.height - 1}")
    assert "Why “ground”?" in headings(app)
    app = page("explore", model="scenes_fcn", picture="spiral-and-star", at="99999,1")  # falls back
    assert not app.exception
    assert "Why “spiral”?" in headings(app)


def test_a_box_on_explore() -> None:
    app = page("explore", model="scenes_fcos", picture="spiral-and-star")
    assert not app.exception
    first = next(one for one in headings(app) if one.startswith("Why"))
    app = page("explore", model="scenes_fcos", picture="spiral-and-star", **{"class": "1"})
    second = next(one for one in headings(app) if one.startswith("Why"))
    assert {first, second} == {"Why “spiral”?", "Why “star”?"}
    app = page("explore", model="scenes_fcos", picture="spiral-and-star", **{"class": "99"})
    assert not app.exception
    assert first in headings(app)


def test_other_pages_ask_another_network() -> None:
    app = page("compare", model="scenes_fcn", picture="spiral-and-star")
    assert not app.exception
    assert any("use it on the Explore page" in one.value for one in app.info)
