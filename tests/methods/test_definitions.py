"""Every method against a slow version written from its paper, on small networks with random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

import cnnfix_core as cnnfix
from cnnfix_core.methods import attribution, reason_against
from cnnfix_core.methods.perturbation import MASKS, random_masks
from cnnfix_core.zoo import Preprocessing
from tests.plain import attributions as slow

Numbers = NDArray[np.float64]
HEIGHT, WIDTH, CLASSES = 10, 12, 3
LAST = 5  # of the values of the chain: what the second ReLU gives


def network(pooled: bool, seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> nn.Sequential:
    """Two convolutions with a pool between; pooled: a mean and one linear layer above, as CAM wants it, or two."""
    torch.manual_seed(seed)
    trunk = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU()]
    if pooled:
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, CLASSES)]
    else:
        inputs = 6 * (height // 2) * (width // 2)
        head = [nn.Flatten(), nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, CLASSES)]
    return nn.Sequential(*trunk, *head).eval()


class Case:
    """A network, a picture of noise, and the same in numbers."""

    def __init__(self, pooled: bool, seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> None:
        module = network(pooled, seed, height, width)
        preprocess = Preprocessing((height, width), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), crop_pct=1.0)
        labels = cnnfix.Labels(tuple("abc"), ("",) * CLASSES)
        self.model = cnnfix.Model("tiny", "Tiny", module, preprocess, labels, "here", "none")
        self.image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
        self.picture: Numbers = (self.image.transpose(2, 0, 1) / 255 - 0.5) / 0.25
        self.chain = slow.Chain(module)
        self.values = self.chain.forward(self.picture)

    def ask(self, method: str, number: int, layer: str | None = None) -> Numbers:
        """The package's map."""
        return attribution(self.model, self.image, number, method, layer=layer).map.astype(float)

    def gradients(self, number: int) -> Numbers:
        """Of the class's score with respect to the last feature maps."""
        return self.chain.backward(self.values, number, LAST)

    def scores(self, picture: Numbers) -> torch.Tensor:
        with torch.no_grad():
            found: torch.Tensor = self.model.module(torch.from_numpy(picture).float()[None])[0].double()
        return found


def assert_same(found: Numbers, wanted: Numbers, of_largest: float = 1e-4) -> None:
    assert wanted.max() > 0
    np.testing.assert_allclose(found, wanted, rtol=0, atol=of_largest * wanted.max())


each = pytest.mark.parametrize("seed", range(2))
each_class = pytest.mark.parametrize("number", range(CLASSES))


def with_something(maps: Callable[[int], Numbers]) -> int:
    """The first class whose map is not empty: with random weights nothing may speak for a class."""
    return next(number for number in range(CLASSES) if maps(number).any())


@each
def test_the_plain_network_computes_and_derives_what_pytorch_does(seed: int) -> None:
    for pooled in (False, True):
        case = Case(pooled, seed)
        inputs = torch.from_numpy(case.picture).float()[None].requires_grad_()
        scores = case.model.module(inputs)[0]
        np.testing.assert_allclose(case.values[-1], scores.detach().numpy(), atol=1e-5)
        (gradient,) = torch.autograd.grad(scores[1], inputs)
        np.testing.assert_allclose(case.chain.backward(case.values, 1, 0), gradient[0].numpy(), atol=1e-6)


@each
@pytest.mark.parametrize(
    ("method", "defined"),
    [
        ("gradcam", slow.grad_cam),
        ("gradcampp", slow.grad_cam_plus_plus),
        ("layercam", slow.layer_cam),
        ("xgradcam", slow.x_grad_cam),
        ("hirescam", slow.hires_cam),
    ],
)
def test_class_activation_maps(method: str, defined: Callable[[Numbers, Numbers], Numbers], seed: int) -> None:
    case = Case(pooled=False, seed=seed)

    def wanted(number: int) -> Numbers:
        return defined(case.values[LAST], case.gradients(number))

    number = with_something(wanted)
    assert_same(case.ask(method, number), slow.bilinear(wanted(number), (HEIGHT, WIDTH)))


