"""The weight randomisation test: does a method's map change when the network's weights are shuffled?"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cnnfix_core.engine import computed_by
from cnnfix_core.errors import CnnfixError, ModelError
from cnnfix_core.zoo import Model, in_evaluation, with_weights


def randomised(model: Model, seed: int = 0, part: str = "all") -> Model:
    """A copy of the model whose weights are shuffled. The original is not changed.

    After Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018, who draw new random weights. Shuffling the
    values within each parameter keeps the scale of the activations. Normalisation statistics are recomputed.

    Args:
        model: The model to copy.
        seed: Seed of the random order.
        part: "all" shuffles every layer, "last" only the last one.

    Raises:
        CnnfixError: The part is neither "all" nor "last".
        ModelError: The copy's scores are not finite.
    """
    if part not in ("all", "last"):
        raise CnnfixError(f"The weights to shuffle are “all” or “last”, not {part!r}.")
    generator = torch.Generator().manual_seed(seed)
    module = in_evaluation(with_weights(model.module, torch.clone))
    # A program opened from a file keeps its weights as buffers.
    weights: list[Tensor] = [*module.parameters()] or [one for one in module.buffers() if one.is_floating_point()]
    for weight in weights if part == "all" else _last_layer(weights):
        flat = weight.detach().reshape(-1)
        order = torch.randperm(len(flat), generator=generator).to(flat.device)
        weight.detach().copy_(flat[order].reshape(weight.shape))
    statistics = computed_by(_with_statistics) if part == "all" else nullcontext()
    with torch.no_grad(), statistics:
        scores = model.scores(model.placed(_blobs(model, generator)), module)
    if not bool(torch.isfinite(scores).all()):
        raise ModelError(f"The scores of {model.title} are not finite with shuffled weights: leave it out here.")
    what = "all weights" if part == "all" else "last layer"
    return replace(model, name=f"{model.name}-shuffled-{part}", title=f"{model.title}, {what} shuffled", module=module)


def _last_layer(weights: Sequence[Tensor]) -> Sequence[Tensor]:
    """The last weight matrix or filter, in the order of the network's parameters, and its bias."""
    last = max((n for n, weight in enumerate(weights) if weight.ndim > 1), default=0)
    matrix, after = weights[last : last + 1], weights[last + 1 : last + 2]
    return [*matrix, *(one for one in after if one.shape == matrix[0].shape[:1])]


def _blobs(model: Model, generator: torch.Generator) -> Tensor:
    """Random inputs (8, channels, H, W) made of blobs of several sizes, about as bright as normalised pictures."""
    coarse = [torch.randn(8, len(model.preprocess.channels), cells, cells, generator=generator) for cells in (4, 16)]
    return sum((F.interpolate(one, model.input_size, mode="bilinear") for one in coarse), torch.zeros(()))


def _with_statistics(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Compute an operation; a batch normalisation first gets the mean and variance of its input."""
    if "batch_norm" in func.name() and args[3] is not None:
        given, _, _, mean, variance, *_ = args
        others = [n for n in range(given.ndim) if n != 1]
        mean.copy_(given.mean(others))
        variance.copy_(given.var(others, correction=0))
    return func(*args, **kwargs)
