"""Checks of arguments that PyTorch's and torchvision's kernels trust.

With arguments that no layer of PyTorch makes, these kernels read or write beside their memory, where another picture
may be, or stop the process. Each check is for the kernel on the CPU; what PyTorch itself refuses is not repeated here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._subclasses import FakeTensor

Arguments = Mapping[str, Any]
_GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
_MOST_BINS = 256  # of a region, and samples of a bin


class ArgumentsError(RuntimeError):
    """An operation has arguments that its kernel does not check."""


def check(call: Any, args: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Raise ArgumentsError if the operation is one of those and its arguments are none that a network has."""
    if not isinstance(call, torch._ops.OpOverload):  # Python's arithmetic, which also works on texts and lists
        if not all(isinstance(one, int | float) for one in (*args, *options.values())):
            raise ArgumentsError("arithmetic is only for sizes")
        return
    name = call._opname.removesuffix("_")
    guard = _GUARDS.get(name) or (_resizing if "upsample" in name else None)
    if guard is None:
        return
    given = call._schema.arguments
    arguments = {one.name: one.default_value for one in given if one.has_default_value()}
    arguments |= dict(zip([one.name for one in given], args, strict=False)) | dict(options)
    problem = guard(name, arguments)
    if problem:
        raise ArgumentsError(f"{name}: {problem}")


