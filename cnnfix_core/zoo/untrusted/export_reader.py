"""Read untrusted programs saved by `torch.export.save`, without `torch.export.load`.

`torch.export.load` can run code: it unpickles the sample inputs and every weight stored as a pickle
(`weights_only=False`), unpickles custom objects, evaluates sizes as Python expressions (`sympy.sympify`), executes
`guards_code`, looks up any name as an operation, and loads compiled libraries. A forward pass needs none of this. This
module reads only the graph, as JSON, and the weights, as plain numbers.

Every operation must be on the allow-list in `allowed_ops`, which has nothing that accesses files, other processes or
memory by address. Sizes of weights are checked against the bytes in the file. Before anything is computed, the program
runs once on tensors without memory, to measure its cost.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cnnfix_core.errors import ModelError
from cnnfix_core.utils.files import printable
from cnnfix_core.zoo import architectures, state_dict
from cnnfix_core.zoo.preprocessing import Preprocessing
from cnnfix_core.zoo.untrusted.allowed_ops import ATEN, IGNORED, PYTHON, SIZES, TORCHVISION
from cnnfix_core.zoo.untrusted.archive import Archive
from cnnfix_core.zoo.untrusted.program import (
    DEVICE,
    Named,
    Program,
    ProgramNode,
    flat,
    takes_several,
    try_without_memory,
)

MAX_OPERATIONS = 20_000
MAX_GRAPH = 100_000_000
_LONGEST_NAME = 200  # of a module, in characters: pages list them

_GRAPH = "models/model.json"
_WEIGHTS = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
_OTHERS = {
    "archive_format",
    "archive_version",
    "byteorder",
    ".data/version",
    ".data/serialization_id",
    ".data/metadata_version",
    "data/sample_inputs/model.pt",  # a pickle, which is never opened
}
_STORED = re.compile(r"data/(weights/weight_|constants/tensor_)\d+")
# A size is a name or arithmetic. No size is evaluated here, but one with anything else suggests a malicious file.
_CODE = re.compile(r"__|\.\s*[A-Za-z_]|[\[{;:]")
# Codes of the file format. PyTorch has the same tables in a private module that takes a second to import.
# fmt: off
_DTYPE_NAMES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64",
    9: "complex32", 10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16",
    29: "float8_e4m3fn", 30: "float8_e5m2", 31: "float8_e4m3fnuz", 32: "float8_e5m2fnuz", 33: "float8_e8m0fnu",
    34: "uint32", 35: "uint64",
}
# fmt: on
_DTYPES: dict[int, torch.dtype] = {
    number: getattr(torch, name)
    for number, name in _DTYPE_NAMES.items()
    if hasattr(torch, name)  # some are missing in older versions
}
_MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
_OPERATION = re.compile(r"torch\.ops\.(aten|torchvision)\.(\w+)\.(\w+)")


def read(archive: Archive) -> tuple[Program, Preprocessing]:
    """Read the program in an archive, and how a picture of the size and channels of its example becomes its input.

    Raises:
        ModelError: The archive contains anything but what `torch.export.save` writes for a network with one picture as
            its input, or the network is in training mode, has weights that are not finite, or needs too much memory.
    """
    _check_members(archive)
    try:
        graph, signature = _graph(archive)
        weights = _weights(archive, signature)
        picture = _picture(signature, graph)
        program = Program(_steps(graph), weights, picture.name, _outputs(signature, graph))
    except ModelError:
        raise
    except Exception as error:  # damaged JSON fails in too many ways to list
        raise ModelError(f"{archive.name} is damaged, or was saved by another version of PyTorch.") from error
    try_without_memory(program, picture.shape, archive.name)
    program.together = takes_several(program, picture.shape)
    return program, picture.preprocessing


def _only_pairs(unions: Any) -> Iterator[tuple[str, Any]]:
    """The (kind, value) pairs of entries of the form {kind: value}."""
    for union in unions:
        ((kind, value),) = union.items()
        yield kind, value


@dataclass(frozen=True, slots=True)
class _Picture:
    """The program's input."""

    name: str
    preprocessing: Preprocessing

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return len(self.preprocessing.channels), *self.preprocessing.size


def _check_members(archive: Archive) -> None:
    if "serialized_exported_program.json" in archive.names():
        raise ModelError(f"{archive.name} was saved by an old PyTorch: save it again with version 2.8 or later.")
    for member in archive.names():
        if member not in {_GRAPH, *_WEIGHTS, *_OTHERS} and not _STORED.fullmatch(member):
            raise ModelError(
                f"{archive.name} contains {member[:80]!r}, which is not allowed: save one network with "
                "torch.export.save, without compiled code, Python objects or other files."
            )
    if archive.read("byteorder") != b"little":
        raise ModelError(f"{archive.name} was saved on a big-endian computer: save it on a little-endian one.")


