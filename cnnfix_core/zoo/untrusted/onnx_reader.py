"""Read untrusted ONNX files, without running anything in them.

The file is parsed as a protocol buffer, and each node is computed by a function of the allow-list in `onnx_ops`, on
shapes alone. The PyTorch operations that these functions call are logged as a `Program`, so that the same allow-list
and the same limits hold as for exported programs. What does not depend on the picture, such as sizes, is computed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, no_grad
from torch._subclasses import FakeTensorMode

from cnnfix_core.engine import computed_by
from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import state_dict
from cnnfix_core.zoo.preprocessing import MAX_CHANNELS, Preprocessing
from cnnfix_core.zoo.scores import Meaning
from cnnfix_core.zoo.untrusted.export_reader import MAX_OPERATIONS, allowed_call
from cnnfix_core.zoo.untrusted.onnx_ops import OPERATORS
from cnnfix_core.zoo.untrusted.program import (
    DEVICE,
    Named,
    Program,
    ProgramNode,
    takes_several,
    try_without_memory,
)

_PICTURE, _USUAL_SIDE = "picture", 224
_COLOURS = (1, 3, 4)  # channels of most pictures
_LONGEST_NAME = 200  # of a node, in characters: pages list them


def looks_like_onnx(content: bytes) -> bool:
    """Whether the file starts with the version of a model's protocol buffer."""
    return content.startswith(b"\x08") and not content.startswith(b"\x08\x00")


def read(content: bytes, name: str) -> tuple[Program, Preprocessing, Meaning | None]:
    """The program in an ONNX file, how a picture becomes its input, and what its scores mean, if that is known.

    A detector that returns boxes with the scores of classes, (1, 4 + classes, boxes) or (1, boxes, 5 + classes), gets
    another output in front: the highest score of each class.

    Raises:
        ModelError: The file is damaged, has an operator that is not on the allow-list, takes anything but one picture,
            has weights elsewhere or weights that are not finite, or needs too much memory.
    """
    import onnx
    from onnx.inliner import inline_local_functions

    try:
        model = onnx.load_model_from_string(content)
        if model.functions:
            model = inline_local_functions(model)
    except Exception as error:  # parsers fail in many ways
        raise ModelError(f"{name} is damaged, or is no ONNX file: export it again.") from error
    _check(model.graph, name)
    shape, last = _shape(model.graph, name)
    preprocessing = Preprocessing(shape[1:]).of_channels(shape[0])
    tracer = _Tracer()
    try:
        with no_grad(), computed_by(tracer.compute):
            values = _computed(model, tracer, shape, last)
            outputs = [values[one.name] for one in model.graph.output]
            given = tuple(one for one in outputs if tracer.knows(one))
            boxes = _best_of_boxes(given)
            if boxes is not None:
                given = (boxes, *given)
    except ModelError as error:
        raise ModelError(f"{name} cannot be opened. {error}") from error
    except Exception as error:  # operators fail in many ways on what does not fit
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise ModelError(f"{name} cannot be opened: {tracer.place} fails ({reason}).") from error
    if not given:
        raise ModelError(f"{name} returns nothing that depends on the picture.")
    state_dict.check_finite({key: one for key, one in tracer.weights.items() if one.is_floating_point()})
    program = Program(tracer.steps, tracer.weights, _PICTURE, tuple(map(tracer.name_of, given)))
    try_without_memory(program, shape, name)
    program.together = takes_several(program, shape)
    return program, preprocessing, None if boxes is None else "probabilities"


def _check(graph: Any, name: str) -> None:
    nodes = list(_nodes(graph))
    if len(nodes) > MAX_OPERATIONS:
        raise ModelError(f"{name} has more than {MAX_OPERATIONS} operations, which is too many.")
    unknown = {
        node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
        for node in nodes
        if node.domain not in ("", "ai.onnx") or node.op_type not in {*OPERATORS, "If"}
    }
    if "NonMaxSuppression" in unknown:
        raise ModelError(f"{name} chooses boxes itself (NonMaxSuppression): export it without.")
    if unknown:
        listed = ", ".join(sorted(unknown)[:5])
        raise ModelError(f"{name} uses operators that are not supported: {listed}.")


