"""The allow-list of ONNX operators: each in terms of PyTorch functions. None runs anything that a file brings.

A function takes the inputs of a node (None for those left out) and its attributes by name. Tensors that are not
computed from the picture are numbers known when the file is read: `numbers` gives them as a list.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cnnfix_core.errors import ModelError

Operator = Callable[..., Any]
OPERATORS: dict[str, Operator] = {}

# ONNX's numbers of types.
_DTYPES = {
    **{1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32, 7: torch.int64},
    **{9: torch.bool, 10: torch.float16, 11: torch.float64, 16: torch.bfloat16},
}


def numbers(tensor: Tensor | None) -> list[Any] | None:
    """The numbers of a constant; None if it was left out. Raises ModelError if they depend on the picture."""
    if tensor is None:
        return None
    if type(tensor) is not Tensor:
        raise ModelError("The network computes sizes or places from the values of the picture, which is not supported.")
    found: list[Any] = tensor.reshape(-1).tolist()
    return found


def operator(*names: str) -> Callable[[Operator], Operator]:
    """Register the function of these operators."""

    def registered(function: Operator) -> Operator:
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return registered


def _simple(**functions: Operator) -> None:
    OPERATORS.update({name: (lambda *xs, _f=function, **_: _f(*xs)) for name, function in functions.items()})


_simple(
    **{name: getattr(torch, name.lower()) for name in ("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh")},
    **{name: getattr(torch, name.lower()) for name in ("Ceil", "Cos", "Cosh", "Erf", "Exp", "Floor", "Log", "Neg")},
    **{
        name: getattr(torch, name.lower()) for name in ("Relu", "Reciprocal", "Round", "Sigmoid", "Sign", "Sin", "Sinh")
    },
    **{name: getattr(torch, name.lower()) for name in ("Sqrt", "Tan", "Tanh", "Add", "Sub", "Mul", "Where")},
    Equal=torch.eq,
    Greater=torch.gt,
    GreaterOrEqual=torch.ge,
    Less=torch.lt,
    LessOrEqual=torch.le,
    And=torch.logical_and,
    Or=torch.logical_or,
    Xor=torch.logical_xor,
    Not=torch.logical_not,
    IsNaN=torch.isnan,
    Identity=lambda x: x,
    Softplus=F.softplus,
    Softsign=lambda x: x / (1 + x.abs()),
    Mish=F.mish,
    HardSwish=F.hardswish,
    MatMul=torch.matmul,
    PRelu=lambda x, slope: torch.where(x >= 0, x, x * slope),
    Pow=lambda x, y: x.pow(y.to(x.dtype) if y.numel() > 1 or type(y) is not Tensor else y.item()),
    Div=lambda x, y: x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc"),
    Sum=lambda *xs: sum(xs[1:], xs[0]),
    Mean=lambda *xs: sum(xs[1:], xs[0]) / len(xs),
    GlobalAveragePool=lambda x: x.mean(tuple(range(2, x.ndim)), keepdim=True),
    GlobalMaxPool=lambda x: x.amax(tuple(range(2, x.ndim)), keepdim=True),
    Expand=lambda x, shape: x.expand(torch.broadcast_shapes(x.shape, tuple(numbers(shape) or ()))),
    Tile=lambda x, times: x.repeat(numbers(times) or []),
    Size=lambda x: torch.tensor(x.numel()),
)


# --- activations ------------------------------------------------------------------------------------------------------


@operator("Max", "Min")
def extreme(*xs: Tensor, op: str, **_: Any) -> Tensor:
    """The elementwise maximum or minimum."""
    found = xs[0]
    for x in xs[1:]:
        found = torch.maximum(found, x) if op == "Max" else torch.minimum(found, x)
    return found


@operator("Clip")
def clip(x: Tensor, low: Tensor | None = None, high: Tensor | None = None, **attributes: Any) -> Tensor:
    """Clamp; the bounds are attributes before version 11."""
    bounds = [(numbers(low) or [None])[0], (numbers(high) or [None])[0]]
    least, most = (
        (bounds[0], bounds[1])
        if low is not None or high is not None
        else (attributes.get("min"), attributes.get("max"))
    )
    return x if least is None and most is None else x.clamp(least, most)


@operator("LeakyRelu", "Elu", "Celu", "Selu", "ThresholdedRelu", "HardSigmoid", "Gelu")
def activation(x: Tensor, op: str, **attributes: Any) -> Tensor:
    """Activation functions with settings."""
    alpha = attributes.get("alpha")
    if op == "LeakyRelu":
        return F.leaky_relu(x, 0.01 if alpha is None else alpha)
    if op == "HardSigmoid":
        line: Tensor = x * (0.2 if alpha is None else alpha) + attributes.get("beta", 0.5)
        return line.clamp(0, 1)
    if op == "Gelu":
        return F.gelu(x, approximate=attributes.get("approximate", "none"))
    if op == "Selu":
        return F.selu(x)
    alpha = 1.0 if alpha is None else alpha
    if op == "ThresholdedRelu":
        return torch.where(x > alpha, x, 0)
    return F.elu(x, alpha) if op == "Elu" else F.celu(x, alpha)


@operator("Softmax", "LogSoftmax")
def softmax(x: Tensor, op: str, version: int, axis: int | None = None, **_: Any) -> Tensor:
    """Over one dimension; before version 13 over that and all that follow."""
    function = F.softmax if op == "Softmax" else F.log_softmax
    if version >= 13:
        return function(x, -1 if axis is None else axis)
    start = (1 if axis is None else axis) % x.ndim
    return function(x.flatten(start), -1).reshape(x.shape)


@operator("Dropout")
def dropout(x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Nothing, in evaluation."""
    return x


