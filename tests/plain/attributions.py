"""Slow attribution methods from their papers, on a chain of layers whose forward and backward pass is written here too.

All in double precision, an element at a time; nothing is shared with the package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

Numbers = NDArray[np.float64]
Score = Callable[[Numbers], float]


class Chain:
    """Convolutions of stride 1 padded by zeros, ReLUs, max pools of 2 x 2, means over all places, linear layers."""

    def __init__(self, module: nn.Sequential) -> None:
        self.layers = [*module]

    def forward(self, x: Numbers) -> list[Numbers]:
        """What each layer gives, after the picture (C, H, W) itself."""
        found = [x]
        for layer in self.layers:
            found.append(_forward(layer, found[-1]))
        return found

    def backward(self, values: list[Numbers], number: int, until: int, guided: bool = False) -> Numbers:
        """The gradient of a class's score with respect to values[until].

        guided: what is negative in it does not get through a ReLU (Springenberg et al. 2015, section 3.4).
        """
        gradient: Numbers = np.eye(len(values[-1]))[number]
        for at in reversed(range(until, len(self.layers))):
            layer, x = self.layers[at], values[at]
            if guided and isinstance(layer, nn.ReLU):
                gradient = np.maximum(gradient, 0)
            gradient = _backward(layer, x, gradient)
        return gradient

    def winning(self, values: list[Numbers], number: int, until: int, dual: bool = False) -> Numbers:
        """Marginal winning probabilities at values[until] (Zhang et al. 2018, eq. 2), from 1 at a class.

        dual: the last layer with the negative of its weights (section 3.3).
        """
        probability: Numbers = np.eye(len(values[-1]))[number]
        last = len(self.layers) - 1
        for at in reversed(range(until, len(self.layers))):
            probability = _won(self.layers[at], values[at], probability, -1 if dual and at == last else 1)
        return probability


def _forward(layer: nn.Module, x: Numbers) -> Numbers:
    if isinstance(layer, nn.ReLU):
        return np.maximum(x, 0)
    if isinstance(layer, nn.Flatten):
        return x.reshape(-1)
    found = np.zeros(_shape(layer, x))
    for place, inputs, weights in _sums(layer, x):
        found[place] = sum(value * w for value, w in zip(_at(x, inputs), weights, strict=True))
    if isinstance(layer, nn.Conv2d | nn.Linear):
        found += _array(layer.bias).reshape(-1, *[1] * (found.ndim - 1))
    return found


def _backward(layer: nn.Module, x: Numbers, gradient: Numbers) -> Numbers:
    if isinstance(layer, nn.ReLU):
        return gradient * (x > 0)
    if isinstance(layer, nn.Flatten):
        return gradient.reshape(x.shape)
    found = np.zeros_like(x)
    for place, inputs, weights in _sums(layer, x):
        for where, w in zip(inputs, weights, strict=True):
            found[where] += gradient[place] * w
    return found


def _won(layer: nn.Module, x: Numbers, probability: Numbers, sign: int) -> Numbers:
    if isinstance(layer, nn.ReLU | nn.Flatten):
        return probability.reshape(x.shape)
    below = np.zeros_like(x)
    for place, inputs, weights in _sums(layer, x):
        parts = np.array([max(v, 0) * max(sign * w, 0) for v, w in zip(_at(x, inputs), weights, strict=True)])
        for where, part in zip(inputs, parts, strict=True):
            if part > 0:
                below[where] += probability[place] * part / parts.sum()
    return below


def _sums(layer: nn.Module, x: Numbers) -> Iterator[tuple[Any, list[Any], Numbers]]:
    """Each element that a layer computes as a sum: its place, the places of its inputs, and their weights."""
    if isinstance(layer, nn.Linear):
        for row, weights in enumerate(_array(layer.weight)):
            yield (row,), [(column,) for column in range(len(x))], weights
    elif isinstance(layer, nn.Conv2d):
        kernel = _array(layer.weight)
        for channel, row, column in np.ndindex(_shape(layer, x)):
            yield ((channel, row, column), *_window(kernel[channel], x, row, column))
    else:
        yield from _pooled(layer, x)


def _pooled(layer: nn.Module, x: Numbers) -> Iterator[tuple[Any, list[Any], Numbers]]:
    for channel, row, column in np.ndindex(_shape(layer, x)):
        if isinstance(layer, nn.MaxPool2d):
            window = [(channel, 2 * row + dy, 2 * column + dx) for dy in (0, 1) for dx in (0, 1)]
            yield (channel, row, column), [max(window, key=x.__getitem__)], np.ones(1)
        else:
            places = [(channel, *at) for at in np.ndindex(x.shape[1:])]
            yield (channel, row, column), places, np.full(len(places), 1 / len(places))


def _window(kernel: Numbers, x: Numbers, row: int, column: int) -> tuple[list[Any], Numbers]:
    """The places that a convolution sees around this one, and its weights there; padding is left out."""
    half = kernel.shape[1] // 2
    places, weights = [], []
    for (channel, dy, dx), weight in np.ndenumerate(kernel):
        y, x_ = row + dy - half, column + dx - half
        if 0 <= y < x.shape[1] and 0 <= x_ < x.shape[2]:
            places.append((channel, y, x_))
            weights.append(weight)
    return places, np.array(weights)


def _shape(layer: nn.Module, x: Numbers) -> tuple[int, ...]:
    if isinstance(layer, nn.Linear):
        return (layer.out_features,)
    if isinstance(layer, nn.Conv2d):
        return layer.out_channels, *x.shape[1:]
    if isinstance(layer, nn.MaxPool2d):
        return len(x), x.shape[1] // 2, x.shape[2] // 2
    return len(x), 1, 1


def _at(x: Numbers, places: list[Any]) -> list[float]:
    return [x[place] for place in places]


def _array(parameter: Any) -> Numbers:
    found: Numbers = parameter.detach().double().numpy()
    return found


# --- class activation maps: from feature maps (K, h, w) and their gradients -------------------------------------------


def grad_cam(maps: Numbers, gradients: Numbers) -> Numbers:
    """Selvaraju et al., ICCV 2017, eq. 1 and 2."""
    total = np.zeros(maps.shape[1:])
    for one, gradient in zip(maps, gradients, strict=True):
        total += gradient.sum() / gradient.size * one
    return np.maximum(total, 0)


def grad_cam_plus_plus(maps: Numbers, gradients: Numbers) -> Numbers:
    """Chattopadhyay et al., WACV 2018, eq. 5, 19 and 7; the score's exponential, which all weights share, left out."""
    total = np.zeros(maps.shape[1:])
    for one, gradient in zip(maps, gradients, strict=True):
        weight = 0.0
        for at in np.ndindex(one.shape):
            below = 2 * gradient[at] ** 2 + one.sum() * gradient[at] ** 3
            alpha = gradient[at] ** 2 / below if below else 0.0
            weight += alpha * max(gradient[at], 0)
        total += weight * one
    return np.maximum(total, 0)