@each
@each_class
def test_finer_cam_takes_what_sets_a_class_apart(seed: int, number: int) -> None:
    case = Case(pooled=False, seed=seed)
    others = [other for other in range(CLASSES) if other != number]  # three classes: all others are the nearest
    below = sum(case.gradients(other) for other in others) / len(others)
    wanted = slow.grad_cam(case.values[LAST], case.gradients(number) - 0.6 * below)
    found = case.ask("finercam", number)
    np.testing.assert_allclose(found, slow.bilinear(wanted, (HEIGHT, WIDTH)), atol=1e-4 * max(wanted.max(), 1e-3))


def test_finer_cam_of_a_rather_than_b() -> None:
    case = Case(pooled=False)
    wanted = slow.grad_cam(case.values[LAST], case.gradients(0) - 0.6 * case.gradients(2))
    found = attribution(case.model, case.image, (0, 2), "finercam").map
    assert_same(found, slow.bilinear(wanted, (HEIGHT, WIDTH)))
    alone = replace(case.model, module=nn.Sequential(*case.chain.layers, nn.Linear(CLASSES, 1)))
    alone = replace(alone, labels=cnnfix.Labels(("a",), ("",)))
    assert "only one" in reason_against(alone, "finercam")


@each
def test_refine_cam_multiplies_depths(seed: int) -> None:
    case = Case(pooled=False, seed=seed)
    layers = {LAST: "4", 2: "1"}  # the last maps of the two sizes

    def cams(number: int) -> list[Numbers]:
        gradients = {at: case.chain.backward(case.values, number, at) for at in layers}
        return [slow.grad_cam_plus_plus(case.values[at], gradients[at]) for at in layers]

    number = with_something(lambda number: np.prod([one.max() for one in cams(number)]))
    assert_same(case.ask("refinecam", number), slow.refine_cam(cams(number)), of_largest=1e-3)


@each
def test_smooth_grad_cam_plus_plus_and_smooth_grad_average_noisy_copies(seed: int) -> None:
    case = Case(pooled=False, seed=seed)
    generator = torch.Generator().manual_seed(0)
    spread = 0.15 * (case.picture.max() - case.picture.min())
    # The numbers are drawn as the package draws them, 16 copies at a time; what is made of them is written here.
    drawn = [torch.randn((n, 3, HEIGHT, WIDTH), generator=generator).double().numpy() for n in (16, 16, 16, 2)]
    runs = [case.chain.forward(case.picture + spread * one) for one in np.concatenate(drawn)]

    def wanted(number: int) -> Numbers:
        gradients = [case.chain.backward(values, number, LAST) for values in runs]
        return slow.smooth_grad_cam_plus_plus(case.values[LAST], gradients)

    number = with_something(wanted)
    found = case.ask("smoothgradcampp", number)
    assert_same(found, slow.bilinear(wanted(number), (HEIGHT, WIDTH)), of_largest=1e-3)
    smooth = slow.smooth_grad([case.chain.backward(values, number, 0) for values in runs])
    assert_same(case.ask("smoothgrad", number), smooth, of_largest=1e-3)


@each
def test_ablation_cam_sets_channels_to_zero(seed: int) -> None:
    case = Case(pooled=False, seed=seed)

    def wanted(number: int) -> Numbers:
        head = slow.Chain(nn.Sequential(*case.chain.layers[LAST:]))
        return slow.ablation_cam(case.values[LAST], lambda maps: float(head.forward(maps)[-1][number]))

    number = with_something(wanted)
    assert_same(case.ask("ablationcam", number), slow.bilinear(wanted(number), (HEIGHT, WIDTH)), of_largest=1e-3)