def check_codes(call: Any, args: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Raise ArgumentsError for a number, or a value by name, in place of a type or a layout: PyTorch believes any."""
    if not isinstance(call, torch._ops.OpOverload):
        return
    given = call._schema.arguments
    named = dict(zip([one.name for one in given], args, strict=False)) | dict(options)
    for one in given:
        wanted = next((kind for code, kind in _CODES.items() if code in str(one.real_type)), object)
        if named.get(one.name) is not None and not isinstance(named[one.name], wanted):
            raise ArgumentsError(f"{call._opname}: {one.name} is no {wanted.__name__}")


_CODES: dict[str, type] = {
    "ScalarType": torch.dtype,
    "MemoryFormat": torch.memory_format,
    "Layout": torch.layout,
}


def _known(tensor: Any) -> bool:
    """Whether the numbers of the tensor are there: on a trial without memory they are not."""
    return isinstance(tensor, Tensor) and not isinstance(tensor, FakeTensor) and tensor.device.type != "meta"


def _division(name: str, given: Arguments) -> str:
    """The smallest whole number by -1 has no result, and any by 0 has none: processors stop the process."""
    one, other = given["self"], given["other"]
    if name in ("div", "divide") and given.get("rounding_mode") is None:  # the result is a fraction
        return ""
    if any(_is_fractional(value) for value in (one, other)):
        return ""
    if not isinstance(other, Tensor):
        return "whole numbers are divided by 0 or -1" if other in (0, -1) else ""
    if not _known(other) or (isinstance(one, Tensor) and not _known(one)):
        return ""
    low = torch.iinfo(one.dtype if isinstance(one, Tensor) else torch.int64).min
    smallest = bool((one == low).any()) if isinstance(one, Tensor) else one == low
    return "the smallest whole number is divided by -1" if smallest and bool((other == -1).any()) else ""


def _is_fractional(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.is_floating_point() or value.is_complex()
    return isinstance(value, float)


def _recurrent(name: str, given: Arguments) -> str:
    if "batch_sizes" in given:
        return "packed sequences are not allowed"
    states = given["hx"] if name == "lstm" else [given["hx"]]
    x, params, biases = given["input"], given["params"], given["has_biases"]
    directions = 2 if given["bidirectional"] else 1
    groups = given["num_layers"] * directions
    if x.ndim != 3 or any(state.ndim != 3 for state in states) or len(states) != (2 if name == "lstm" else 1):
        return "the input and the states must have three dimensions"
    batch = x.shape[0 if given["batch_first"] else 1]
    if any(state.shape[:2] != (groups, batch) for state in states):
        return f"the states must be those of {groups} layers and {batch} sequences"
    hidden, out = states[-1].shape[2], states[0].shape[2]
    each = (4 if biases else 2) + (out != hidden)
    if groups < 1 or len(params) != groups * each:
        return "the number of weights does not fit"
    rows = _GATES[name] * hidden
    for group in range(groups):
        wide = x.shape[2] if group < directions else out * directions
        wanted = [(rows, wide), (rows, out), *([(rows,), (rows,)] if biases else []), (out, hidden)]
        if any(param.shape != shape for param, shape in zip(params[group * each :][:each], wanted, strict=False)):
            return "the shapes of the weights do not fit"
    return "" if len({one.dtype for one in (x, *states, *params)}) == 1 else "the types of numbers differ"


def _regions(name: str, given: Arguments) -> str:
    x, rois = given["input"], given["rois"]
    bins = given["pooled_height"], given["pooled_width"]
    if x.ndim != 4 or rois.ndim != 2 or rois.shape[1] != 5 or x.dtype != rois.dtype:
        return "regions must be rows of five numbers for a batch of maps"
    if not all(0 < int(side) <= _MOST_BINS for side in bins) or int(given.get("sampling_ratio", 0)) > _MOST_BINS:
        return "the number of bins is not usable"
    if name.startswith("ps_") and x.shape[1] % (bins[0] * bins[1]):
        return "the channels do not fit the bins"
    if not _known(rois):
        return ""
    which, places = rois[:, 0], rois[:, 1:] * given["spatial_scale"]
    if not bool(((which >= 0) & (which < x.shape[0]) & (which == which.floor())).all()):
        return "a region is of a picture that is not in the batch"
    return "" if bool((places.abs() <= 4 * max(x.shape[2:]) + 16).all()) else "a region lies far outside"


def _deformable(_: str, given: Arguments) -> str:
    positive = ("stride_h", "stride_w", "dilation_h", "dilation_w", "groups", "offset_groups")
    if any(int(given[one]) < 1 for one in positive) or int(given["pad_h"]) < 0 or int(given["pad_w"]) < 0:
        return "strides, dilations and groups must be positive"
    x, weight = given["input"], given["weight"]
    if x.ndim != 4 or weight.ndim != 4 or 0 in weight.shape:
        return "it needs a batch of maps and filters"
    return "the groups do not fit" if x.shape[1] % given["offset_groups"] else ""


def _group_norm(_: str, given: Arguments) -> str:
    x, count, channels, places, groups = (given[one] for one in ("input", "N", "C", "HxW", "group"))
    if groups < 1 or count < 0 or x.numel() != count * channels * places or channels % groups:
        return "the sizes are not those of the input"
    fits = all(given[one] is None or given[one].shape == (channels,) for one in ("weight", "bias"))
    return "" if fits else "the weights do not fit"


def _batch_norm(_: str, given: Arguments) -> str:
    channels = given["input"].shape[1] if given["input"].ndim > 1 else -1
    parts = [given.get(one) for one in ("weight", "bias", "running_mean", "running_var")]
    fits = all(not isinstance(one, Tensor) or one.shape == (channels,) for one in parts)
    if not fits:
        return "the weights do not fit the channels"
    kept = all(isinstance(one, Tensor) for one in parts[2:])
    return "" if kept or given.get("training") else "it lacks a running mean or variance"


def _resizing(_: str, given: Arguments) -> str:
    factors = [value for name, value in given.items() if name.startswith("scale") and isinstance(value, float)]
    factors += given.get("scale_factors") or []
    if any(not math.isfinite(one) or not 1e-4 <= one <= 1e4 for one in factors):
        return "the factor is not usable"
    sides = given.get("output_size")
    scales = [value for name, value in given.items() if name.startswith("scales")]
    x = next(value for value in given.values() if isinstance(value, Tensor))
    if sides and scales and len(sides) == len(scales) == x.ndim - 2:
        for side, scale, old in zip(sides, scales, x.shape[2:], strict=True):
            if isinstance(scale, float) and abs(old * scale - side) > 1:
                return "the factor is not that of the sizes"
    return ""


def _spectrum(name: str, given: Arguments) -> str:
    x, dims = given["self"], given["dim"]
    if not dims or not all(0 <= dim < x.ndim for dim in dims) or len({*dims}) < len(dims):
        return "there are no such dimensions"
    if given["normalization"] not in (0, 1, 2):
        return "there is no such normalization"
    if name == "_fft_c2r" and x.shape[dims[-1]] != given["last_dim_size"] // 2 + 1:
        return "the size is not that of the spectrum"
    return ""


def _distances(_: str, given: Arguments) -> str:
    one, other = given["x1"], given["x2"]
    fits = min(one.ndim, other.ndim) >= 2 and one.shape[-1] == other.shape[-1] and one.dtype == other.dtype
    return "" if fits else "the rows differ in length"


def _weight_norm(name: str, given: Arguments) -> str:
    v, g, dim = given["v"], given["g"], given["dim"]
    if dim not in (0, v.ndim - 1):
        return "" if name == "_weight_norm" else "only the first and the last dimension can be normed"
    fits = v.ndim > 0 and 0 not in v.shape and g.numel() == v.shape[dim] and g.dtype == v.dtype
    return "" if fits else "the lengths do not fit"


def _sampling(_: str, given: Arguments) -> str:
    fits = given["interpolation_mode"] in (0, 1, 2) and given["padding_mode"] in (0, 1, 2)
    return "" if fits else "there is no such mode"


def _shuffle(_: str, given: Arguments) -> str:
    x, groups = given["self"], given["groups"]
    return "" if x.ndim >= 3 and groups > 0 and x.shape[1] % groups == 0 else "the groups do not fit the channels"


_GUARDS: dict[str, Callable[[str, Arguments], str]] = {
    **dict.fromkeys(("div", "divide", "floor_divide", "fmod", "remainder"), _division),
    **dict.fromkeys(_GATES, _recurrent),
    **dict.fromkeys(("roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool"), _regions),
    **dict.fromkeys(
        (
            "batch_norm",
            "native_batch_norm",
            "_native_batch_norm_legit",
            "_native_batch_norm_legit_no_training",
        ),
        _batch_norm,
    ),
    **dict.fromkeys(("grid_sampler", "grid_sampler_2d", "grid_sampler_3d"), _sampling),
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), _shuffle),
    "deform_conv2d": _deformable,
    "native_group_norm": _group_norm,
    **dict.fromkeys(("_fft_c2c", "_fft_c2r", "_fft_r2c"), _spectrum),
    "_cdist_forward": _distances,
    **dict.fromkeys(("_weight_norm", "_weight_norm_interface"), _weight_norm),
}
