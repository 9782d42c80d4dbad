"""Every method against its definition on the small networks of this project, walked through here as well.

`test_definitions.py` does it an element at a time on chains of layers with random weights. Here are branches, batch
normalisation, strides and groups; "a rather than b"; pictures that are larger than the network's input; and what
definitions promise: that integrated gradients are complete and that no winning probability gets lost.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

import cnnfix_core as cnnfix
from cnnfix_core.engine.recording import record_whole
from cnnfix_core.images.picture import open_picture
from cnnfix_core.images.view import View
from cnnfix_core.methods import attribution, perturbation
from cnnfix_core.methods.excitation import of_class, propagate_down, winning
from cnnfix_core.methods.feature_maps import ends_of_modules
from cnnfix_core.synthetic import HELD_OUT, compose
from cnnfix_core.zoo import Preprocessing
from tests.plain import attributions as slow
from tests.plain import methods
from tests.plain.graph import Arrived, Graph, Run

Numbers = NDArray[np.float64]
SCENE = compose(HELD_OUT + 42)
HEIGHT, WIDTH = 120, 150  # of the picture; the networks see 96 x 96
CLASS, OTHER = SCENE.label, (SCENE.label + 1) % 10
NAMES = ("scenes_alexnet", "scenes_vgg", "scenes_googlenet", "scenes_resnet", "scenes_densenet")
# The last map, and a finer one behind a branch where there are branches.
LAYERS = {
    "scenes_alexnet": ("11", "4"),
    "scenes_vgg": ("18", "13"),
    "scenes_googlenet": ("8", "3"),
    "scenes_resnet": ("9", "6"),
    "scenes_densenet": ("12", "7"),
}
RESNET = "scenes_resnet"
POOLED = ("scenes_googlenet", "scenes_resnet", "scenes_densenet")

each = pytest.mark.parametrize("name", NAMES)
each_question = pytest.mark.parametrize("asked", [CLASS, (CLASS, OTHER)], ids=["class", "contrast"])
Asked = int | tuple[int, int]


class Case:
    """One of the small networks, the picture, and a plain run of it."""

    def __init__(self, name: str) -> None:
        self.model = cnnfix.load_model(name)
        self.image = np.asarray(Image.fromarray(SCENE.picture.pixels).resize((WIDTH, HEIGHT)))
        (view,) = self.model.views(open_picture(self.image), "whole")
        self.inputs = self.model.preprocess(view.render(open_picture(self.image)))[None]
        self.picture: Numbers = self.inputs[0].double().numpy()
        self.graph = Graph(self.model.module)
        self.run: Run = self.graph.run(self.picture)

    @cache  # noqa: B019  # cases live as long as the tests
    def gradients(self, asked: Asked, guided: bool = False) -> Arrived:
        return self.run.gradients(wanted(asked), guided)

    @cache  # noqa: B019
    def winning(self, asked: Asked, dual: bool = False) -> Arrived:
        return self.run.winning(wanted(asked), dual)

    def ask(self, method: str, asked: Asked, layer: str | None = None) -> Numbers:
        """The package's map, (HEIGHT, WIDTH)."""
        return attribution(self.model, self.image, asked, method, layer=layer).map.astype(float)

    def score(self, asked: Asked, probability: bool = False) -> slow.Score:
        """What the network says of one picture."""
        return lambda picture: said(self.model, picture, asked, probability)


def said(model: cnnfix.Model, picture: Numbers, asked: Asked, probability: bool = False) -> float:
    with torch.no_grad():
        scores = model.module(torch.from_numpy(picture).float()[None])[0].double()
    return float(wanted(asked) @ (scores.softmax(dim=0) if probability else scores).numpy())


@cache
def case(name: str) -> Case:
    return Case(name)


def wanted(asked: Asked) -> Numbers:
    """A weight for each class."""
    first, *other = asked if isinstance(asked, tuple) else (asked,)
    weights = np.zeros(10)
    weights[first], weights[other] = 1, -1
    return weights


def assert_map(found: Numbers, defined: Numbers, of_largest: float = 1e-4) -> None:
    """The package's map is the defined one, enlarged to the picture."""
    large = methods.enlarged(defined, (HEIGHT, WIDTH))
    assert large.max() > 0
    np.testing.assert_allclose(found, large, rtol=0, atol=of_largest * large.max())


# --- the plain networks themselves ------------------------------------------------------------------------------------


@each
def test_the_plain_network_computes_and_derives_what_pytorch_does(name: str) -> None:
    its = case(name)
    inputs = its.inputs.clone().requires_grad_()
    scores = its.model.module(inputs)[0]
    np.testing.assert_allclose(its.run.scores, scores.detach().numpy(), atol=1e-4)
    (gradient,) = torch.autograd.grad(scores[CLASS], inputs)
    found = its.gradients(CLASS).picture
    np.testing.assert_allclose(found, gradient[0].numpy(), atol=1e-5 * np.abs(found).max())