@each
def test_eigen_cam_is_the_same_for_every_class(seed: int) -> None:
    case = Case(pooled=False, seed=seed)
    wanted = slow.bilinear(slow.eigen_cam(case.values[LAST]), (HEIGHT, WIDTH))
    for number in range(CLASSES):
        assert_same(case.ask("eigencam", number), wanted)
    assert "one class" in reason_against(case.model, "eigencam", contrast=True)


@each
def test_cam_takes_the_weights_of_the_linear_layer(seed: int) -> None:
    case = Case(pooled=True, seed=seed)
    linear = case.model.module.get_submodule("7")
    assert isinstance(linear, nn.Linear)
    weights = linear.weight.detach().double().numpy()

    def wanted(number: int) -> Numbers:
        return slow.cam(case.values[LAST], weights[number])

    number = with_something(wanted)
    assert_same(case.ask("cam", number), slow.bilinear(wanted(number), (HEIGHT, WIDTH)))


@each
@each_class
def test_score_cam_asks_about_the_picture_through_each_channel(seed: int, number: int) -> None:
    case = Case(pooled=False, seed=seed)
    wanted = slow.score_cam(case.values[LAST], case.picture, lambda shown: float(case.scores(shown)[number]))
    assert_same(case.ask("scorecam", number), slow.bilinear(wanted, (HEIGHT, WIDTH)))


@each
@each_class
def test_gradients(seed: int, number: int) -> None:
    case = Case(pooled=False, seed=seed)
    plain = slow.strongest_colour(case.chain.backward(case.values, number, 0))
    guided = slow.strongest_colour(case.chain.backward(case.values, number, 0, guided=True))
    assert_same(case.ask("saliency", number), plain)
    assert_same(case.ask("guided_backprop", number), guided)
    assert np.abs(plain - guided).max() > 0.05 * plain.max()
    cam = slow.bilinear(slow.grad_cam(case.values[LAST], case.gradients(number)), (HEIGHT, WIDTH))
    if cam.any():
        assert_same(case.ask("guided_gradcam", number), guided * cam)


@each
def test_integrated_gradients_are_the_integral_and_complete(seed: int) -> None:
    case = Case(pooled=False, seed=seed, height=4, width=6)
    parts = slow.integrated(case.chain, case.picture, 1, steps=200).sum(axis=0)
    rise = case.values[-1][1] - case.chain.forward(np.zeros_like(case.picture))[-1][1]
    assert parts.sum() == pytest.approx(rise, rel=0.01)
    # The gradient of a network of ReLUs jumps, so 50 steps are near the integral and not on it.
    assert_same(case.ask("integrated_gradients", 1), np.maximum(parts, 0), of_largest=0.05)


@each
@each_class
def test_input_times_gradient(seed: int, number: int) -> None:
    case = Case(pooled=False, seed=seed)
    parts = case.picture * case.chain.backward(case.values, number, 0)
    assert_same(case.ask("input_x_gradient", number), np.maximum(parts.sum(axis=0), 0))


@each
def test_gradient_shap_takes_random_references_and_places(seed: int) -> None:
    case = Case(pooled=False, seed=seed)
    generator = torch.Generator().manual_seed(0)
    low, high = case.picture.min(), case.picture.max()
    drawn = []
    for count in (16, 16, 16, 2):  # drawn as the package draws them
        references, shares = (torch.rand((count, 1, 1, 1), generator=generator).flatten().tolist() for _ in range(2))
        drawn += [(low + one * (high - low), share) for one, share in zip(references, shares, strict=True)]
    wanted = slow.gradient_shap(case.chain, case.picture, 1, drawn)
    assert_same(case.ask("gradient_shap", 1), wanted, of_largest=1e-3)