def layer_cam(maps: Numbers, gradients: Numbers) -> Numbers:
    """Jiang et al., IEEE TIP 2021, eq. 7 and 8."""
    total = np.zeros(maps.shape[1:])
    for (channel, row, column), value in np.ndenumerate(maps):
        total[row, column] += max(gradients[channel, row, column], 0) * value
    return np.maximum(total, 0)


def cam(maps: Numbers, weights: Numbers) -> Numbers:
    """Zhou et al., CVPR 2016, eq. 2. weights: (K,) of the class in the linear layer."""
    total = np.zeros(maps.shape[1:])
    for one, weight in zip(maps, weights, strict=True):
        total += weight * one
    return np.maximum(total, 0)


def score_cam(maps: Numbers, picture: Numbers, score: Score) -> Numbers:
    """Wang et al., CVPR workshops 2020, eq. 3 to 7, with the softmax over channels.

    Each channel is brought to 0 to 1 before it is enlarged, as torchcam does it; the paper does it after.
    """
    scores = []
    for one in maps:
        spread = one.max() - one.min()
        mask = (one - one.min()) / spread if spread else np.zeros_like(one)
        scores.append(score(picture * bilinear(mask, picture.shape[1:])))
    powers = [np.exp(value - max(scores)) for value in scores]
    return cam(maps, np.array([power / sum(powers) for power in powers]))


