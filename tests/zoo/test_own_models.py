"""Models from files that people bring: those that are honest work, and the others do nothing at all."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torchvision.ops import DeformConv2d

import cnnfix_core as cnnfix
from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED
from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import Preprocessing, architectures, open_own
from cnnfix_core.zoo.untrusted import allowed_ops, export_reader, opening
from cnnfix_core.zoo.untrusted.program import Program

State = dict[str, Tensor]
SMALL = "timm/test_resnet"  # 0.5 million parameters


def saved(tree: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(tree, buffer, **options)
    return buffer.getvalue()


def weights(classes: int = 5) -> State:
    return architectures.build(SMALL, classes).state_dict()


# --- programs ---------------------------------------------------------------------------------------------------------


class Small(nn.Module):
    """Written so that a program of one picture takes no two: the batch is 1 in a view."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.to_classes = nn.Linear(8 * 16, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu_(self.norm(self.conv(x)))
        x = nn.functional.adaptive_avg_pool2d(x, 4)
        return self.to_classes(x.view(x.shape[0], 8 * 16))


class WithOneInSix(nn.Module):
    """Looks at its own batch: as a program for several pictures it would mix them."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.nn.functional.avg_pool2d(x, 32).reshape(1, -1)[:, :3]


def program(module: nn.Module, size: int = 32, batch: int = 1, dynamic: bool = False) -> bytes:
    torch.manual_seed(0)
    shapes = ({0: torch.export.Dim("batch")},) if dynamic else None
    exported = torch.export.export(module, (torch.randn(batch, 3, size, size),), dynamic_shapes=shapes)
    buffer = io.BytesIO()
    torch.export.save(exported, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module", autouse=True)
def reader() -> None:
    """The process that reads files runs, so that its start does not count as the time of a test."""
    with pytest.raises(ModelError):
        open_own(b"nothing", "sent", architecture=SMALL)


@pytest.fixture(scope="module")
def small() -> nn.Module:
    torch.manual_seed(1)
    return Small().eval()


@pytest.fixture(scope="module")
def small_program(small: nn.Module) -> bytes:
    return program(small)


@pytest.mark.parametrize("dynamic", [False, True])
def test_a_small_program(small: nn.Module, dynamic: bool, cat: cnnfix.Picture) -> None:
    own_model = open_own(program(small, 40, batch=2 if dynamic else 1, dynamic=dynamic), "mine.pt2")
    assert (own_model.name, own_model.input_size, len(own_model.labels)) == ("mine.pt2", (40, 40), 6)
    assert isinstance(own_model.module, Program)
    assert own_model.module.together is dynamic
    pictures = torch.randn(5, 3, 40, 40)
    assert torch.allclose(own_model.module(pictures), small(pictures), atol=1e-5)
    check_it_explains(own_model, small, cat)


def test_a_program_that_would_mix_pictures_takes_them_one_by_one() -> None:
    module = open_own(program(WithOneInSix()), "mine.pt2").module
    pictures = torch.randn(4, 3, 32, 32)
    assert torch.allclose(module(pictures), pictures.mean((2, 3)), atol=1e-6)


def test_resnet18(cat: cnnfix.Picture) -> None:
    resnet = architectures.build("resnet18", 10)
    own_model = open_own(program(resnet, 64), "mine.pt2")
    assert isinstance(own_model.module, Program)
    assert own_model.module.together
    found = cnnfix.explain(own_model, cat, 3, PUBLISHED)
    same = cnnfix.Model.of(resnet, preprocessing=own_model.preprocess)
    assert found.fixations.xy.tolist() == cnnfix.explain(same, cat, 3, PUBLISHED).fixations.xy.tolist()
    names = [operation.module for operation in found.trace.tape.operations]
    assert names[0] == "conv1/conv2d"
    assert any(name.startswith("layer3/1/conv2/") for name in names)
    maps, wanted = (cnnfix.attribute(model, cat, 3, crops="five") for model in (own_model, same))
    assert maps == pytest.approx(wanted, abs=1e-3 * float(wanted.max()))


def check_it_explains(own_model: cnnfix.Model, original: nn.Module, cat: cnnfix.Picture) -> None:
    """The same walks as in the network that the program was made from."""
    same = cnnfix.Model.of(original, own_model.labels, own_model.preprocess)
    for preset in (EVIDENCE, PUBLISHED):
        found, wanted = (cnnfix.explain(model, cat, 3, preset) for model in (own_model, same))
        assert len(found.views) == (5 if preset is PUBLISHED else 1)
        assert found.fixations.xy.tolist() == wanted.fixations.xy.tolist()
        assert found.fixations.evidence == pytest.approx(wanted.fixations.evidence, rel=1e-3)
        # In the program every operation is a module, so the last map may be a later one than in the network.
        assert float(cnnfix.attribute(own_model, cat, 3, crops=preset.crops).max()) > 0


class Branching(nn.Module):
    """Operations with several results, sizes that are computed, a shape that changes, a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, padding=1)
        self.scale: Tensor
        self.register_buffer("scale", torch.linspace(0.5, 1, 12).view(12, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        left, middle, right = (self.conv(x) * self.scale).chunk(3, 1)
        values, _ = torch.cat([left * middle.sigmoid(), right], 1).flatten(2).max(2)
        mixed = values.view(x.shape[0] * 2, 4).softmax(1).reshape(x.shape[0], -1)
        return {"scores": mixed @ torch.eye(8), "others": left}


@pytest.mark.parametrize("build", [Branching, lambda: architectures.build("timm/test_efficientnet", 7)])
def test_programs_give_what_the_networks_give(build: Callable[[], nn.Module]) -> None:
    module = build().eval()
    own_module = open_own(program(module, 64, batch=2, dynamic=True), "mine.pt2").module
    pictures = torch.randn(5, 3, 64, 64)
    wanted = module(pictures)
    wanted = wanted["scores"] if isinstance(wanted, dict) else wanted
    found = own_module(pictures)
    found = found[0] if isinstance(found, tuple) else found
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))


