"""Other methods' maps of the same picture, from the libraries that keep them. One call signature for all."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from cnnfix_core.errors import CnnfixError, ModelError
from cnnfix_core.images import Crops, Picture, Source, View, open_picture, scaled_size, views
from cnnfix_core.record import record
from cnnfix_core.tape import Operation, Tape
from cnnfix_core.zoo import Model

Score = Callable[[Tensor], Tensor]
Method = Callable[[nn.Module, Score, str, Tensor], Tensor]


def attribute(
    model: Model,
    image: Source | Picture,
    target: int | str | tuple[int | str, int | str],
    method: str = "gradcam",
    crops: Crops = "whole",
    longest_side: int | None = None,
) -> NDArray[np.float32]:
    """The map of another method: (height, width) of the original picture, values >= 0, not normalised.

    target: a class index or label, or (a, b) for the difference of two scores. Several crops are averaged where they
    overlap. longest_side: give a smaller map of the same proportions, at most this long.
    Raises CnnfixError for an unknown method, TargetError for an unknown class, ModelError where the method does not fit
    the model.
    """
    if method not in METHODS:
        raise CnnfixError(f"There is no method {method!r}; choose one of {', '.join(METHODS)}.")
    classes = [model.labels.find(part) for part in (target if isinstance(target, tuple) else (target,))]
    picture = image if isinstance(image, Picture) else open_picture(image)
    seen = views(picture, crops, model.input_size, model.crop_pct, model.interpolation)
    inputs = torch.stack([model.preprocess(view.render(picture)) for view in seen])
    module = with_own_hooks(model.module)

    def score(batch: Tensor) -> Tensor:
        scores: Tensor = module(batch)
        return scores[:, classes[0]] - scores[:, classes[1:]].sum(dim=1)

    layer = last_map(model.module, inputs)
    # One by one: a network may itself take its pictures so, and then a layer speaks of the last one alone.
    maps = torch.cat([METHODS[method](module, score, layer, one) for one in inputs.split(1)])
    return _on_picture(picture, seen, maps.detach().clamp_min(0).numpy(), longest_side)


def grad_cam(module: nn.Module, score: Score, layer: str, inputs: Tensor) -> Tensor:
    """Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1 and 2), by Captum: (N, h, w)."""
    from captum.attr import LayerGradCam  # imports matplotlib

    method = LayerGradCam(score, module.get_submodule(layer))
    maps: Tensor = method.attribute(inputs.requires_grad_(), relu_attributions=True)
    return maps.sum(dim=1)


METHODS: dict[str, Method] = {"gradcam": grad_cam}


def with_own_hooks(module: nn.Module) -> nn.Module:
    """A copy of the modules that shares the weights: hooks on it touch nobody else who uses the model."""
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    own = copy.deepcopy(module, shared).eval()
    for child in own.modules():
        if hasattr(child, "inplace"):
            child.inplace = False  # type: ignore[assignment]  # a layer's output must stay what the hook saw
    return own


_layers: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()


def last_map(module: nn.Module, inputs: Tensor) -> str:
    """Name of the module whose output is the last feature map before pooling, where class activation maps are drawn."""
    if module not in _layers:
        _layers[module] = _last_map(record(module, inputs[:1]))
    return _layers[module]


def _last_map(tape: Tape) -> str:
    ends: dict[str, Operation] = {}
    for operation in tape.operations:
        parts = operation.module.split(".")
        ends.update({".".join(parts[: n + 1]): operation for n in range(len(parts))})
    maps = [(operation.index, -len(name), name) for name, operation in ends.items() if name and _is_map(operation)]
    if not maps:
        raise ModelError("The network has no feature map of height and width, so class activation maps do not fit it.")
    # The outermost of the modules that end with the last map.
    return max(maps)[2]


def _is_map(operation: Operation) -> bool:
    shape = operation.outputs[0].shape
    return len(shape) == 4 and shape[2] * shape[3] > 1 and "pool" not in operation.name


def _on_picture(
    picture: Picture, seen: list[View], maps: NDArray[np.float32], longest_side: int | None
) -> NDArray[np.float32]:
    """Each view's map, enlarged to its place in the picture."""
    width, height = scaled_size((picture.width, picture.height), longest_side)
    total = np.zeros((height, width), np.float32)
    times = np.zeros_like(total)
    for view, small in zip(seen, maps, strict=True):
        x0, x1 = (round(side * width / picture.width) for side in view.box[::2])
        y0, y1 = (round(side * height / picture.height) for side in view.box[1::2])
        size = max(x1 - x0, 1), max(y1 - y0, 1)
        large = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BILINEAR))
        inside = total[y0 : y0 + size[1], x0 : x0 + size[0]]
        inside += large[: inside.shape[0], : inside.shape[1]]
        times[y0 : y0 + size[1], x0 : x0 + size[0]] += 1
    total /= np.maximum(times, 1)
    return total