def _json(archive: Archive, member: str) -> Any:
    content = archive.read(member)
    if len(content) > MAX_GRAPH:
        raise ModelError(f"{archive.name} has a description of {len(content) / 1e6:.0f} MB, which is too large.")
    return json.loads(content)


def _graph(archive: Archive) -> tuple[Any, Any]:
    """The graph of operations, and its inputs and outputs."""
    module = _json(archive, _GRAPH)["graph_module"]
    for item in flat(module, dictionaries=True):
        text = item.get("expr_str", "") if isinstance(item, dict) else ""
        if _CODE.search(text):
            raise ModelError(f"{archive.name} has {text[:80]!r} as a size, which is not arithmetic: it is not opened.")
    if len(module["graph"]["nodes"]) > MAX_OPERATIONS:
        raise ModelError(f"{archive.name} has more than {MAX_OPERATIONS} operations, which is too many.")
    return module["graph"], module["signature"]


# --- weights ----------------------------------------------------------------------------------------------------------

_HELD = {"parameter": "parameter_name", "buffer": "buffer_name", "tensor_constant": "tensor_constant_name"}


def _weights(archive: Archive, signature: Any) -> dict[str, Tensor]:
    """Parameters, buffers and constants, by their names in the graph."""
    stored: dict[tuple[str, str], Tensor] = {}
    for member in _WEIGHTS:
        folder = member.rpartition("/")[0]
        for name, entry in _json(archive, member)["config"].items():
            stored[folder, name] = _tensor(archive, folder, name, entry)
    weights: dict[str, Tensor] = {}
    for kind, spec in _only_pairs(signature["input_specs"]):
        if kind in _HELD:
            name, constant = spec[_HELD[kind]], ("data/constants", spec[_HELD[kind]])
            weights[spec["arg"]["name"]] = stored[constant] if constant in stored else stored["data/weights", name]
    learnt = {name: tensor for (folder, name), tensor in stored.items() if folder == "data/weights"}
    state_dict.check_finite(learnt)
    return weights


def _tensor(archive: Archive, folder: str, name: str, entry: Any) -> Tensor:
    path = f"{folder}/{entry['path_name']}"
    if entry["use_pickle"] or not _STORED.fullmatch(path):
        raise ModelError(
            f"{archive.name} stores {name[:80]} as a Python object, which could run code when it is opened, so the "
            "file is not opened: export the network with plain tensors."
        )
    meta, content = entry["tensor_meta"], archive.read(path)
    dtype = _DTYPES[meta["dtype"]]
    shape, stride = ([size["as_int"] for size in meta[key]] for key in ("sizes", "strides"))
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > len(content):
        raise ModelError(f"{archive.name} is damaged: {name[:80]} claims more numbers than the file has.")
    if math.prod(shape) == 0:
        return torch.empty(shape, dtype=dtype)
    flat = torch.frombuffer(bytearray(content), dtype=dtype)
    return flat.as_strided(shape, stride, meta["storage_offset"]["as_int"]).clone()


# --- operations -------------------------------------------------------------------------------------------------------


def _steps(graph: Any) -> dict[str, ProgramNode]:
    nodes = [node for node in graph["nodes"] if node["target"].split(".")[-2] not in IGNORED]
    # Module names may not contain dots; with a slash, no name equals that of a module's method.
    steps = {printable(f"{_place(node)}/{_names(node['outputs'])[0]}").replace(".", "/"): _step(node) for node in nodes}
    if len(steps) < len(nodes):
        raise ValueError("two operations of the same name")
    return steps


def _place(node: Any) -> str:
    """Name of the module that the operation belonged to when the program was saved."""
    stack = str((node.get("metadata") or {}).get("nn_module_stack", "")).split(";")[-1].split(",")
    return stack[1][:_LONGEST_NAME] if len(stack) == 3 and stack[1] else "main"


def _step(node: Any) -> ProgramNode:
    call = allowed_call(str(node["target"]))
    args, options = [], {}
    for given in node["inputs"]:
        value = _argument(given["arg"])
        if given["name"] in {"train", "training"} and value is True:
            raise ModelError("The program was saved in training mode: call eval() on the network before the export.")
        if given.get("kind") == _KEYWORD:
            options[given["name"]] = value
        else:
            args.append(value)
    return ProgramNode(call, args, options, _names(node["outputs"]))