def test_a_program_of_core_operations(small: nn.Module) -> None:
    """After `run_decompositions` it has other operations, some with several results."""
    exported = torch.export.export(small, (torch.randn(1, 3, 32, 32),)).run_decompositions()
    buffer = io.BytesIO()
    torch.export.save(exported, buffer)
    pictures = torch.randn(2, 3, 32, 32)
    assert torch.allclose(open_own(buffer.getvalue(), "mine.pt2").module(pictures), small(pictures), atol=1e-5)


def _overwritten(x: Tensor) -> Tensor:
    y = x.clone()
    y[:, 0] = 0
    y[y > 0.5] = 1
    return y


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "clip": lambda x: x.clip(0.1, 0.9),
    "swapaxes": lambda x: x.swapaxes(1, 2),
    "moveaxis": lambda x: torch.moveaxis(x, 1, 3),
    "hstack": lambda x: torch.hstack([x, x]),
    "sort": lambda x: x.sort(2)[0],
    "median": lambda x: x.median(1)[0],
    "scatter": lambda x: x.scatter(1, torch.ones(1, 1, 8, 8).long(), x),
    "scatter_add": lambda x: x.scatter_add(1, torch.ones(1, 1, 8, 8).long(), x),
    "index_put": lambda x: x.index_put((torch.tensor([0]),), x.flip(1)),
    "written in place": _overwritten,
    "a Fourier transform": lambda x: torch.fft.irfft2(torch.fft.rfft2(x)),
    "take_along_dim": lambda x: torch.take_along_dim(x, x.argsort(1), 1),
    "tensordot": lambda x: torch.tensordot(x, x, ([1], [1])),
    "greater": lambda x: torch.greater(x, 0.5) * x,
    "quantile": lambda x: torch.quantile(x.flatten(1), 0.5, dim=1),
    "cdist": lambda x: torch.cdist(x.flatten(2), x.flatten(2)),
    "fold": lambda x: nn.functional.fold(nn.functional.unfold(x, 3), (8, 8), 3),
    "logsumexp": lambda x: x.logsumexp(1),
    "cumprod": lambda x: x.cumprod(1),
    "glu": lambda x: nn.functional.glu(x, 2),
    "weight_norm": torch.nn.utils.weight_norm(nn.Conv2d(3, 3, 1)),
    "nan_to_num": lambda x: x.nan_to_num(),
    "fake quantisation": lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 0, 0, 255),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore:.*weight_norm")
def test_operations_of_programs(name: str) -> None:
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.function = FUNCTIONS[name]

        def forward(self, x: Tensor) -> Tensor:
            return self.function(x).reshape(1, -1)[:, :3]

    module, x = Network().eval(), torch.rand(1, 3, 8, 8)
    own = open_own(program(module, 8), "mine.pt2").module
    with torch.no_grad():
        assert torch.allclose(own(x), module(x), atol=1e-5)


