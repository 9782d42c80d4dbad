"""Insertion and deletion: worked out by hand on a network that counts, and against a plain loop on a real one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.metrics import Curves, curves
from cnnfix_core.zoo import Model, Preprocessing

SIDES = 4, 6  # of the tiny network's input, height and width


class Brightness(nn.Module):
    """Two scores: four times the left half's mean, and 0. Notes what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach().clone())
        left = x[..., : x.shape[-1] // 2].mean((1, 2, 3))
        return torch.stack([4 * left, torch.zeros_like(left)], dim=1)


@pytest.fixture
def tiny() -> Model:
    model = Model.of(Brightness(), preprocessing=Preprocessing(SIDES, (0, 0, 0), (1, 1, 1)))
    model.module.seen.clear()
    return model


@pytest.fixture(scope="module")
def white() -> cnnfix.Picture:
    return cnnfix.open_picture(np.full((40, 60, 3), 255, np.uint8))


def says(brightness: NDArray[np.floating]) -> NDArray[np.floating]:
    return 1 / (1 + np.exp(-4 * np.asarray(brightness)))


def halves(left: float, right: float) -> NDArray[np.float64]:
    """A map of the size of the tiny network's input."""
    return np.repeat([[left, right]], 3, axis=1).repeat(4, axis=0)


def test_pixels_go_in_the_order_of_the_map(tiny: Model, white: cnnfix.Picture) -> None:
    # The blur of a white picture is white: putting pixels in changes nothing, taking them out does.
    first = curves(tiny, white, halves(2, 1), 0, steps=4)
    assert first.shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert first.insertion == pytest.approx(says([1, 1, 1, 1, 1]))
    assert first.deletion == pytest.approx(says([1, 0.5, 0, 0, 0]))
    last = curves(tiny, white, halves(1, 2), 0, steps=4)
    assert last.deletion == pytest.approx(says([1, 1, 1, 0.5, 0]))
    assert first.deletion_area == pytest.approx(says([1, 0.5, 0, 0, 0]).mean())
    assert first.insertion_area == pytest.approx(says([1]).item())
    assert first.share == last.share == 1


def test_of_a_contrast_the_first_class_counts(tiny: Model, white: cnnfix.Picture) -> None:
    other = curves(tiny, white, halves(2, 1), (1, 0), steps=4)
    assert other.deletion == pytest.approx(1 - says([1, 0.5, 0, 0, 0]))
    assert curves(tiny, white, halves(2, 1), np.int64(1), steps=4).deletion == pytest.approx(other.deletion)


@pytest.mark.parametrize("value", [0, 7])
def test_a_map_of_one_value_gains_nothing_by_where_its_places_lie(
    tiny: Model, white: cnnfix.Picture, value: float
) -> None:
    curves(tiny, white, np.full(SIDES, value), 0, steps=4)
    taken = (tiny.module.seen[1][2] == 0)[0]  # half of the pixels
    assert taken.sum() == 12
    columns, rows = taken.sum(0).tolist(), taken.sum(1).tolist()
    assert max(columns) < 4  # in no order of columns
    assert min(columns) > 0
    assert max(rows) < 6
    assert min(rows) > 0


def test_equal_values_are_drawn_the_same_way_each_time(tiny: Model, white: cnnfix.Picture) -> None:
    one, other = (curves(tiny, white, np.zeros(SIDES), 0, steps=8) for _ in range(2))
    assert (one.deletion == other.deletion).all()


def test_what_the_network_is_shown(tiny: Model) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    picture = cnnfix.open_picture(pixels)
    curves(tiny, picture, np.random.default_rng(1).random((8, 12)), 0, steps=2)
    inserted, deleted = tiny.module.seen
    x = deleted[0]
    assert (inserted[2] == x).all()
    assert (deleted[2] == 0).all()
    small = np.asarray(Image.fromarray(pixels).resize((6, 4), Image.Resampling.BILINEAR)) / 255
    assert x.permute(1, 2, 0).numpy() == pytest.approx(small, abs=1e-6)
    # The blur is 10 pixels of 224, channel by channel.
    channels = [gaussian_filter(channel, (40 / 224, 60 / 224)) for channel in x.numpy()]
    assert inserted[0].numpy() == pytest.approx(np.stack(channels), abs=1e-6)
    assert (inserted[1] == torch.where(deleted[1] == 0, x, inserted[0])).all()  # what is put in is what was taken out


def test_whoever_watches_sees_the_curves_grow(tiny: Model, white: cnnfix.Picture) -> None:
    seen: list[Curves] = []
    whole = curves(tiny, white, halves(2, 1), 0, steps=16, watch=seen.append)
    done = [int(np.isfinite(one.deletion).sum()) for one in seen]
    assert done == sorted(set(done))
    assert len(done) > 1
    assert done[-1] == 17
    assert [one.share for one in seen] == pytest.approx([count / 17 for count in done])
    for one, count in zip(seen, done, strict=True):
        for grown, found in ((one.insertion, whole.insertion), (one.deletion, whole.deletion)):
            assert (grown[:count] == found[:count]).all()
            assert np.isnan(grown[count:]).all()
    assert np.isnan(seen[0].deletion_area)
    assert seen[-1].deletion_area == whole.deletion_area


def test_whoever_watches_can_stop_it(tiny: Model, white: cnnfix.Picture) -> None:
    class StoppedError(Exception):
        pass

    def stop(_curves: Curves) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        curves(tiny, white, halves(2, 1), 0, steps=16, watch=stop)
    assert sum(len(batch) for batch in tiny.module.seen) < 2 * 17


def plain_curve(
    model: Model, picture: cnnfix.Picture, saliency: NDArray[np.floating], target: int, steps: int
) -> tuple[list[float], list[float]]:
    """Pixel by pixel, picture by picture, from the definition."""
    height, width = model.input_size
    image = Image.fromarray(picture.pixels).resize((width, height), Image.Resampling[model.interpolation.upper()])
    x = model.preprocess(image)
    spread = 10 * height / 224, 10 * width / 224
    blurred = torch.stack([torch.from_numpy(gaussian_filter(channel, spread)) for channel in x.numpy()])
    order = sorted(np.ndindex(height, width), key=lambda place: -saliency[place])
    inserted, deleted = [], []
    for step in range(steps + 1):
        more, less = blurred.clone(), x.clone()
        for row, column in order[: round(step * height * width / steps)]:
            more[:, row, column] = x[:, row, column]
            less[:, row, column] = 0
        for said, shown in ((inserted, more), (deleted, less)):
            with torch.no_grad():
                said.append(float(model.module(shown[None]).softmax(1)[0, target]))
    return inserted, deleted


def test_against_a_plain_loop(cat: cnnfix.Picture) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(
            nn.Conv2d(3, 8, 5, 2), nn.ReLU(), nn.Conv2d(8, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        module[2].weight.data *= 20
    model = Model.of(module.eval(), preprocessing=Preprocessing((30, 42), interpolation="bicubic"))
    saliency = np.random.default_rng(0).permutation(30 * 42).reshape(30, 42).astype(np.float32)  # no two alike
    found = curves(model, cat, saliency, 3, steps=7)
    inserted, deleted = plain_curve(model, cat, saliency, 3, steps=7)
    assert np.ptp(inserted) > 0.01
    assert np.ptp(deleted) > 0.01
    assert found.insertion == pytest.approx(np.array(inserted), abs=1e-6)
    assert found.deletion == pytest.approx(np.array(deleted), abs=1e-6)