def x_grad_cam(maps: Numbers, gradients: Numbers) -> Numbers:
    """Fu et al., BMVC 2020: a channel's weight is the mean of its gradients, weighted by its activations."""
    total = np.zeros(maps.shape[1:])
    for one, gradient in zip(maps, gradients, strict=True):
        if one.sum():
            total += sum(gradient[at] * one[at] / one.sum() for at in np.ndindex(one.shape)) * one
    return np.maximum(total, 0)


def hires_cam(maps: Numbers, gradients: Numbers) -> Numbers:
    """Draelos, Carin, arXiv 2011.08891: activation times gradient at each place, summed over channels."""
    total = np.zeros(maps.shape[1:])
    for (channel, row, column), value in np.ndenumerate(maps):
        total[row, column] += gradients[channel, row, column] * value
    return np.maximum(total, 0)


def smooth_grad_cam_plus_plus(maps: Numbers, gradients: list[Numbers]) -> Numbers:
    """Omeiza et al., arXiv 1908.01224, with the mean square in the numerator. gradients: one for each noisy copy."""
    total = np.zeros(maps.shape[1:])
    for channel, one in enumerate(maps):
        weight = 0.0
        for at in np.ndindex(one.shape):
            first, second, third = (np.mean([g[channel][at] ** power for g in gradients]) for power in (1, 2, 3))
            below = 2 * second + one.sum() * third
            weight += (second / below if below else 0.0) * max(first, 0)
        total += weight * one
    return np.maximum(total, 0)


def ablation_cam(maps: Numbers, score: Score) -> Numbers:
    """Desai, Ramaswamy, WACV 2020, less the division by the score. score: of what comes after the maps."""
    total = np.zeros(maps.shape[1:])
    for channel, one in enumerate(maps):
        without = maps.copy()
        without[channel] = 0
        total += (score(maps) - score(without)) * one
    return np.maximum(total, 0)


def eigen_cam(maps: Numbers) -> Numbers:
    """Muhammad, Yeasin, IJCNN 2020: the projection on the first principal direction, by repeated multiplication."""
    places = maps.reshape(len(maps), -1).T
    direction = np.ones(len(maps))
    for _ in range(2000):
        direction = places.T @ (places @ direction)
        direction /= np.linalg.norm(direction)
    projected = (places @ direction).reshape(maps.shape[1:])
    return np.maximum(projected * np.sign(projected.sum()), 0)


def refine_cam(cams: list[Numbers]) -> Numbers:
    """arXiv 2605.14641: maps from 0 to 1, enlarged to the largest, multiplied."""
    size = max(one.shape for one in cams)
    total = np.ones(size)
    for one in cams:
        total *= bilinear((one - one.min()) / (one.max() - one.min()), size)
    return total


def bilinear(small: Numbers, size: tuple[int, ...]) -> Numbers:
    """Enlarge (h, w): between the centres of places linearly, beyond the outermost constant."""
    height, width = size
    large = np.zeros(size)
    for row, column in np.ndindex(height, width):
        y = min(max((row + 0.5) * small.shape[0] / height - 0.5, 0), small.shape[0] - 1)
        x = min(max((column + 0.5) * small.shape[1] / width - 0.5, 0), small.shape[1] - 1)
        top, left = int(y), int(x)
        below, right = min(top + 1, small.shape[0] - 1), min(left + 1, small.shape[1] - 1)
        upper = small[top, left] * (1 - x + left) + small[top, right] * (x - left)
        lower = small[below, left] * (1 - x + left) + small[below, right] * (x - left)
        large[row, column] = upper * (1 - y + top) + lower * (y - top)
    return large


