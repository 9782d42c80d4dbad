"""A network that forgot: does a method's map change when the weights mean nothing any more?"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from cnnfix_core.errors import CnnfixError, ModelError
from cnnfix_core.zoo import Model


def randomised(model: Model, seed: int = 0, part: str = "all") -> Model:
    """A copy whose weights were shuffled, all of them or the last layer's.

    After Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018, who draw them anew. Here each parameter keeps
    its values and loses their order, so that activations keep their scale; normalisation statistics are taken anew.
    The original stays as it is. Raises CnnfixError for another part than "all" or "last", and ModelError where the
    copy's scores are not finite.
    """
    if part not in ("all", "last"):
        raise CnnfixError(f"A network can forget “all” or “last”, not {part!r}.")
    generator = torch.Generator().manual_seed(seed)
    module = copy.deepcopy(model.module).eval()
    # A program from a file keeps its weights as buffers.
    weights: list[Tensor] = [*module.parameters()] or [one for one in module.buffers() if one.is_floating_point()]
    for weight in weights if part == "all" else _last_layer(weights):
        flat = weight.data.reshape(-1)
        weight.data = flat[torch.randperm(len(flat), generator=generator)].reshape(weight.shape)
    statistics = _Statistics() if part == "all" else nullcontext()  # type: ignore[no-untyped-call]  # of PyTorch
    with torch.no_grad(), statistics:
        scores = module(_blobs(model.input_size, generator))
    if not bool(torch.isfinite(scores).all()):
        raise ModelError(f"The scores of {model.title} are not finite any more when it forgets: leave it out here.")
    what = "all" if part == "all" else "its last layer"
    return replace(model, name=f"{model.name}-forgot-{part}", title=f"{model.title}, forgot {what}", module=module)


def _last_layer(weights: Sequence[Tensor]) -> Sequence[Tensor]:
    """The last matrix or filter in the order in which the network lists them, and its bias."""
    last = max((n for n, weight in enumerate(weights) if weight.ndim > 1), default=0)
    matrix, after = weights[last : last + 1], weights[last + 1 : last + 2]
    return [*matrix, *(one for one in after if one.shape == matrix[0].shape[:1])]


def _blobs(size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Inputs of random blobs of several sizes: (8, 3, H, W), as bright as normalised pictures."""
    coarse = [torch.randn(8, 3, cells, cells, generator=generator) for cells in (4, 16)]
    return sum((F.interpolate(one, size, mode="bilinear") for one in coarse), torch.zeros(()))


class _Statistics(TorchDispatchMode):
    """Sets mean and variance of each batch normalisation that runs to those of its input, however it is called."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if "batch_norm" in func.name() and args[3] is not None:
            given, _, _, mean, variance, *_ = args
            others = [n for n in range(given.ndim) if n != 1]
            mean.copy_(given.mean(others))
            variance.copy_(given.var(others, correction=0))
        return func(*args, **(kwargs or {}))
