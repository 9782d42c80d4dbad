"""Pictures that were changed: exactly where it was asked for, by no more than was asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.errors import CnnfixError, ModelError, TargetError
from cnnfix_core.images.view import View, views
from cnnfix_core.perturbations import ATTACKS, add_adversarial_noise, boxed, painted
from cnnfix_core.zoo import Model, Preprocessing

pytestmark = pytest.mark.filterwarnings("ignore:Input Tensor:UserWarning:captum")

# --- painting ---------------------------------------------------------------------------------------------------------


def noise(height: int, width: int) -> cnnfix.Picture:
    """No pixel of it is grey."""
    return cnnfix.open_picture(np.random.default_rng(0).integers(130, 256, (height, width, 3), np.uint8))


def differs(one: cnnfix.Picture, other: cnnfix.Picture) -> np.ndarray:
    return (one.pixels != other.pixels).any(axis=2)


def test_exactly_the_pixels_whose_centre_lies_in_a_disc() -> None:
    picture = noise(30, 40)
    strokes = [(10, 10, 2.5), (12.5, 10, 3), (39, 29.5, 4), (-2, 15, 5), (20, 40, 11.2), (25.5, 4.5, 0.2), (80, 80, 9)]
    plain = np.zeros((30, 40), bool)
    for y, x in np.ndindex(plain.shape):
        plain[y, x] = any((x + 0.5 - across) ** 2 + (y + 0.5 - down) ** 2 <= r**2 for across, down, r in strokes)
    changed = painted(picture, strokes)
    assert (differs(picture, changed) == plain).all()
    assert (changed.pixels[plain] == 128).all()
    assert changed.digest != picture.digest
    assert (changed.width, changed.height) == (40, 30)
    assert not changed.pixels.flags.writeable


def test_a_disc_by_hand() -> None:
    rows = [".xx.", "xxxx", "xxxx", ".xx."]
    hidden = differs(noise(4, 4), painted(noise(4, 4), [(2, 2, 1.6)]))
    assert ["".join(".x"[int(one)] for one in row) for row in hidden] == rows


@pytest.mark.parametrize("size", [(30, 40), (15, 20)])  # as large as the picture was, and half of it
@pytest.mark.parametrize("box", [(3, 4, 10, 20), (0, 0, 0, 0), (39, 29, 39, 29), (0, 0, 39, 29), (80, 80, 90, 90)])
def test_exactly_the_pixels_whose_centre_lies_in_a_box(size: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    picture = replace(noise(*size), width=40, height=30)
    plain = np.zeros(size, bool)
    for row, column in np.ndindex(size):
        x, y = (column + 0.5) * 40 / size[1], (row + 0.5) * 30 / size[0]
        plain[row, column] = box[0] <= x < box[2] + 1 and box[1] <= y < box[3] + 1
    changed = boxed(picture, box)
    assert (differs(picture, changed) == plain).all()
    assert (changed.pixels[plain] == 128).all()
    assert (changed is picture) == (not plain.any())


def test_blur_hides_the_same_pixels_with_their_surroundings() -> None:
    pixels = noise(60, 80).pixels.copy()
    pixels[25:35, 35:45] = 0
    picture = cnnfix.open_picture(pixels)
    grey, blurred = (painted(picture, [(40, 30, 5)], fill) for fill in ("grey", "blur"))
    assert not (differs(picture, blurred) & ~differs(picture, grey)).any()
    assert blurred.pixels[30, 40].min() > 20  # of the bright surroundings
    assert blurred.pixels[30, 40].max() < 128
    assert blurred.digest != grey.digest


@pytest.mark.parametrize("strokes", [[], [(100, 100, 20)], [(2, 2, 0.1)]])
def test_nothing_hidden_is_the_picture_itself(strokes: list[tuple[float, float, float]]) -> None:
    picture = noise(30, 40)
    assert painted(picture, strokes) is picture


def test_strokes_are_in_pixels_of_the_original() -> None:
    pixels = np.full((1024, 2048, 3), 200, np.uint8)
    original = cnnfix.Picture(pixels, 8192, 4096, "0" * 64)
    changed = painted(original, [(6000, 1000, 100)])
    rows, columns = np.nonzero(differs(original, changed))
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (1475, 1524, 225, 274)
    assert (changed.width, changed.height) == (8192, 4096)


def test_the_same_strokes_have_the_same_digest() -> None:
    one, again, other = (painted(noise(30, 40), [(10, 10, r)]) for r in (3, 3, 4))
    assert one.digest == again.digest != other.digest


def test_hundreds_of_large_strokes_leave_a_picture() -> None:
    changed = painted(noise(300, 400), [(x, y, 1e6) for x in range(0, 400, 20) for y in range(0, 300, 15)])
    assert (changed.pixels == 128).all()


# --- noise ------------------------------------------------------------------------------------------------------------


class Colours(nn.Module):
    """Scores: the picture's red and green, 0 to 1, times `factor`, plus `bias`."""

    def __init__(self, bias: float, factor: float) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(bias))
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x.mean((2, 3))[:, :2] + self.bias


def colours(bias: float = 0.0, factor: float = 4.0) -> Model:
    return Model.of(Colours(bias, factor), preprocessing=Preprocessing((20, 30), (0, 0, 0), (1, 1, 1)))


def plain_picture(red: int, green: int) -> cnnfix.Picture:
    return cnnfix.open_picture(np.full((50, 70, 3), (red, green, 77), np.uint8))