# --- the picture itself -----------------------------------------------------------------------------------------------


def strongest_colour(gradient: Numbers) -> Numbers:
    """Simonyan et al., ICLR workshop 2014, section 3.1: the largest |gradient| among the colours."""
    found = np.zeros(gradient.shape[1:])
    for (_, row, column), value in np.ndenumerate(gradient):
        found[row, column] = max(found[row, column], abs(value))
    return found


def integrated(chain: Chain, picture: Numbers, number: int, steps: int) -> Numbers:
    """Sundararajan et al., ICML 2017, eq. 1, from zeros: (C, H, W), a sum over the middles of so many equal steps."""
    total = np.zeros_like(picture)
    for step in range(steps):
        total += chain.backward(chain.forward((step + 0.5) / steps * picture), number, 0)
    return picture * total / steps


def smooth_grad(gradients: list[Numbers]) -> Numbers:
    """Smilkov et al., arXiv 1706.03825: the mean of the gradients at noisy copies, then the largest |mean|."""
    return strongest_colour(sum(gradients, np.zeros_like(gradients[0])) / len(gradients))


def gradient_shap(chain: Chain, picture: Numbers, number: int, drawn: list[tuple[float, float]]) -> Numbers:
    """Lundberg, Lee, NeurIPS 2017, as expected gradients. drawn: a uniform reference, and how far from it."""
    total = np.zeros_like(picture)
    for reference, share in drawn:
        between = reference + share * (picture - reference)
        total += chain.backward(chain.forward(between), number, 0) * (picture - reference)
    return np.maximum(total.sum(axis=0) / len(drawn), 0)


def deep_lift(chain: Chain, picture: Numbers, number: int) -> Numbers:
    """Shrikumar et al., ICML 2017, section 3.5.2, from zeros: each ReLU passes what it changes per change below."""
    values, reference = chain.forward(picture), chain.forward(np.zeros_like(picture))
    multiplier: Numbers = np.eye(len(values[-1]))[number]
    for at in reversed(range(len(chain.layers))):
        layer, x, was = chain.layers[at], values[at], reference[at]
        if isinstance(layer, nn.ReLU):
            below, above = x - was, values[at + 1] - reference[at + 1]
            slope = np.divide(above, below, out=(x > 0).astype(float), where=np.abs(below) > 1e-9)
            multiplier = multiplier * slope
        else:
            multiplier = _backward(layer, x, multiplier)
    return np.maximum((multiplier * picture).sum(axis=0), 0)


def occlusion(picture: Numbers, score: Score, patch: tuple[int, int], step: tuple[int, int]) -> Numbers:
    """Zeiler, Fergus, ECCV 2014, section 4.2: the mean fall of the score over the grey (0) patches on each place."""
    _, height, width = picture.shape
    falls, times = np.zeros((height, width)), np.zeros((height, width))
    for top in _starts(height, patch[0], step[0]):
        for left in _starts(width, patch[1], step[1]):
            hidden = picture.copy()
            hidden[:, top : top + patch[0], left : left + patch[1]] = 0
            falls[top : top + patch[0], left : left + patch[1]] += score(picture) - score(hidden)
            times[top : top + patch[0], left : left + patch[1]] += 1
    return np.maximum(falls / times, 0)


def _starts(side: int, patch: int, step: int) -> Iterator[int]:
    """Where patches begin, until one reaches the end."""
    start = 0
    while start + patch < side:
        yield start
        start += step
    yield start


def rise(masks: list[Numbers], picture: Numbers, probability: Score) -> Numbers:
    """Petsiuk et al., BMVC 2018, eq. 6, for masks shown with a probability of a half; less what all places share.

    That is: with each probability taken as its difference to the mean of all.
    """
    said = [probability(picture * mask) for mask in masks]
    mean = sum(said) / len(said)
    total = np.zeros(picture.shape[1:])
    for one, mask in zip(said, masks, strict=True):
        total += (one - mean) * mask
    return np.maximum(total / (0.5 * len(masks)), 0)