def _nodes(graph: Any) -> Iterable[Any]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _shape(graph: Any, name: str) -> tuple[tuple[int, int, int], bool]:
    """Channels, height and width of the picture, and whether the channels are its last dimension."""
    stored = {one.name for one in graph.initializer}
    inputs = [one for one in graph.input if one.name not in stored]
    if len(inputs) != 1:
        raise ModelError(f"{name} takes {len(inputs)} inputs; it must take one, a batch of pictures.")
    sizes = [size.dim_value for size in inputs[0].type.tensor_type.shape.dim]
    if len(sizes) != 4:
        raise ModelError(
            f"{name} takes an input of {len(sizes)} dimensions; it must take pictures, 1 x 3 x height x width."
        )
    last = sizes[3] in _COLOURS and sizes[1] not in _COLOURS
    channels, height, width = (sizes[3], *sizes[1:3]) if last else sizes[1:]
    if channels > MAX_CHANNELS:
        raise ModelError(f"{name} takes {channels} channels; at most {MAX_CHANNELS} are possible.")
    return (channels or 3, height or _USUAL_SIDE, width or _USUAL_SIDE), last


def _computed(model: Any, tracer: _Tracer, shape: tuple[int, int, int], last: bool) -> dict[str, Any]:
    """All values of the graph by name; those that depend on the picture have no numbers."""
    graph = model.graph
    values: dict[str, Any] = {"": None}
    values.update((one.name, _tensor(one)) for one in graph.initializer)
    (given,) = (one for one in graph.input if one.name not in values)
    dtype = _PICTURES.get(given.type.tensor_type.elem_type)
    if dtype is None:
        raise ModelError("It takes pictures of whole numbers: export it for floating-point numbers.")
    picture = FakeTensorMode(allow_non_fake_inputs=True).from_tensor(torch.zeros(1, *shape, dtype=dtype))
    tracer.enter(picture, _PICTURE)
    values[given.name] = picture.permute(0, 2, 3, 1) if last else picture
    version = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 1)
    _run(graph, values, tracer, version)
    return values


_PICTURES = {1: torch.float32, 10: torch.float16, 11: torch.float64}


def _run(graph: Any, values: dict[str, Any], tracer: _Tracer, version: int) -> None:
    for number, node in enumerate(graph.node):
        tracer.place = (node.name[:_LONGEST_NAME] or f"{node.op_type}_{number}").strip("/").replace(".", "/")
        if node.op_type == "If":
            _branch(node, values, tracer, version)
            continue
        attributes = {one.name: _attribute(one) for one in node.attribute}
        xs = [values[name] for name in node.input]
        options = {"op": node.op_type, "version": version, "outputs": len(node.output)}
        result = OPERATORS[node.op_type](*xs, **{**attributes, **options})
        results = result if isinstance(result, (tuple, list)) else [result]
        values.update(zip(node.output, results, strict=False))


def _branch(node: Any, values: dict[str, Any], tracer: _Tracer, version: int) -> None:
    """The branch of an If whose condition does not depend on the picture."""
    condition = values[node.input[0]]
    if type(condition) is not Tensor:
        raise ModelError("It branches on the values of the picture, which is not supported.")
    wanted = "then_branch" if bool(condition) else "else_branch"
    (graph,) = (one.g for one in node.attribute if one.name == wanted)
    values.update((one.name, _tensor(one)) for one in graph.initializer)
    _run(graph, values, tracer, version)
    values.update(zip(node.output, (values[one.name] for one in graph.output), strict=True))


def _attribute(attribute: Any) -> Any:
    import onnx

    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return _tensor(value)
    return value.decode() if isinstance(value, bytes) else value