def test_a_program_that_refuses_some_numbers_takes_pictures_one_by_one() -> None:
    class Counted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.one_hot((x[:, 0, 0, :1] * 3).long(), 4)[:, 0].float()

    own = open_own(program(Counted(), 8), "mine.pt2").module
    assert own(torch.full((2, 3, 8, 8), 0.4)).tolist() == [[0, 1, 0, 0]] * 2


def test_nothing_of_torchs_reader_runs(small_program: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("called")

    for target in ("torch.export.load", "torch.load", "pickle.loads", "pickle.load", "sympy.sympify"):
        monkeypatch.setattr(target, never)
    assert open_own(small_program, "mine.pt2").name == "mine.pt2"


def test_every_operation_on_the_list_exists() -> None:
    libraries = {"aten": allowed_ops.ATEN | allowed_ops.IGNORED, "torchvision": allowed_ops.TORCHVISION}
    for library, names in libraries.items():
        assert [name for name in names if not hasattr(getattr(torch.ops, library), name)] == []


def test_no_operation_that_is_let_in_takes_a_name_or_an_address() -> None:
    """Texts are choices only, such as "tanh" or "reflect", and nothing takes files or storages."""
    choices = {"approximate", "equation", "mode", "padding", "padding_mode", "rounding_mode", "indexing"}
    choices |= {"reduce", "interpolation", "norm", "ord", "side"}

    seen = 0
    for name in allowed_ops.ATEN:
        for overload in getattr(torch.ops.aten, name).overloads():
            try:
                call = export_reader.allowed_call(f"torch.ops.aten.{name}.{overload}")
            except ModelError:
                continue
            texts = {given.name for given in call._schema.arguments if "str" in str(given.type).split("[")[-1]}
            assert texts <= choices, call
            assert "Storage" not in str(call._schema)
            assert "Any" not in str(call._schema)
            seen += 1
    assert seen > 300


def repacked(content: bytes, change: Callable[[str, bytes], bytes | None], **added: bytes) -> bytes:
    """The archive with members changed, left out (None) or added (with "__" for "/")."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            member = change(name, old.read(name))
            if member is not None:
                new.writestr(name, member)
        root = old.namelist()[0].split("/")[0]
        for name, member in added.items():
            new.writestr(f"{root}/{name.replace('__', '/')}", member)
    return buffer.getvalue()


def with_graph(content: bytes, change: Callable[[Any], None]) -> bytes:
    def changed(name: str, member: bytes) -> bytes:
        if not name.endswith("models/model.json"):
            return member
        tree = json.loads(member)
        change(tree)
        return json.dumps(tree).encode()

    return repacked(content, changed)


def with_weights(content: bytes, change: Callable[[Any], None]) -> bytes:
    def changed(name: str, member: bytes) -> bytes:
        if not name.endswith("model_weights_config.json"):
            return member
        tree = json.loads(member)
        change(tree["config"])
        return json.dumps(tree).encode()

    return repacked(content, changed)


# --- state dicts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        saved,
        lambda state: saved(state, _use_new_zipfile_serialization=False),
        safetensors.torch.save,
        lambda state: saved({"state_dict": state}),
        lambda state: saved({"model": {"model_state_dict": state}, "epoch": 3}),
        lambda state: saved({f"module.{name}": tensor for name, tensor in state.items()}),
        lambda state: saved({f"_orig_mod.model.{name}": tensor for name, tensor in state.items()}),
        lambda state: saved({name: tensor.half() for name, tensor in state.items()}),
    ],
    ids=["zip", "legacy", "safetensors", "wrapped", "twice wrapped", "parallel", "compiled", "half"],
)
def test_weights_for_an_architecture(write: Callable[[State], bytes]) -> None:
    state = weights(5)
    model = open_own(write(state), "weights", architecture=SMALL)
    assert len(model.labels) == 5
    assert (model.preprocess, model.module.training) == (architectures.preprocessing(SMALL), False)
    found = model.module.state_dict()
    assert all(torch.allclose(found[name], tensor, rtol=1e-3, atol=1e-4) for name, tensor in state.items())


def test_a_path_or_an_open_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.zip"  # the name tells nothing
    path.write_bytes(safetensors.torch.save(weights(3)))
    with path.open("rb") as file:
        for given in (path, file):
            assert len(open_own(given, "weights", architecture=SMALL).labels) == 3


@pytest.mark.parametrize("name", ["squeezenet1_1", "timm/test_convnext", "timm/levit_128s"])
def test_the_number_of_classes_is_read(name: str) -> None:
    own_model = open_own(safetensors.torch.save(architectures.build(name, 3).state_dict()), "mine", architecture=name)
    assert own_model.labels.short == ("class 0", "class 1", "class 2")


def test_without_the_heads_for_learning() -> None:
    state = architectures.build("googlenet", 3).state_dict()
    state = {name: tensor for name, tensor in state.items() if not name.startswith("aux")}
    assert len(open_own(saved(state), "mine", architecture="googlenet").labels) == 3


def test_labels_and_preprocessing_of_ones_own(cat: cnnfix.Picture) -> None:
    labels = cnnfix.Labels.of("abc")
    wanted = Preprocessing((48, 64), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic", 1.0)
    model = open_own(saved(weights(3)), "mine", architecture=SMALL, labels=labels, preprocessing=wanted)
    assert (model.labels, model.preprocess, model.input_size) == (labels, wanted, (48, 64))
    assert cnnfix.explain(model, cat).target.label in "abc"
    with pytest.raises(ModelError, match="There are 3 labels, but mine has 4 classes"):
        open_own(saved(weights(4)), "mine", architecture=SMALL, labels=labels)


class Deformable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.offsets, self.deform = nn.Conv2d(3, 18, 3, padding=1), DeformConv2d(3, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.deform(x, self.offsets(x)).mean((2, 3))


def test_operations_of_torchvision_are_known_before_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "deformable.pt2").write_bytes(program(Deformable()))
    code = (
        "import sys; from pathlib import Path; from cnnfix_core import open_own;"
        "assert 'torchvision' not in sys.modules; print(len(open_own(Path(sys.argv[1]), 'own').labels))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "deformable.pt2"], capture_output=True, text=True, check=False
    )
    assert (said.stdout, said.returncode) == ("4\n", 0), said.stderr


# --- what is not let in -----------------------------------------------------------------------------------------------


class Command:
    """Its pickle creates a file, when it is opened."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """A file that must not come into being, nor anything else in reach of it."""
    file = tmp_path / "marker"
    yield file
    assert list(tmp_path.iterdir()) == []


def refused(content: bytes, complaint: str, architecture: str | None = SMALL, **options: Any) -> None:
    """A ModelError with that complaint, soon, in a sentence or two."""
    started = time.perf_counter()
    with pytest.raises(ModelError, match=complaint) as raised:
        open_own(content, "sent", architecture=architecture, **options)
    assert time.perf_counter() - started < 20
    assert len(str(raised.value)) < 500
    assert "\n" not in str(raised.value)


def test_the_command_would_run(tmp_path: Path) -> None:
    """So that the tests that follow say something."""
    torch.load(io.BytesIO(saved({"a": Command(tmp_path / "marker")})), weights_only=False)
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_a_pickle_that_runs_a_command(marker: Path, new: bool) -> None:
    for tree in (Command(marker), {"state_dict": Command(marker)}):
        refused(saved(tree, _use_new_zipfile_serialization=new), "has no weights but .*system.*: save the state dict")
    model = open_own(
        saved({**weights(), "a": Command(marker)}, _use_new_zipfile_serialization=new), "sent", architecture=SMALL
    )
    assert model.notes == (f"Left out: a ({os.system.__module__}.system).",)


def test_a_plain_pickle_that_runs_a_command(marker: Path) -> None:
    for protocol in (2, 5):
        refused(pickle.dumps(Command(marker), protocol), "damaged")


def test_a_torchscript_program() -> None:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(nn.Linear(2, 3), torch.ones(1, 2)), buffer)
    refused(buffer.getvalue(), "TorchScript.*torch\\.export\\.save")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "sent is empty"),
        (b"\n", "not a model file"),
        (b"these are my weights\n" * 9, "not a model file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "not a model file"),
        (b"PK\x03\x04" + bytes(50), "damaged or incomplete"),
        (b"\x80\x02", "damaged or incomplete"),
        (b"\x80\x02}.", "damaged or incomplete"),
        (saved({}), "no weights: save the state dict"),
        (saved(3), "no weights: save"),
        (saved([torch.ones(2)]), "none of the weights of timm/test_resnet, but 0"),
        (saved({"a": 1}), "no weights but a: save"),
        (saved({3: torch.ones(2)}), "none of the weights of timm/test_resnet, but 3"),
        (saved(nn.Linear(2, 3)), "none of the weights of timm/test_resnet, but .*weight"),
        (saved({"a": torch.ones(2, 2).to_sparse()}), r"no weights but a torch._utils._rebuild_sparse_tensor"),
        (saved({"model." + name: tensor.to_sparse() for name, tensor in weights().items()}), "no weights but model"),
    ],
)
def test_what_is_no_model(content: bytes, complaint: str) -> None:
    refused(content, complaint)


def test_a_picture_is_not_called_weights() -> None:
    refused(b"\xff\xd8\xff\xe0" + bytes(50), "not a model file", architecture=None)


@pytest.mark.parametrize("write", [saved, safetensors.torch.save], ids=["torch", "safetensors"])
@pytest.mark.parametrize("part", [0.999, 0.5, 0.01])
def test_truncated_weights(write: Callable[[State], bytes], part: float) -> None:
    content = write(weights())
    refused(content[: int(len(content) * part)], "damaged")


def test_too_large() -> None:
    content = saved(weights())
    refused(content, "sent is larger than 0.1 MB", max_bytes=100_000)
    assert opening.MAX_MODEL_BYTES == 1_000_000_000


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.pth"):
        with pytest.raises(ModelError, match="cannot be read"):
            open_own(path, "sent")


def test_weights_need_an_architecture() -> None:
    refused(saved(weights()), "only weights: give the architecture", architecture=None)
    refused(saved(weights()), "no architecture 'timm/test_resnets'", architecture="timm/test_resnets")
    refused(saved(weights()), "is not a classifier", architecture="fcn_resnet50")


def test_weights_that_do_not_fit() -> None:
    state = weights()
    first, second, *_, last = state
    refused(saved({name: t for name, t in state.items() if name != first}), f"they lack {first}")
    refused(saved({last: state[last]}), rf"they lack {first}, {second}, .* and \d+ more")
    refused(saved({**state, "extra.weight": torch.ones(2)}), "more than the network: extra.weight")
    refused(saved({**state, first: state[first][:2]}), f"{first} is .* and must be ")
    refused(saved({**state, last: torch.ones(4)}), f"{last} is 4 and must be 5")
    refused(saved({**state, "fc.weight": torch.ones(1_000_000, 2)}), "must be ")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(value: float) -> None:
    state = weights()
    name = next(name for name in state if name.endswith("running_var"))
    state[name][1] = value
    refused(saved(state), f"weights in {name} are NaN or infinite")
    refused(safetensors.torch.save(state), f"weights in {name} are NaN or infinite")


def test_no_classes() -> None:
    state = weights()
    state |= {name: one[:0] for name, one in state.items() if name.startswith("fc.")}
    refused(saved(state), "has no classes")


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16])
def test_odd_types_of_numbers(dtype: torch.dtype) -> None:
    state = weights()
    state |= {name: one.to(dtype) for name, one in state.items() if name == "fc.bias"}
    assert open_own(saved(state), "sent", architecture=SMALL).labels


def test_weights_that_claim_more_than_the_file_has() -> None:
    huge = torch.ones(1).expand(1 << 40)
    refused(saved({"a": huge}), "a claims more numbers than the file has")
    refused(saved({"a": huge}, _use_new_zipfile_serialization=False), "a claims more numbers than the file has")


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_a_storage_that_is_smaller_than_claimed(new: bool) -> None:
    """The number of elements in the pickle is raised to a billion; the file stays as small."""
    content = saved({"a": torch.ones(77_777)}, _use_new_zipfile_serialization=new)
    was, claimed = struct.pack("<i", 77_777), struct.pack("<i", 1_000_000_000)
    assert content.count(b"J" + was) >= 2
    lying = content.replace(b"J" + was, b"J" + claimed)
    if new:  # the checksums too
        lying = repacked(content, lambda name, member: member.replace(b"J" + was, b"J" + claimed))
    refused(lying, "claims more numbers than the file has|damaged")


def test_many_tensors() -> None:
    state = {f"t{n}": torch.zeros(0) for n in range(10_001)}
    refused(safetensors.torch.save(state), "10001 tensors; at most 10000")
    refused(saved(state, _use_new_zipfile_serialization=False), "10001 tensors; at most 10000")


def lying_safetensors(header: Any, data: bytes = bytes(16)) -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    "content",
    [
        lying_safetensors({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}),
        lying_safetensors({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 16]}}),
        lying_safetensors({"a": {"dtype": "F32", "shape": [4], "data_offsets": [8, 0]}}),
        lying_safetensors({"a": {"dtype": "F32", "shape": [4], "data_offsets": [-16, 0]}}),
        lying_safetensors({n: {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} for n in "ab"}),
        lying_safetensors({"a": {"dtype": "PY", "shape": [4], "data_offsets": [0, 16]}}),
        lying_safetensors({"a": 3}),
        lying_safetensors(b"{" * 1000),
        lying_safetensors(b'{"a": '),
        struct.pack("<Q", 1 << 39) + b"{}" + bytes(100),
        struct.pack("<Q", 99) + b"{}",
    ],
)
def test_headers_that_lie(content: bytes) -> None:
    refused(content, "damaged")


# --- archives ---------------------------------------------------------------------------------------------------------


def member(name: str, content: bytes = b"x", **settings: Any) -> bytes:
    """A file of small weights with one member more."""
    buffer = io.BytesIO(saved({"a": torch.ones(2)}))
    with zipfile.ZipFile(buffer, "a") as archive:
        info = zipfile.ZipInfo(name)
        for key, value in settings.items():
            setattr(info, key, value)
        archive.writestr(info, content)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["../marker", "archive/../../marker", "/tmp/marker", "archive\\..\\marker"])
def test_members_that_lead_out_of_the_archive(name: str, marker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(marker.parent)
    refused(member(name), "leads out of the archive")


def test_a_name_that_ends_early() -> None:
    refused(member("archive/a_b").replace(b"archive/a_b", b"archive/a\0b"), "leads out of the archive")


def test_a_directory_that_claims_to_lie_elsewhere(small_program: bytes) -> None:
    content = bytearray(small_program)
    content[content.rindex(b"PK\x06\x06") + 51] = 1  # 16 MB further on
    refused(bytes(content), "damaged")


def test_a_zip_bomb() -> None:
    refused(member("archive/data/9", bytes(300_000_000), compress_type=zipfile.ZIP_DEFLATED), "compressed members")


def test_members_that_overlap() -> None:
    """Each entry of the directory names the same bytes: together they are far larger than the file."""
    content = member("archive/data/9", bytes(50_000))
    end = content.rindex(b"PK\x05\x06")
    count, size, start = struct.unpack("<HII", content[end + 10 : end + 20])
    directory = content[start : start + size]
    last = directory[directory.rindex(b"PK\x01\x02") :]
    copies = b"".join(last.replace(b"data/9", b"data/%c" % letter) for letter in range(65, 91))
    tail = content[end : end + 8] + struct.pack("<HHII", count + 26, count + 26, size + len(copies), start)
    refused(content[: start + size] + copies + tail + b"\0\0", "overlap")


def test_links_and_twins() -> None:
    refused(member("archive/link", b"/etc/passwd", external_attr=0o120777 << 16), "contains a link")
    with pytest.warns(UserWarning, match="Duplicate name"):
        twins = member("archive/data.pkl")
    refused(twins, "two members with the same name")


def test_many_members() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for n in range(10_001):
            archive.writestr(f"archive/{n}", b"")
    refused(buffer.getvalue(), "10001 members; at most 10000")


# --- programs that are not let in -------------------------------------------------------------------------------------


def test_sample_inputs_are_never_opened(small_program: bytes, marker: Path) -> None:
    bomb = pickle.dumps(Command(marker))
    changed = repacked(small_program, lambda name, old: bomb if "sample_inputs" in name else old)
    assert open_own(changed, "sent").name == "sent"


def test_guards_are_never_run(small_program: bytes, marker: Path) -> None:
    def change(tree: Any) -> None:
        tree["guards_code"] = [f"__import__('os').system('touch {marker}')"]

    assert open_own(with_graph(small_program, change), "sent").name == "sent"


@pytest.mark.parametrize("place", ["weights/weight_0", "constants/custom_obj_0", "constants/opaque_obj_0"])
def test_pickles_in_programs(small_program: bytes, marker: Path, place: str) -> None:
    def pickled(config: Any) -> None:
        entry = next(iter(config.values()))
        entry["use_pickle"], entry["path_name"] = True, place.split("/")[1]

    bomb = saved(Command(marker))
    changed = repacked(with_weights(small_program, pickled), lambda name, old: bomb if name.endswith(place) else old)
    refused(changed, "as a Python object, which could run code")
    if "obj" in place:
        refused(
            repacked(small_program, lambda _, old: old, **{f"data__{place.replace('/', '__')}": bomb}), "not allowed"
        )


@pytest.mark.parametrize(
    "name",
    ["data__weights__model.pt", "data__aotinductor__model__model.so", "extra__a.txt", "models__other.json", "x.py"],
)
def test_other_members_of_programs(small_program: bytes, name: str, marker: Path) -> None:
    added = {name: saved(Command(marker))}
    refused(repacked(small_program, lambda _, old: old, **added), "which is not allowed: save one network")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch {}')",
        "().__class__.__base__.__subclasses__()",
        "os.system('touch {}')",
        "[exec for _ in 'a']",
    ],
)
def test_code_for_a_size(small: nn.Module, marker: Path, text: str) -> None:
    def change(tree: Any) -> None:
        size = tree["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0]
        size["as_expr"]["expr_str"] = text.format(marker)

    changed = with_graph(program(small, batch=2, dynamic=True), change)
    refused(changed, "as a size, which is not arithmetic")


@pytest.mark.parametrize(
    "target",
    [
        "torch.hub.load",
        "os.system",
        "builtins.eval",
        "_operator.pow",
        "_operator.attrgetter",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.set_.source_Storage",
        "torch.ops.aten.as_strided.default",
        "torch.ops.aten.__class__.default",
        "torch.ops.aten.relu.__class__",
        "torch.ops.aten.relu_.__globals__",
        "torch.ops.aten.relu.out",
        "torch.ops.aten.mul.left_t",
        "torch.ops.aten.add.str",
        "torch.ops.aten.to.prim_dtype",
        "torch.ops.higher_order.cond",
        "torch.ops.loaded_libraries.add",
        "torch.ops.load_library",
        "torch.ops.aten.relu",
        "torch",
        "",
    ],
)
def test_operations_that_are_not_on_the_list(small_program: bytes, target: str, tmp_path: Path) -> None:
    def change(tree: Any) -> None:
        node = tree["graph_module"]["graph"]["nodes"][2]
        node["target"] = target

    refused(with_graph(small_program, change), "not an allowed operation|another version of PyTorch")


@pytest.mark.parametrize("kind", ["as_operator", "as_graph", "as_custom_obj", "as_nested_tensors"])
def test_arguments_that_are_not_let_in(small_program: bytes, kind: str) -> None:
    def change(tree: Any) -> None:
        tree["graph_module"]["graph"]["nodes"][0]["inputs"][2]["arg"] = {kind: "os.system"}

    refused(with_graph(small_program, change), f"argument of the kind '{kind}', which is not allowed")


@pytest.mark.parametrize(
    "change",
    [
        lambda graph: graph.pop("nodes"),
        lambda graph: graph["nodes"].append(3),
        lambda graph: graph["nodes"].append(graph["nodes"][0]),
        lambda graph: graph["nodes"][0]["inputs"][0].update(arg={}),
        lambda graph: graph["nodes"][0]["inputs"][0].update(arg={"as_tensor": {"name": "nowhere"}}),
        lambda graph: graph["nodes"][0]["inputs"][3].update(arg={"as_ints": ["a"]}),
        lambda graph: graph["nodes"].reverse(),
        lambda graph: graph["tensor_values"].clear(),
    ],
)
def test_damaged_graphs(small_program: bytes, change: Callable[[Any], None]) -> None:
    refused(with_graph(small_program, lambda tree: change(tree["graph_module"]["graph"])), "damaged|does not work for")


@pytest.mark.parametrize("first", [{"as_string": "%999999999d"}, {"as_ints": [1, 2]}, {"as_tensor": {"name": "x"}}])
def test_arithmetic_is_only_for_sizes(small_program: bytes, first: Any) -> None:
    """Python's also works on texts and lists, where a short program makes a long one."""
    inputs = [{"name": name, "arg": arg, "kind": 1} for name, arg in (("a", first), ("b", {"as_int": 3}))]
    step = {"target": "_operator.mod", "inputs": inputs, "outputs": [{"as_tensor": {"name": "made"}}], "metadata": {}}
    add = {**step, "target": "_operator.mul"}
    for one in (step, add):
        change = with_graph(small_program, lambda tree, one=one: tree["graph_module"]["graph"]["nodes"].insert(0, one))
        refused(change, "arithmetic is only for sizes")


def test_names_that_are_no_text(small_program: bytes) -> None:
    """Half a character, which JSON and pickles can hold and no page can show."""

    def change(tree: Any) -> None:
        for node in tree["graph_module"]["graph"]["nodes"]:
            node["metadata"]["nn_module_stack"] = "L,a\ud800b,torch.nn.ReLU"

    module = open_own(with_graph(small_program, change), "sent").module
    assert all("a\\ud800b" in name for name in module.steps())  # type: ignore[operator]
    model = open_own(saved(weights() | {"a\ud800b": torch.ones(1)}), "sent", architecture=SMALL)
    assert "a\\ud800b" in " ".join(model.notes)


def test_places_that_are_not_there(small_program: bytes) -> None:
    refused(program(Hungry(lambda x: x.take(torch.full((1, 1, 1, 1), 1 << 60)) + x)), "out of range")


def test_more_classes_than_a_page_can_list() -> None:
    refused(program(Hungry(lambda x: x.mean((1, 2, 3), True).expand(1, 100_001, 1, 1) + 0)), "at most 100,000 are poss")


def test_truncated_programs(small_program: bytes) -> None:
    for part in (0.99, 0.5, 0.1):
        refused(small_program[: int(len(small_program) * part)], "damaged")
    for missing in ("models/model.json", "model_weights_config.json", "weight_1", "byteorder"):
        refused(repacked(small_program, lambda name, old, m=missing: None if m in name else old), "is missing")
    for deep in (b"[" * 100_000, b"{}", b"\xff"):
        refused(repacked(small_program, lambda name, old, d=deep: d if "model.json" in name else old), "damaged")


@pytest.mark.parametrize(
    "meta",
    [
        {"sizes": [{"as_int": 1 << 40}], "strides": [{"as_int": 0}]},
        {"sizes": [{"as_int": 4}], "strides": [{"as_int": 1 << 40}]},
        {"sizes": [{"as_int": -4}], "strides": [{"as_int": 1}]},
        {"storage_offset": {"as_int": 1 << 40}},
        {"storage_offset": {"as_int": -1}},
        {"dtype": 99},
    ],
)
def test_weights_of_programs_that_lie(small_program: bytes, meta: Any) -> None:
    def change(config: Any) -> None:
        config["conv.weight"]["tensor_meta"].update(meta)

    refused(with_weights(small_program, change), "damaged")


def test_weights_of_programs_that_lead_elsewhere(small_program: bytes) -> None:
    def change(config: Any) -> None:
        config["conv.weight"]["path_name"] = "../../../etc/passwd"

    refused(with_weights(small_program, change), "is not opened")


def test_weights_of_programs_that_are_not_finite(small: nn.Module) -> None:
    broken = Small().eval()
    with torch.no_grad():
        broken.conv.weight[0, 0, 0, 0] = float("nan")
    refused(program(broken), "weights in conv.weight are NaN or infinite")


class Hungry(nn.Module):
    def __init__(self, grow: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.grow = grow

    def forward(self, x: Tensor) -> Tensor:
        return self.grow(x).mean((2, 3))


def test_programs_that_want_too_much(small_program: bytes) -> None:
    refused(program(Hungry(lambda x: x.repeat(1, 100, 100, 100))), "more than 2 billion numbers")
    refused(
        program(Hungry(lambda x: torch.conv2d(x, torch.zeros(3, 3, 301, 301), padding=5000)), 8), "too long|billion"
    )


def test_programs_for_something_else(small: nn.Module) -> None:
    refused(program(Small().train()), "training mode: call eval")
    refused(program(small, batch=3), "for one picture .*export it with one, or with a dynamic batch")
    two = torch.export.export(Adding(), (torch.ones(1, 3, 8, 8), torch.ones(1, 3, 8, 8)))
    flat = torch.export.export(nn.Linear(5, 2), (torch.ones(1, 5),))
    for other, complaint in ((two, "takes 2 inputs"), (flat, "takes an input of 1 x 5; it must take pictures")):
        buffer = io.BytesIO()
        torch.export.save(other, buffer)
        refused(buffer.getvalue(), complaint)
    refused(program(nn.Conv2d(3, 4, 3)), "it must return 1 x the number of classes")


class Adding(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return (x + y).mean((2, 3))


@pytest.mark.parametrize("name", ["mine.pt2", "mine.ONNX"])
def test_a_broken_program_is_not_called_weights(name: str) -> None:
    with pytest.raises(ModelError, match=f"{name} is damaged"):
        open_own(b"PK\x03\x04 broken", name)


def test_damaged_bytes_never_get_further_than_an_error(small_program: bytes) -> None:
    """Whatever single bytes become: a ModelError, or a model."""
    random = np.random.default_rng(0)
    for content in (small_program, saved(weights()), safetensors.torch.save(weights())):
        for _ in range(15):
            changed = bytearray(content)
            for at in random.integers(0, min(len(changed), 4000), 3):
                changed[at] = random.integers(256)
            with contextlib.suppress(ModelError):
                open_own(bytes(changed), "sent", architecture=SMALL)
