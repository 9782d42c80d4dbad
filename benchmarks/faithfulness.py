"""Insertion and deletion (Petsiuk et al., RISE, BMVC 2018) on the sample pictures, for each method and two baselines.

Pixels are put in, or taken out, in the order of each method's map, in equal steps; the figure is the mean probability
of the predicted class on the way. Insertion starts from the blurred picture, deletion ends in grey. All methods see the
whole picture squeezed to the network's input, and are asked about the same class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

import cnnfix_core as cnnfix
from cnnfix_core.images import views
from cnnfix_core.samples import list_samples

STEPS = 16
Map = NDArray[np.floating]


def fixations(preset: cnnfix.Preset) -> Callable[[cnnfix.Model, cnnfix.Picture, int], Map]:
    """The density of the fixations under a preset."""
    whole = replace(preset, crops="whole")
    return lambda model, picture, target: cnnfix.explain(model, picture, target, whole).density()


def grad_cam(model: cnnfix.Model, picture: cnnfix.Picture, target: int) -> Map:
    """Grad-CAM on the last feature map."""
    return cnnfix.attribute(model, picture, target)


def centre(_model: cnnfix.Model, picture: cnnfix.Picture, _target: int) -> Map:
    """A Gaussian in the middle, whatever the picture shows."""
    y, x = np.mgrid[-1 : 1 : picture.height * 1j, -1 : 1 : picture.width * 1j]
    return np.exp(-2 * (x**2 + y**2))


def chance(_model: cnnfix.Model, picture: cnnfix.Picture, _target: int) -> Map:
    """Noise, smooth enough to cover patches."""
    noise = np.random.default_rng(0).normal(size=(picture.height, picture.width))
    return gaussian_filter(noise, picture.width / 45)


METHODS = {
    **{f"fixations, {focus}": fixations(cnnfix.get_preset("evidence", focus)) for focus in cnnfix.FOCUS},
    "fixations, as published": fixations(cnnfix.PUBLISHED),
    "Grad-CAM": grad_cam,
    "centre": centre,
    "random": chance,
}


def main() -> None:
    """Print the table."""
    model = cnnfix.load_model()
    scores: dict[str, list[tuple[float, float]]] = {name: [] for name in METHODS}
    for sample in list_samples():
        picture = cnnfix.open_picture(sample.read())
        (view,) = views(picture, "whole", model.input_size)
        x = model.preprocess(view.render(picture))
        with torch.no_grad():
            target = int(model.module(x[None]).argmax())
        for name, method in METHODS.items():
            scores[name].append(curves(model, x, method(model, picture, target), target))
    print(f"{len(list_samples())} sample pictures, {STEPS} steps, {model.title}\n")
    print("| | insertion (higher is better) | deletion (lower is better) |\n| --- | --- | --- |")
    for name, pairs in scores.items():
        insertion, deletion = np.mean(pairs, axis=0)
        print(f"| {name} | {insertion:.3f} | {deletion:.3f} |")


def curves(model: cnnfix.Model, x: torch.Tensor, saliency: Map, target: int) -> tuple[float, float]:
    """Mean probability of the target while pixels are put in, and while they are taken out."""
    small = Image.fromarray(np.asarray(saliency, np.float32)).resize(model.input_size[::-1], Image.Resampling.BILINEAR)
    flat = np.asarray(small).reshape(-1)
    # Equal values in random order: a map that says nothing there gains nothing by it.
    order = np.lexsort((np.random.default_rng(1).random(flat.size), -flat))
    rank = np.empty(flat.size)
    rank[order] = np.linspace(0, 1, flat.size, endpoint=False)
    parts = torch.linspace(0, 1, STEPS + 1)[:, None, None]
    shown = (torch.from_numpy(rank).reshape(model.input_size) < parts)[:, None]
    blurred = torch.from_numpy(gaussian_filter(x.numpy(), (0, 10, 10)))
    with torch.no_grad():
        inserted = model.module(torch.where(shown, x, blurred)).softmax(1)[:, target]
        deleted = model.module(torch.where(shown, torch.zeros_like(x), x)).softmax(1)[:, target]
    return float(inserted.mean()), float(deleted.mean())


if __name__ == "__main__":
    main()