def _tensor(stored: Any) -> Tensor:
    import onnx

    if stored.data_location == onnx.TensorProto.EXTERNAL:
        raise ModelError("Its weights are in another file: save it with the weights inside.")
    try:
        array = onnx.numpy_helper.to_array(stored)
        return torch.from_numpy(array.copy())
    except Exception as error:  # sizes that are not those of the numbers, types that PyTorch does not have
        raise ModelError(
            f"Its weights {stored.name[:80]!r} are damaged, or of a type that is not supported."
        ) from error


def _best_of_boxes(outputs: tuple[Tensor, ...]) -> Tensor | None:
    """The highest score of each class, (1, classes), of a detector that returns boxes; None for another network."""
    if any(one.ndim > 1 and one.numel() == one.shape[0] * one.shape[1] for one in outputs):
        return None
    boxes = next((one for one in outputs if one.ndim == 3 and min(one.shape[1:]) > 5), None)
    if boxes is None:
        return None
    if boxes.shape[1] < boxes.shape[2]:
        return boxes[:, 4:].amax(2)
    return (boxes[..., 5:] * boxes[..., 4:5]).amax(1)


_VIEWS = {"view", "_unsafe_view", "reshape"}


class _Tracer:
    """Logs the PyTorch operations on what depends on the picture.

    Attributes:
        place: The node that is being computed.
        steps: The operations so far.
        weights: The constants that they use.
    """

    def __init__(self) -> None:
        self.place = ""
        self.steps: dict[str, ProgramNode] = {}
        self.weights: dict[str, Tensor] = {}
        self._names: dict[int, str] = {}
        self._kept: list[Tensor] = []  # so that no two have the same identity

    def enter(self, tensor: Tensor, name: str) -> str:
        """Give a tensor a name."""
        self._kept.append(tensor)
        self._names[id(tensor)] = name
        return name

    def knows(self, tensor: Any) -> bool:
        """Whether a value depends on the picture."""
        return isinstance(tensor, Tensor) and type(tensor) is not Tensor

    def name_of(self, tensor: Tensor) -> str:
        """The name of a value of the program."""
        return self._names[id(tensor)]

    def compute(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call an operator, and log what depends on the picture."""
        result = func(*args, **kwargs)
        results = [one for one in (result if isinstance(result, (tuple, list)) else [result]) if self.knows(one)]
        if results:
            call = allowed_call(f"torch.ops.{func}")
            given, options = [self._given(one) for one in args], {key: self._given(one) for key, one in kwargs.items()}
            if func._opname in _VIEWS and args[0].shape[:1] == result.shape[:1] == (1,):
                given[1] = [-1, *result.shape[1:]]  # so that it may take several pictures; whether it does is tried
            names = [self.enter(one, f"value {len(self._kept)}") for one in results]
            self._add(ProgramNode(call, given, options, names))
        return result

    def _given(self, item: Any) -> Any:
        if isinstance(item, Tensor):
            return Named(self._names.get(id(item)) or self._constant(item))
        if isinstance(item, torch.device):
            return DEVICE
        return [self._given(one) for one in item] if isinstance(item, (list, tuple)) else item

    def _constant(self, tensor: Tensor) -> str:
        name = self.enter(tensor, f"constant {len(self._kept)}")
        if tensor.ndim == 2 and tensor.t().is_contiguous() and min(tensor.shape) > 1:
            # A transposed matrix of weights stays one, which walks need not copy.
            self.weights[f"{name} stored"] = tensor.t().clone()
            self._add(ProgramNode(torch.ops.aten.t.default, [Named(f"{name} stored")], {}, [name]))
        else:
            self.weights[name] = tensor.detach().clone(memory_format=torch.contiguous_format)
        return name

    def _add(self, step: ProgramNode) -> None:
        name = f"{self.place}/{str(step.call).split('.')[1]}"
        while name in self.steps:
            name += "_"
        self.steps[name] = step