def test_both_plain_ways_win_the_same() -> None:
    torch.manual_seed(0)
    trunk = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1)]
    module = nn.Sequential(*trunk, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 10)).eval()
    picture = np.random.default_rng(0).normal(size=(3, 10, 12))
    chain, run = slow.Chain(module), Graph(module).run(picture)
    for dual in (False, True):
        by_element = chain.winning(chain.forward(picture), 3, 2, dual)
        np.testing.assert_allclose(run.winning(wanted(3), dual).at("1"), by_element, atol=1e-12)


# --- class activation maps --------------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize(
    ("asked", "which"), [(CLASS, 0), ((CLASS, OTHER), 0), (CLASS, 1)], ids=["class", "contrast", "finer"]
)
def test_class_activation_maps(name: str, asked: Asked, which: int) -> None:
    its, layer = case(name), LAYERS[name][which]
    maps, gradients = its.run.of(layer), its.gradients(asked).at(layer)
    chosen = layer if which else None  # the last is the package's own choice
    assert_map(its.ask("gradcam", asked, chosen), slow.grad_cam(maps, gradients))
    assert_map(its.ask("gradcampp", asked, chosen), slow.grad_cam_plus_plus(maps, gradients), of_largest=1e-3)
    assert_map(its.ask("layercam", asked, chosen), slow.layer_cam(maps, gradients))


@pytest.mark.parametrize("name", POOLED)
@each_question
def test_cam_takes_the_weights_of_the_linear_layer(name: str, asked: Asked) -> None:
    its = case(name)
    *_, linear = its.model.module.children()
    assert isinstance(linear, nn.Linear)
    weights = wanted(asked) @ linear.weight.detach().double().numpy()
    assert_map(its.ask("cam", asked), slow.cam(its.run.of(LAYERS[name][0]), weights))


def test_score_cam() -> None:
    its, asked = case(RESNET), (CLASS, OTHER)
    maps, score = its.run.of(LAYERS[RESNET][0]), its.score(asked)
    found = its.ask("scorecam", asked)
    assert_map(found, methods.score_cam(maps, its.picture, score, enlarged_first=False))
    # As the paper has it: nearly the same.
    assert_map(found, methods.score_cam(maps, its.picture, score, enlarged_first=True), of_largest=0.02)


@pytest.mark.parametrize("number", [1, 2])
def test_a_map_counts_as_it_was_before_the_next_step_wrote_into_it(number: int) -> None:
    model, layer = tiny(Relus()), "2"
    run = Graph(model.module).run(STANDARD)
    maps, gradients = run.of(layer), run.gradients(wanted(number)).at(layer)
    assert maps.min() < 0
    assert run.of("3").min() == 0
    for method, defined in {
        "gradcam": slow.grad_cam(maps, gradients),
        "gradcampp": slow.grad_cam_plus_plus(maps, gradients),
        "layercam": slow.layer_cam(maps, gradients),
        "scorecam": methods.score_cam(maps, STANDARD, lambda x: said(model, x, number), enlarged_first=False),
    }.items():
        found = attribution(model, NOISE, number, method, layer=layer).map
        assert defined.max() > 0
        np.testing.assert_allclose(found, defined, rtol=0, atol=1e-3 * defined.max(), err_msg=method)


# --- gradients --------------------------------------------------------------------------------------------------------


@each
@each_question
def test_gradients(name: str, asked: Asked) -> None:
    its, layer = case(name), LAYERS[name][0]
    plain, guided = (slow.strongest_colour(its.gradients(asked, guided=it).picture) for it in (False, True))
    cam = slow.grad_cam(its.run.of(layer), its.gradients(asked).at(layer))
    assert_map(its.ask("saliency", asked), plain, of_largest=1e-3)
    assert_map(its.ask("guided_backprop", asked), guided, of_largest=1e-3)
    assert_map(its.ask("guided_gradcam", asked), guided * methods.enlarged(cam, guided.shape), of_largest=1e-3)