@pytest.mark.parametrize("kind", sorted(ATTACKS))
@pytest.mark.parametrize(
    ("bias", "factor"), [(0.0, 4.0), (-50.0, 4.0), (0.0, 0.01)], ids=["above 0", "below 0", "almost flat"]
)
def test_noise_goes_down_the_score_and_no_further(kind: str, bias: float, factor: float) -> None:
    found = add_adversarial_noise(colours(bias, factor), plain_picture(101, 100), kind, 3)
    assert found.picture.pixels.shape == (20, 30, 3)
    assert (found.picture.pixels == (98, 103, 77)).all()  # blue counts for no class
    assert found.strongest == 3
    assert found.after.index != found.before.index
    assert (found.before.index, found.after.index) == (0, 1)


@pytest.mark.parametrize("kind", sorted(ATTACKS))
@pytest.mark.parametrize(("strength", "change"), [(0, 0), (0.9, 0), (1, 1), (2.7, 2), (64, 64)])
def test_a_strength_is_never_exceeded(kind: str, strength: float, change: int) -> None:
    found = add_adversarial_noise(colours(), plain_picture(200, 100), kind, strength)
    assert (found.picture.pixels == (200 - change, 100 + change, 77)).all()
    assert found.strongest == change
    assert (found.after.index != found.before.index) == (change > 50)


def test_pixels_stay_between_0_and_255() -> None:
    found = add_adversarial_noise(colours(), plain_picture(3, 1), "fgsm", 8)
    assert (found.picture.pixels == (0, 9, 77)).all()
    assert found.strongest == 8
    assert (add_adversarial_noise(colours(), plain_picture(255, 252), "pgd", 8).picture.pixels == (247, 255, 77)).all()


@pytest.mark.parametrize("kind", sorted(ATTACKS))
def test_noise_towards_a_class(kind: str) -> None:
    found = add_adversarial_noise(colours(), plain_picture(100, 150), kind, 2, towards="class 1")
    assert (found.picture.pixels == (98, 152, 77)).all()  # towards what is said already: surer of it
    assert found.after.index == found.before.index
    assert found.after.probability > found.before.probability


@pytest.fixture(scope="module")
def noisy(model: cnnfix.Model, cat: cnnfix.Picture) -> dict[str, cnnfix.changes.Disturbed]:
    return {kind: add_adversarial_noise(model, cat, kind, 2) for kind in ATTACKS}


@pytest.mark.parametrize("kind", sorted(ATTACKS))
def test_the_network_sees_exactly_what_is_shown(
    model: cnnfix.Model, cat: cnnfix.Picture, noisy: dict[str, cnnfix.changes.Disturbed], kind: str
) -> None:
    found = noisy[kind]
    (view,) = views(found.picture, "whole", model.input_size, model.crop_pct, model.interpolation)
    seen = np.asarray(view.render(found.picture))
    assert (seen == found.picture.pixels).all()
    (view,) = views(cat, "whole", model.input_size, model.crop_pct, model.interpolation)
    change = np.abs(seen.astype(int) - np.asarray(view.render(cat)))
    assert change.max() == found.strongest == 2
    assert change.mean() > 0.5
    with torch.no_grad():
        probabilities = model.module(model.preprocess(Image.fromarray(seen))[None]).softmax(1)[0]
    assert found.after.index == int(probabilities.argmax())
    assert found.after.probability == pytest.approx(float(probabilities.max()), rel=1e-4)
    assert found.before == cnnfix.explain(model, cat).predictions[0]
    assert found.after.index != found.before.index
    assert (found.picture.width, found.picture.height) == (cat.width, cat.height)
    assert not found.picture.pixels.flags.writeable
    assert found.picture.digest != cat.digest


def test_pgd_is_surer_of_the_wrong_answer(noisy: dict[str, cnnfix.changes.Disturbed]) -> None:
    assert noisy["pgd"].after.probability > noisy["fgsm"].after.probability


def test_nothing_is_left_behind(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    drawn = torch.get_rng_state()
    before = [weight.clone() for weight in model.module.parameters()]
    one, again = (add_adversarial_noise(model, cat, "fgsm", 1) for _ in range(2))
    assert (torch.get_rng_state() == drawn).all()
    assert all(weight.grad is None for weight in model.module.parameters())
    assert all((weight == was).all() for weight, was in zip(model.module.parameters(), before, strict=True))
    assert not any(child._forward_pre_hooks or child._forward_hooks for child in model.module.modules())
    assert (one.picture.pixels == again.picture.pixels).all()
    assert one.picture.digest == again.picture.digest


@pytest.mark.parametrize("size", [(451, 300), (1, 1), (7, 2000), (1999, 1333), (97, 89)])
def test_a_whole_view_renders_pixels_of_its_own_size_as_they_are(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (22, 31, 3), np.uint8)
    view = View("whole", (0, 0, *size), (22, 31))
    assert (np.asarray(view.render(cnnfix.Picture(pixels, *size, "0" * 64))) == pixels).all()


@pytest.mark.parametrize("strength", [-1, 65, float("nan")])
def test_a_strength_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(CnnfixError, match="from 0 to 64"):
        add_adversarial_noise(colours(), plain_picture(2, 1), "fgsm", strength)


def test_what_cannot_be_done_is_said() -> None:
    class Steps(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x.mean((2, 3)) * 4).detach().round()

    with pytest.raises(CnnfixError, match="fgsm, pgd"):
        add_adversarial_noise(colours(), plain_picture(2, 1), "salt")
    with pytest.raises(TargetError, match="There is no class 2"):
        add_adversarial_noise(colours(), plain_picture(2, 1), towards=2)
    with pytest.raises(ModelError, match="have no gradient"):
        add_adversarial_noise(Model.of(Steps(), preprocessing=Preprocessing((20, 30))), plain_picture(2, 1))