@each
@each_class
def test_deep_lift_shares_the_change_of_the_score(seed: int, number: int) -> None:
    case = Case(pooled=False, seed=seed)
    # A pool takes its strongest place in the picture and in the reference apart: no definition without a choice.
    module = nn.Sequential(*[layer for layer in case.chain.layers[:5] if not isinstance(layer, nn.MaxPool2d)])
    torch.manual_seed(seed)
    module = nn.Sequential(*module, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, CLASSES)).eval()
    chain, model = slow.Chain(module), replace(case.model, module=module)
    found = attribution(model, case.image, number, "deeplift").map
    assert_same(found, slow.deep_lift(chain, case.picture, number), of_largest=1e-3)


def test_deep_lift_says_where_a_rule_is_missing() -> None:
    case = Case(pooled=True)
    module = nn.Sequential(nn.Conv2d(3, 6, 3), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, CLASSES))
    model = replace(case.model, module=module.eval())
    assert "has no rule for one of the network's operations" in reason_against(model, "deeplift")


@each
def test_occlusion_is_the_mean_fall_below_the_patches(seed: int) -> None:
    case = Case(pooled=True, seed=seed, height=20, width=29)
    wanted = slow.occlusion(case.picture, lambda shown: float(case.scores(shown)[1]), patch=(2, 4), step=(1, 2))
    assert_same(case.ask("occlusion", 1), wanted, of_largest=1e-3)


def test_rise_weighs_masks_by_what_the_network_says() -> None:
    case = Case(pooled=False)
    masks = [mask.double().numpy() for batch in random_masks(MASKS, 16, (HEIGHT, WIDTH)) for mask in batch]
    wanted = slow.rise(masks, case.picture, lambda shown: float(case.scores(shown).softmax(dim=0)[1]))
    assert_same(case.ask("rise", 1), wanted, of_largest=1e-3)


def test_the_masks_of_rise_are_smooth_and_show_a_half() -> None:
    masks = np.concatenate([batch.numpy() for batch in random_masks(2000, 50, (28, 35))])
    assert masks.shape == (2000, 28, 35)
    assert masks.min() >= 0
    assert masks.max() <= 1
    np.testing.assert_allclose(masks.mean(axis=0), 0.5, atol=0.06)
    cells = 28 / 7, 35 / 7
    assert np.abs(np.diff(masks, axis=1)).max() <= 1 / cells[0] + 1e-6
    assert np.abs(np.diff(masks, axis=2)).max() <= 1 / cells[1] + 1e-6
    np.testing.assert_array_equal(masks[:30], np.concatenate([b.numpy() for b in random_masks(30, 7, (28, 35))]))


@each
@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize(("layer", "until"), [("4", LAST), ("1", 2)])
def test_excitation_backpropagation_an_element_at_a_time(seed: int, pooled: bool, layer: str, until: int) -> None:
    case = Case(pooled, seed)

    def wanted(number: int) -> Numbers:
        winning = case.chain.winning(case.values, number, until)
        dual = case.chain.winning(case.values, number, until, dual=True)
        assert winning.sum() == pytest.approx(1)  # nothing is lost on the way
        return np.maximum((winning - dual).sum(axis=0), 0)

    for number in range(CLASSES):
        assert_same(case.ask("cmwp", number, layer), slow.bilinear(wanted(number), (HEIGHT, WIDTH)), of_largest=1e-3)


def test_the_baselines() -> None:
    case = Case(pooled=True)
    found = case.ask("centre", 0)
    for row, column in np.ndindex(HEIGHT, WIDTH):
        y, x = (row + 0.5) / HEIGHT * 2 - 1, (column + 0.5) / WIDTH * 2 - 1
        assert found[row, column] == pytest.approx(np.exp(-2 * (x * x + y * y)), rel=1e-5)
    noise = case.ask("random", 0)
    assert noise.min() == 0
    assert noise.max() > 0
    np.testing.assert_array_equal(noise, case.ask("random", 1))
    assert np.abs(noise - Case(pooled=True, seed=1).ask("random", 0)).max() > 0