class Thresholds(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return functional.threshold(x, 0.0, 0.0)


class Clamps(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(min=0)


class ClampsInPlace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x * 1).clamp_min_(0)


class Relus(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x, inplace=True)


class Relus6(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return functional.relu6(x)


class CutsNothing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(min=-1e9)


def tiny(*between: nn.Module) -> cnnfix.Model:
    """A network for pictures of 10 x 8 pixels."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        *between,
        nn.Conv2d(6, 6, 3, padding=1),
        *copy.deepcopy(between),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 10),
    ).eval()
    preprocess = Preprocessing((8, 10), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), crop_pct=1.0)
    return cnnfix.Model("tiny", "Tiny", module, preprocess, cnnfix.Labels(tuple("abcdefghij"), ("",) * 10), "", "")


NOISE = np.random.default_rng(0).integers(0, 256, (8, 10, 3), np.uint8)
STANDARD: Numbers = (NOISE.transpose(2, 0, 1) / 255 - 0.5) / 0.25


@pytest.mark.parametrize(
    "written",
    [nn.ReLU(), nn.ReLU6(), nn.Hardtanh(0, 50), Thresholds(), Clamps(), ClampsInPlace(), Relus(), Relus6()],
    ids=lambda written: type(written).__name__,
)
def test_a_relu_is_guided_however_it_is_written(written: nn.Module) -> None:
    run = Graph(tiny(nn.ReLU()).module).run(STANDARD)
    plain, guided = (slow.strongest_colour(run.gradients(wanted(1), guided=it).picture) for it in (False, True))
    assert np.abs(plain - guided).max() > 0.05 * guided.max()
    model = tiny(written)
    # What cuts nothing off is no ReLU, and lets negative gradients through.
    model = replace(model, module=nn.Sequential(CutsNothing(), model.module))
    found = attribution(model, NOISE, 1, "guided_backprop").map
    np.testing.assert_allclose(found, guided, rtol=0, atol=1e-4 * guided.max())


def test_integrated_gradients_by_the_same_rule() -> None:
    model, asked = tiny(nn.ReLU()), (1, 2)
    graph = Graph(model.module)
    parts = methods.integrated(lambda x: graph.run(x).gradients(wanted(asked)).picture, STANDARD, points=50).sum(axis=0)
    found = attribution(model, NOISE, asked, "integrated_gradients").map
    np.testing.assert_allclose(found, np.maximum(parts, 0), rtol=0, atol=1e-4 * parts.max())


def test_integrated_gradients_are_complete() -> None:
    model = tiny(nn.ReLU())
    for a, b in ((0, 1), (2, 3), (7, 4)):
        # What is negative for "a rather than b" is positive for "b rather than a".
        for_a, for_b = (attribution(model, NOISE, pair, "integrated_gradients").map for pair in ((a, b), (b, a)))
        run = Graph(model.module).run
        rise = (run(STANDARD).scores - run(np.zeros_like(STANDARD)).scores) @ wanted((a, b))
        assert for_a.sum() - for_b.sum() == pytest.approx(rise, abs=0.01 * float(for_a.sum() + for_b.sum()))


def test_integrated_gradients_of_a_whole_network() -> None:
    its = case(RESNET)

    def gradient(picture: Numbers) -> Numbers:
        """By autograd: the plain one, which is the same, would take a minute for all points."""
        inputs = torch.from_numpy(picture).float()[None].requires_grad_()
        (found,) = torch.autograd.grad(its.model.module(inputs)[0, CLASS], inputs)
        return found[0].double().numpy()

    parts = methods.integrated(gradient, its.picture, points=50).sum(axis=0)
    assert_map(its.ask("integrated_gradients", CLASS), np.maximum(parts, 0), of_largest=1e-3)


# --- perturbation -----------------------------------------------------------------------------------------------------


def test_occlusion_is_the_mean_fall_below_the_patches() -> None:
    its, asked = case(RESNET), (CLASS, OTHER)
    defined = slow.occlusion(its.picture, its.score(asked), patch=(96 // 7, 96 // 7), step=(96 // 14, 96 // 14))
    assert_map(its.ask("occlusion", asked), defined, of_largest=1e-3)


def test_rise_with_few_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perturbation, "MASKS", 40)
    its, asked = case(RESNET), (CLASS, OTHER)
    defined = slow.rise(list(methods.masks(40, (96, 96))), its.picture, its.score(asked, probability=True))
    assert_map(its.ask("rise", asked), defined, of_largest=1e-3)


def test_the_masks_of_rise_are_cells_enlarged_and_cut_out() -> None:
    size = (17, 29)
    found = np.concatenate([batch.numpy() for batch in perturbation.random_masks(30, 16, size)])
    np.testing.assert_allclose(found, list(methods.masks(30, size)), atol=1e-6)


# --- excitation backpropagation ---------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("which", [None, 0, 1], ids=["own", "last", "finer"])
def test_excitation_backpropagation(name: str, which: int | None) -> None:
    its = case(name)
    chosen = None if which is None else LAYERS[name][which]
    layer = chosen or LAYERS[name][0]  # of these networks, the last map is fine enough
    won, other = (its.winning(number).at(layer) for number in (CLASS, OTHER))
    dual = its.winning(CLASS, dual=True).at(layer)
    assert_map(its.ask("cmwp", CLASS, chosen), np.maximum((won - dual).sum(axis=0), 0), of_largest=1e-3)
    assert_map(its.ask("cmwp", (CLASS, OTHER), chosen), np.maximum((won - other).sum(axis=0), 0), of_largest=1e-3)


@each
def test_no_winning_probability_gets_lost_but_where_no_input_speaks_for_an_element(name: str) -> None:
    its = case(name)
    tape = record_whole(its.model.module, its.inputs)
    ends = ends_of_modules(tape)
    won, arrived = its.winning(CLASS), of_class(tape, CLASS)
    stuck = its.run.stuck(won)
    # Each of these layers has all that goes to the next.
    layers = [layer for layer, _ in its.model.module.named_children() if layer in ends]
    for layer in reversed(layers):
        arrived = propagate_down(tape, arrived, ends[layer].index + 1)
        found = winning(tape, arrived, ends[layer])[0].numpy()
        plain = won.at(layer).reshape(found.shape)
        np.testing.assert_allclose(found, plain, rtol=0, atol=1e-4 * plain.max())
        end = its.graph.nodes.index(its.graph.end(layer))
        lost = sum(stuck[node] for node in its.graph.nodes[end + 1 :])
        assert found.min() >= 0
        assert found.sum() + lost == pytest.approx(1, abs=1e-4)
        assert lost < 0.1


# --- baselines, and the way to the picture ----------------------------------------------------------------------------


@pytest.mark.parametrize("longest_side", [None, 60])
def test_the_random_baseline_is_smooth_noise(longest_side: int | None) -> None:
    picture = open_picture(NOISE.repeat(8, axis=0).repeat(9, axis=1))
    height, width = (64, 90) if longest_side is None else (43, 60)
    found = attribution(tiny(nn.ReLU()), picture, 0, "random", longest_side=longest_side).map
    drawn = np.random.default_rng(int(picture.digest[:16], 16)).normal(size=(height, width))
    np.testing.assert_allclose(found, methods.smooth_noise(drawn, width / 45), atol=1e-5)


def test_the_centre_baseline_is_one_at_the_middle_and_the_same_on_all_edges() -> None:
    found = attribution(tiny(nn.ReLU()), np.zeros((41, 61, 3), np.uint8), 0, "centre").map
    for y, x in np.ndindex(41, 61):
        down, across = (y - 20) / 20.5, (x - 30) / 30.5
        assert found[y, x] == pytest.approx(np.exp(-2 * (down**2 + across**2)), rel=1e-5)


@pytest.mark.parametrize("crops", ["whole", "centre", "five"])
def test_views_are_enlarged_to_their_places_and_averaged(crops: Any) -> None:
    model = tiny(nn.ReLU())
    picture = open_picture(np.random.default_rng(3).integers(0, 256, (33, 47, 3), np.uint8))
    maps, boxes = [], []
    for view in model.views(picture, crops):
        run = Graph(model.module).run(model.preprocess(view.render(picture)).double().numpy())
        maps.append(slow.strongest_colour(run.gradients(wanted(1)).picture))
        boxes.append(_place(view))
    found = attribution(model, picture, 1, "saliency", crops=crops).map
    defined = methods.put_together(maps, boxes, (33, 47))
    np.testing.assert_allclose(found, defined, rtol=0, atol=1e-4 * defined.max())


def test_each_view_is_cut_off_at_zero_before_they_are_averaged() -> None:
    model = tiny(nn.ReLU())
    picture = open_picture(np.random.default_rng(4).integers(0, 256, (16, 40, 3), np.uint8))
    views = model.views(picture, "five")
    asked = next(n for n in range(10) if _signs(model, picture, n) == {-1, 1})
    maps = [np.maximum(_cam(model, view.render(picture), asked), 0) for view in views]
    defined = methods.put_together(maps, [_place(view) for view in views], (16, 40))
    found = attribution(model, picture, asked, "cam", crops="five").map
    np.testing.assert_allclose(found, defined, rtol=0, atol=1e-4 * defined.max())


def _place(view: View) -> methods.Box:
    x0, y0, x1, y1 = map(round, view.box)
    return x0, y0, x1, y1


def _cam(model: cnnfix.Model, seen: Image.Image, number: int) -> Numbers:
    """A class activation map with its signs."""
    run = Graph(model.module).run(model.preprocess(seen).double().numpy())
    *_, linear = model.module.children()
    weights = linear.weight.detach().double().numpy()[number]  # type: ignore[operator]
    found: Numbers = np.tensordot(weights, run.of("3"), axes=1)
    return found


def _signs(model: cnnfix.Model, picture: cnnfix.Picture, number: int) -> set[int]:
    maps = [_cam(model, view.render(picture), number) for view in model.views(picture, "five")]
    return {sign for one in maps for sign in np.sign(one).astype(int).flat if sign}