# --- layers with weights ----------------------------------------------------------------------------------------------


def _padding(x: Tensor, kernel: Sequence[int], attributes: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Padding before and after along each spatial dimension."""
    count = len(kernel)
    auto, pads = attributes.get("auto_pad", "NOTSET"), attributes.get("pads") or [0] * 2 * count
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        return list(pads[:count]), list(pads[count:])
    strides, dilations = (attributes.get(name) or [1] * count for name in ("strides", "dilations"))
    before, after = [], []
    for size, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True):
        total = max((math.ceil(size / s) - 1) * s + (k - 1) * d + 1 - size, 0)
        less, more = total // 2, total - total // 2
        before.append(less if auto == "SAME_UPPER" else more)
        after.append(more if auto == "SAME_UPPER" else less)
    return before, after


def _padded(x: Tensor, before: list[int], after: list[int], value: float = 0.0) -> Tensor:
    pads = [n for pair in zip(reversed(before), reversed(after), strict=True) for n in pair]
    return F.pad(x, pads, value=value)


@operator("Conv")
def convolution(x: Tensor, weight: Tensor, bias: Tensor | None = None, **attributes: Any) -> Tensor:
    """A convolution of one to three dimensions."""
    dims = weight.ndim - 2
    before, after = _padding(x, weight.shape[2:], attributes)
    if before != after:
        x, before = _padded(x, before, after), [0] * dims
    strides, dilations = (attributes.get(name) or [1] * dims for name in ("strides", "dilations"))
    function = (F.conv1d, F.conv2d, F.conv3d)[dims - 1]
    return function(x, weight, bias, strides, before, dilations, attributes.get("group", 1))


@operator("ConvTranspose")
def transposed(x: Tensor, weight: Tensor, bias: Tensor | None = None, **attributes: Any) -> Tensor:
    """A transposed convolution."""
    dims = weight.ndim - 2
    strides, dilations = (attributes.get(name) or [1] * dims for name in ("strides", "dilations"))
    extra = attributes.get("output_padding") or [0] * dims
    before, after = _padding(x, weight.shape[2:], {**attributes, "auto_pad": "NOTSET"})
    if before != after or attributes.get("output_shape"):
        raise ModelError("It has a transposed convolution with uneven padding, which is not supported.")
    function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[dims - 1]
    return function(x, weight, bias, strides, before, extra, attributes.get("group", 1), dilations)


@operator("Gemm")
def gemm(a: Tensor, b: Tensor, c: Tensor | None = None, **attributes: Any) -> Tensor:
    """Alpha a b + beta c, with transposes."""
    a = a.t() if attributes.get("transA") else a
    b = b.t() if attributes.get("transB") else b
    alpha, beta = attributes.get("alpha", 1.0), attributes.get("beta", 1.0)
    if c is None:
        return a @ b * alpha if alpha != 1 else a @ b
    return torch.addmm(c, a, b, beta=beta, alpha=alpha)


# --- normalisation ----------------------------------------------------------------------------------------------------


@operator("BatchNormalization")
def batch_norm(x: Tensor, *statistics: Tensor, epsilon: float = 1e-5, **_: Any) -> Tensor:
    """With the statistics of training."""
    scale, shift, mean, variance = statistics
    return F.batch_norm(x, mean, variance, scale, shift, False, 0.0, epsilon)


@operator("InstanceNormalization")
def instance_norm(x: Tensor, scale: Tensor, shift: Tensor, epsilon: float = 1e-5, **_: Any) -> Tensor:
    """With the statistics of each map."""
    return F.instance_norm(x, weight=scale, bias=shift, eps=epsilon)


@operator("LayerNormalization")
def layer_norm(
    x: Tensor, scale: Tensor, shift: Tensor | None = None, axis: int = -1, epsilon: float = 1e-5, **_: Any
) -> Tensor:
    """Over the last dimensions."""
    return F.layer_norm(x, x.shape[axis % x.ndim :], scale, shift, epsilon)


@operator("GroupNormalization")
def group_norm(x: Tensor, scale: Tensor, shift: Tensor, num_groups: int, epsilon: float = 1e-5, **_: Any) -> Tensor:
    """Over groups of channels; before version 21 with one scale for each group."""
    each = x.shape[1] // len(scale)
    return F.group_norm(x, num_groups, scale.repeat_interleave(each), shift.repeat_interleave(each), epsilon)


@operator("LRN")
def local_response_norm(
    x: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0, **_: Any
) -> Tensor:
    """Over neighbouring channels."""
    return F.local_response_norm(x, size, alpha, beta, bias)


@operator("LpNormalization")
def lp_norm(x: Tensor, axis: int = -1, p: int = 2, **_: Any) -> Tensor:
    """Divided by the norm."""
    found: Tensor = x / torch.linalg.vector_norm(x, p, axis, keepdim=True)
    return found


# --- pooling ----------------------------------------------------------------------------------------------------------


@operator("MaxPool")
def max_pool(x: Tensor, kernel_shape: Sequence[int], **attributes: Any) -> Tensor:
    """The largest of each window."""
    dims = len(kernel_shape)
    before, after = _padding(x, kernel_shape, attributes)
    if before != after or any(2 * p > k for p, k in zip(before, kernel_shape, strict=True)):
        x, before = _padded(x, before, after, -math.inf), [0] * dims
    strides, dilations = (attributes.get(name) or [1] * dims for name in ("strides", "dilations"))
    function: Any = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[dims - 1]
    found: Tensor = function(x, kernel_shape, strides, before, dilations, bool(attributes.get("ceil_mode", 0)))
    return found


@operator("AveragePool")
def avg_pool(x: Tensor, kernel_shape: Sequence[int], **attributes: Any) -> Tensor:
    """The mean of each window."""
    dims = len(kernel_shape)
    before, after = _padding(x, kernel_shape, attributes)
    counts = bool(attributes.get("count_include_pad", 0))
    strides, ceil = attributes.get("strides") or [1] * dims, bool(attributes.get("ceil_mode", 0))
    function: Any = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[dims - 1]
    if before == after:
        return function(x, kernel_shape, strides, before, ceil, counts)  # type: ignore[no-any-return]
    found = function(_padded(x, before, after), kernel_shape, strides, 0, ceil)
    if counts:
        return found  # type: ignore[no-any-return]
    inside = function(_padded(torch.ones(1, 1, *x.shape[2:]), before, after), kernel_shape, strides, 0, ceil)
    return found / inside  # type: ignore[no-any-return]


# --- reductions -------------------------------------------------------------------------------------------------------

_REDUCTIONS: dict[str, Callable[[Tensor, Any, bool], Tensor]] = {
    "ReduceMean": lambda x, axes, keep: x.mean(axes, keep),
    "ReduceSum": lambda x, axes, keep: x.sum(axes, keep),
    "ReduceMax": lambda x, axes, keep: x.amax(axes, keep),
    "ReduceMin": lambda x, axes, keep: x.amin(axes, keep),
    "ReduceL1": lambda x, axes, keep: torch.linalg.vector_norm(x, 1, axes, keep),
    "ReduceL2": lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keep),
    "ReduceSumSquare": lambda x, axes, keep: (x * x).sum(axes, keep),
    "ReduceLogSum": lambda x, axes, keep: x.sum(axes, keep).log(),
    "ReduceLogSumExp": lambda x, axes, keep: x.logsumexp(axes, keep),
}


@operator("ReduceProd", *_REDUCTIONS)
def reduced(x: Tensor, given: Tensor | None = None, op: str = "", **attributes: Any) -> Tensor:
    """Over some dimensions, or all."""
    axes = numbers(given) or attributes.get("axes")
    if not axes and attributes.get("noop_with_empty_axes"):
        return x
    axes, keep = sorted(axis % x.ndim for axis in axes or range(x.ndim)), bool(attributes.get("keepdims", 1))
    if op != "ReduceProd":
        return _REDUCTIONS[op](x, axes, keep)
    for axis in reversed(axes):
        x = x.prod(axis, keep)
    return x


@operator("ArgMax", "ArgMin")
def positions(x: Tensor, op: str, axis: int = 0, keepdims: int = 1, **_: Any) -> Tensor:
    """Where the largest or smallest is."""
    return (x.argmax if op == "ArgMax" else x.argmin)(axis, bool(keepdims))


@operator("TopK")
def top_k(x: Tensor, k: Tensor, axis: int = -1, largest: int = 1, **_: Any) -> tuple[Tensor, Tensor]:
    """The k largest or smallest, and where they are."""
    found = x.topk(int((numbers(k) or [1])[0]), axis, bool(largest))
    return found[0], found[1]


@operator("CumSum")
def running_sum(x: Tensor, axis: Tensor, **attributes: Any) -> Tensor:
    """Up to each place."""
    if attributes.get("exclusive") or attributes.get("reverse"):
        raise ModelError("It has a running sum that runs backwards or leaves out its own place: not supported.")
    return x.cumsum(int((numbers(axis) or [0])[0]))


@operator("Einsum")
def einsum(*xs: Tensor, equation: str, **_: Any) -> Tensor:
    """A sum of products."""
    return torch.einsum(equation, *xs)


# --- shapes -----------------------------------------------------------------------------------------------------------


@operator("Shape")
def shape_of(x: Tensor, start: int = 0, end: int | None = None, **_: Any) -> Tensor:
    """The sizes, as numbers that are known."""
    return torch.tensor(list(x.shape)[start:end], dtype=torch.int64)


@operator("Reshape")
def reshape(x: Tensor, shape: Tensor, allowzero: int = 0, **_: Any) -> Tensor:
    """0 keeps a size."""
    sizes = numbers(shape) or []
    return x.reshape([x.shape[n] if size == 0 and not allowzero else size for n, size in enumerate(sizes)])


@operator("Flatten")
def flatten(x: Tensor, axis: int = 1, **_: Any) -> Tensor:
    """To a matrix."""
    rows = math.prod(x.shape[: axis % (x.ndim + 1) if axis < 0 else axis])
    return x.reshape(rows, -1)


@operator("Transpose")
def transpose(x: Tensor, perm: Sequence[int] | None = None, **_: Any) -> Tensor:
    """In another order of dimensions; backwards if none is given."""
    return x.permute(list(perm) if perm else list(range(x.ndim))[::-1])


@operator("Squeeze", "Unsqueeze")
def squeezed(x: Tensor, given: Tensor | None = None, op: str = "", **attributes: Any) -> Tensor:
    """Without, or with more, dimensions of size 1."""
    axes = numbers(given) or attributes.get("axes")
    if op == "Squeeze":
        return x.squeeze(tuple(axes)) if axes else x.squeeze()
    total = x.ndim + len(axes or [])
    for axis in sorted(axis % total for axis in axes or []):
        x = x.unsqueeze(axis)
    return x


@operator("Concat")
def concatenated(*xs: Tensor, axis: int, **_: Any) -> Tensor:
    """Along a dimension."""
    return torch.cat(xs, axis)


@operator("Split")
def split(x: Tensor, given: Tensor | None = None, axis: int = 0, outputs: int = 1, **attributes: Any) -> Any:
    """Into parts of given or equal sizes."""
    sizes = numbers(given) or attributes.get("split")
    return x.split(sizes if sizes else math.ceil(x.shape[axis] / attributes.get("num_outputs", outputs)), axis)


@operator("Slice")
def sliced(x: Tensor, *given: Tensor | None, **attributes: Any) -> Tensor:
    """Stretches of dimensions."""
    starts, ends, axes, steps = (*map(numbers, given), None, None, None, None)[:4]
    starts, ends, axes = (
        starts or attributes.get("starts"),
        ends or attributes.get("ends"),
        axes or attributes.get("axes"),
    )
    assert starts is not None
    assert ends is not None
    axes = axes or list(range(len(starts)))
    for start, end, axis, step in zip(starts, ends, axes, steps or [1] * len(starts), strict=True):
        size = x.shape[axis]
        if step > 0:
            x = torch.ops.aten.slice.Tensor(x, axis, min(max(start, -size), size), min(max(end, -size), size), step)
        else:
            places = list(range(size))[slice(start, end if end >= -size else None, step)]
            x = x.index_select(axis, torch.tensor(places))
    return x


@operator("Pad")
def padded(
    x: Tensor, given: Tensor | None = None, value: Tensor | None = None, *axes: Tensor, **attributes: Any
) -> Tensor:
    """A border of a number, of the border, or mirrored."""
    pads = numbers(given) or attributes.get("pads") or []
    fill = (numbers(value) or [attributes.get("value", 0.0)])[0]
    dims = [axis % x.ndim for axis in (numbers(axes[0]) if axes else None) or range(x.ndim)]
    half = len(pads) // 2
    border = {dim: (pads[n], pads[n + half]) for n, dim in enumerate(dims)}
    first = min((dim for dim, sizes in border.items() if any(sizes)), default=x.ndim - 1)
    flat = [n for dim in range(x.ndim - 1, first - 1, -1) for n in border.get(dim, (0, 0))]
    mode = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}[
        attributes.get("mode", "constant")
    ]
    return F.pad(x, flat, mode, fill) if mode == "constant" else F.pad(x, flat, mode)


@operator("DepthToSpace")
def depth_to_space(x: Tensor, blocksize: int, mode: str = "DCR", **_: Any) -> Tensor:
    """Channels become places."""
    if mode == "CRD":
        return F.pixel_shuffle(x, blocksize)
    n, c, h, w = x.shape
    parts = x.reshape(n, blocksize, blocksize, c // blocksize**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return parts.reshape(n, c // blocksize**2, h * blocksize, w * blocksize)


@operator("SpaceToDepth")
def space_to_depth(x: Tensor, blocksize: int, **_: Any) -> Tensor:
    """Places become channels."""
    n, c, h, w = x.shape
    parts = x.reshape(n, c, h // blocksize, blocksize, w // blocksize, blocksize).permute(0, 3, 5, 1, 2, 4)
    return parts.reshape(n, c * blocksize**2, h // blocksize, w // blocksize)


# --- elements ---------------------------------------------------------------------------------------------------------


@operator("Gather")
def gather(x: Tensor, index: Tensor, axis: int = 0, **_: Any) -> Tensor:
    """Slices of given numbers."""
    axis %= x.ndim
    if type(index) is Tensor and index.ndim == 0:
        return x.select(axis, int(index))
    index = torch.where(index < 0, index + x.shape[axis], index)
    found = x.index_select(axis, index.reshape(-1))
    return found.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


@operator("GatherElements")
def gather_elements(x: Tensor, index: Tensor, axis: int = 0, **_: Any) -> Tensor:
    """One element for each place."""
    return x.gather(axis, torch.where(index < 0, index + x.shape[axis], index))


@operator("GatherND")
def gather_nd(x: Tensor, index: Tensor, batch_dims: int = 0, **_: Any) -> Tensor:
    """Elements or slices at given positions."""
    if batch_dims:
        raise ModelError("It gathers from each picture's own positions (GatherND with batch_dims): not supported.")
    return x[tuple(index.unbind(-1))]


@operator("ScatterND")
def scatter_nd(x: Tensor, index: Tensor, updates: Tensor, reduction: str = "none", **_: Any) -> Tensor:
    """Other elements or slices at given positions."""
    return x.index_put(tuple(index.unbind(-1)), updates, accumulate=reduction == "add")


@operator("ScatterElements")
def scatter_elements(
    x: Tensor, index: Tensor, updates: Tensor, axis: int = 0, reduction: str = "none", **_: Any
) -> Tensor:
    """Other elements at given places along a dimension."""
    return x.scatter_add(axis, index, updates) if reduction == "add" else x.scatter(axis, index, updates)


@operator("Trilu")
def triangle(x: Tensor, k: Tensor | None = None, upper: int = 1, **_: Any) -> Tensor:
    """The upper or lower triangle."""
    diagonal = int((numbers(k) or [0])[0])
    return x.triu(diagonal) if upper else x.tril(diagonal)


@operator("Mod")
def modulo(x: Tensor, y: Tensor, fmod: int = 0, **_: Any) -> Tensor:
    """The remainder."""
    return torch.fmod(x, y) if fmod else torch.remainder(x, y)


# --- constants and types ----------------------------------------------------------------------------------------------


@operator("Constant")
def constant(**attributes: Any) -> Tensor:
    """Numbers in the file."""
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in attributes:
            given = attributes[name]
            return given if isinstance(given, Tensor) else torch.tensor(given)
    raise ModelError("It has a constant that is no number.")


@operator("ConstantOfShape")
def constant_of_shape(shape: Tensor, value: Tensor | None = None, **_: Any) -> Tensor:
    """The same number everywhere."""
    fill = torch.zeros(1) if value is None else value
    return torch.full(numbers(shape) or [], fill.item(), dtype=fill.dtype)


@operator("Range")
def number_range(start: Tensor, limit: Tensor, delta: Tensor, **_: Any) -> Tensor:
    """Equally spaced numbers."""
    (first,), (last,), (step,) = (numbers(one) or [0] for one in (start, limit, delta))
    return torch.arange(first, last, step, dtype=start.dtype)


@operator("Cast", "CastLike")
def cast(x: Tensor, like: Tensor | None = None, to: int = 1, **_: Any) -> Tensor:
    """Another type."""
    if like is None and to not in _DTYPES:
        raise ModelError(f"It has numbers of the ONNX type {to}, which are not supported.")
    return x.to(_DTYPES[to] if like is None else like.dtype)


# --- quantisation -----------------------------------------------------------------------------------------------------


def _along(scale: Tensor, x: Tensor, axis: int) -> Tensor:
    return scale if scale.numel() == 1 else scale.reshape([-1 if n == axis % x.ndim else 1 for n in range(x.ndim)])


@operator("QuantizeLinear")
def quantised(x: Tensor, scale: Tensor, zero: Tensor | None = None, axis: int = 1, **_: Any) -> Tensor:
    """Rounded to the numbers of 8 bits, which stay floating-point numbers, so that walks follow them."""
    kind = torch.uint8 if zero is None else zero.dtype
    bounds = torch.iinfo(kind)
    shifted = (x / _along(scale, x, axis)).round()
    if zero is not None and bool(zero.any()):
        shifted = shifted + _along(zero.to(x.dtype), x, axis)
    return shifted.clamp(bounds.min, bounds.max)


@operator("DequantizeLinear")
def dequantised(x: Tensor, scale: Tensor, zero: Tensor | None = None, axis: int = 1, **_: Any) -> Tensor:
    """The numbers that the codes stand for."""
    x = x.to(scale.dtype)
    if zero is not None and bool(zero.any()):
        x = x - _along(zero.to(x.dtype), x, axis)
    return x * _along(scale, x, axis)


@operator("QLinearConv")
def quantised_convolution(*xs: Any, **attributes: Any) -> Tensor:
    """A convolution of codes."""
    x, x_scale, x_zero, weight, w_scale, w_zero, y_scale, y_zero, *bias = xs
    filters = dequantised(weight, w_scale, w_zero, 0)
    shift = [bias[0] * (x_scale * w_scale)] if bias and bias[0] is not None else []
    found = convolution(dequantised(x, x_scale, x_zero), filters, *shift, **attributes)
    codes: Tensor = quantised(found, y_scale, y_zero)
    return codes


@operator("QLinearMatMul")
def quantised_product(*xs: Tensor, **_: Any) -> Tensor:
    """A matrix product of codes."""
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = xs
    codes: Tensor = quantised(dequantised(a, a_scale, a_zero) @ dequantised(b, b_scale, b_zero), y_scale, y_zero)
    return codes


# --- sampling ---------------------------------------------------------------------------------------------------------


@operator("Resize", "Upsample")
def resized(x: Tensor, *given: Tensor | None, op: str, **attributes: Any) -> Tensor:
    """To another size."""
    *_, scales, sizes = (
        (None, None, *given[:1], None) if op == "Upsample" or len(given) == 1 else (*given, None, None)[:3]
    )
    dims = x.ndim - 2
    ratios = numbers(scales) or attributes.get("scales")
    target = (numbers(sizes) or [])[-dims:] or [
        math.floor(size * ratio) for size, ratio in zip(x.shape[2:], (ratios or [])[-dims:], strict=True)
    ]
    kind, mode = attributes.get("mode", "nearest"), attributes.get("coordinate_transformation_mode", "half_pixel")
    if isinstance(kind, bytes):
        kind = kind.decode()
    if kind == "nearest":
        return _nearest(x, target, mode, attributes.get("nearest_mode", "round_prefer_floor"))
    names = {("linear", 1): "linear", ("linear", 2): "bilinear", ("linear", 3): "trilinear", ("cubic", 2): "bicubic"}
    if (kind, dims) not in names or mode not in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
        raise ModelError(f"It resizes in a way that is not supported: {kind}, {mode}.")
    if mode == "asymmetric" and any(size > before for size, before in zip(target, x.shape[2:], strict=True)):
        raise ModelError("It interpolates between places in an old way (asymmetric): export with opset 13 or later.")
    antialias = bool(attributes.get("antialias", 0))
    return F.interpolate(x, target, mode=names[kind, dims], align_corners=mode == "align_corners", antialias=antialias)


def _nearest(x: Tensor, target: Sequence[int], mode: str, rounding: str) -> Tensor:
    """The nearest places, looked up along each dimension."""
    whole = all(size % before == 0 for size, before in zip(target, x.shape[2:], strict=True))
    if whole and ((mode == "asymmetric" and rounding == "floor") or mode == "half_pixel"):
        return F.interpolate(x, list(target), mode="nearest")
    for axis, size in enumerate(target, 2):
        before = x.shape[axis]
        at = torch.arange(size, dtype=torch.float64)
        if mode == "align_corners":
            at = at * (before - 1) / max(size - 1, 1)
        else:
            at = at * before / size if mode == "asymmetric" else (at + 0.5) * before / size - 0.5
        places = {
            "floor": at.floor(),
            "ceil": at.ceil(),
            "round_prefer_floor": (at - 0.5).ceil(),
            "round_prefer_ceil": (at + 0.5).floor(),
        }[rounding]
        x = x.index_select(axis, places.clamp(0, before - 1).long())
    return x


@operator("GridSample")
def grid_sample(x: Tensor, grid: Tensor, **attributes: Any) -> Tensor:
    """Values at the positions in a grid."""
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(attributes.get("mode", "bilinear"), attributes.get("mode"))
    padding, aligned = attributes.get("padding_mode", "zeros"), bool(attributes.get("align_corners", 0))
    return F.grid_sample(x, grid, mode or "bilinear", padding, aligned)