def allowed_call(target: str) -> Callable[..., Any]:
    """The operation of this name. Raises ModelError if it is not on the allow-list."""
    if target in PYTHON:
        return PYTHON[target]
    found = _OPERATION.fullmatch(target)
    if found is not None:
        library, name, overload = found.groups()
        known = TORCHVISION if library == "torchvision" else ATEN
        if name in known or name.removesuffix("_") in known:
            if library == "torchvision":
                architectures.torchvision_models()  # its operations exist only once it is imported
            call = getattr(getattr(getattr(torch.ops, library), name), overload)
            if isinstance(call, torch._ops.OpOverload) and _gives_tensors(call):
                return call
    raise ModelError(f"The program uses {target[:80]}, which is not an allowed operation.")


def _gives_tensors(call: torch._ops.OpOverload) -> bool:
    """Whether an overload returns tensors or a size: some work on lists or strings, or write to an `out` argument.

    Those of scripts ("prim_...") trust their arguments.
    """
    schema = call._schema
    kinds = {str(given.type) for given in schema.returns}
    sizes = call._opname in SIZES
    tensors = bool(kinds) and kinds <= {"Tensor", "List[Tensor]"}
    out = any(given.is_out for given in schema.arguments)
    return (sizes or tensors) and not out and not call._overloadname.startswith("prim_")


_KEYWORD = 2  # PyTorch's code for keyword arguments


def _argument(tree: Any) -> Any:
    """Parse an argument; Named stands for a value that the program computes."""
    ((kind, value),) = tree.items()
    if kind not in _ARGUMENTS:
        raise ModelError(f"The program has an argument of the kind {kind[:40]!r}, which is not allowed.")
    return _ARGUMENTS[kind](value)


def _several(kind: str) -> Callable[[Any], list[Any]]:
    return lambda values: [_ARGUMENTS[kind](value) for value in values]


def _size(tree: Any) -> Any:
    return tree["as_int"] if "as_int" in tree else Named(tree["as_name"])


_ARGUMENTS: dict[str, Callable[[Any], Any]] = {
    "as_none": lambda value: None,
    "as_tensor": lambda value: Named(value["name"]),
    "as_optional_tensor": _argument,
    "as_int": int,
    "as_float": float,
    "as_bool": bool,
    "as_string": str,
    "as_sym_int": _size,
    "as_scalar_type": _DTYPES.__getitem__,
    "as_memory_format": _MEMORY_FORMATS.__getitem__,
    "as_layout": lambda value: torch.strided,
    "as_device": lambda value: DEVICE,
    "as_tensors": _several("as_tensor"),
    "as_optional_tensors": _several("as_optional_tensor"),
    "as_ints": _several("as_int"),
    "as_floats": _several("as_float"),
    "as_bools": _several("as_bool"),
    "as_sym_ints": _several("as_sym_int"),
}


def _names(outputs: Any) -> list[str]:
    """Names of an operation's results, in order."""
    names: list[str] = []
    for kind, value in _only_pairs(outputs):
        several = value if kind == "as_tensors" else [value]
        names.extend(str(one.get("name") or one.get("as_name")) for one in several)
    return names


# --- inputs and outputs -----------------------------------------------------------------------------------------------


def _picture(signature: Any, graph: Any) -> _Picture:
    inputs = [spec["arg"] for kind, spec in _only_pairs(signature["input_specs"]) if kind not in _HELD]
    if len(inputs) != 1 or "as_tensor" not in inputs[0]:
        raise ModelError(f"The program takes {len(inputs)} inputs; it must take one, a batch of pictures.")
    name = inputs[0]["as_tensor"]["name"]
    sizes = [_example(size) for size in graph["tensor_values"][name]["sizes"]]
    if len(sizes) != 4:
        shape = " x ".join(map(str, sizes))
        raise ModelError(
            f"The program takes an input of {shape}; it must take pictures, 1 x channels x height x width."
        )
    return _Picture(name, Preprocessing((sizes[2], sizes[3])).of_channels(sizes[1]))


def _example(size: Any) -> int:
    """A size, or its value for the example input that the program was exported with."""
    return int(size["as_int"] if "as_int" in size else size["as_expr"]["hint"]["as_int"])


def _outputs(signature: Any, graph: Any) -> tuple[str, ...]:
    """The names of the tensors that the program returns, or of the only one that may hold one score per class."""
    outputs = [spec["arg"] for kind, spec in _only_pairs(signature["output_specs"]) if kind == "user_output"]
    names = tuple(str(output["as_tensor"]["name"]) for output in outputs if "as_tensor" in output)
    if not names:
        raise ModelError("The program returns no tensor; it must return the scores of the classes.")
    rows = [name for name in names if all(_example(n) == 1 for n in graph["tensor_values"][name]["sizes"][2:])]
    return tuple(rows) if len(rows) == 1 else names
