"""ONNX files as own models: they compute what ONNX Runtime computes, and nothing in them runs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torchvision
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.errors import ModelError
from cnnfix_core.zoo.untrusted import onnx_reader, opening


def exported(module: nn.Module, folder: Path, size: int = 32, dynamic: bool = False) -> bytes:
    torch.manual_seed(0)
    axes = {"x": {0: "batch"}} if dynamic else None
    file = folder / "network.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (torch.rand(1, 3, size, size),),
            str(file),
            dynamo=False,
            input_names=["x"],
            dynamic_axes=axes,
        )
    return file.read_bytes()


def run(content: bytes, x: Any) -> list[Any]:
    session = onnxruntime.InferenceSession(content)
    return session.run(None, {session.get_inputs()[0].name: x})  # type: ignore[no-any-return]


class Yolo(nn.Module):
    """Boxes with the scores of seven classes, (1, 4 + 7, boxes), from two scales."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.SiLU())
        self.down, self.pool, self.up = nn.Conv2d(8, 8, 3, 2, 1), nn.MaxPool2d(5, 1, 2), nn.Upsample(scale_factor=2)
        self.heads = nn.ModuleList([nn.Conv2d(16, 11, 1), nn.Conv2d(8, 11, 1)])

    def forward(self, x: Tensor) -> Tensor:
        fine = self.stem(x)
        coarse = self.down(fine)
        coarse = coarse + self.pool(coarse)
        maps = self.heads[0](torch.cat([fine, self.up(coarse)], 1)), self.heads[1](coarse)
        boxes, classes = torch.cat([one.view(x.shape[0], 11, -1) for one in maps], 2).split((4, 7), 1)
        return torch.cat(
            [boxes.chunk(2, 1)[0] - boxes.chunk(2, 1)[1], boxes.mean(1, True).expand(-1, 2, -1), classes.sigmoid()], 1
        )


class Odd(nn.Module):
    """Much of what networks are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.cut, self.group = nn.Conv2d(3, 8, 3, 2, 1), nn.GroupNorm(2, 8)
        self.instance, self.wide = nn.InstanceNorm2d(8, affine=True), nn.ConvTranspose2d(8, 8, 2, 2)
        self.last = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.wide(self.instance(self.group(self.cut(x))).relu())
        x = nn.functional.interpolate(nn.functional.avg_pool2d(x, 3, 2, 1), size=(9, 9), mode="bilinear")
        x = nn.functional.pad(x, (1, 2, 0, 1), "reflect")
        x = x.clamp(0, 2) / (x.norm(dim=1, keepdim=True) + 1)
        x = nn.functional.gelu(x)[:, :, ::2, 1:-1]
        return torch.log_softmax(self.last(x.flatten(2).topk(4, 2)[0].mean(2) * x.amax((2, 3))), 1)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "a residual network": lambda: torchvision.models.resnet18(num_classes=4),
    "a mobile network": lambda: torchvision.models.mobilenet_v3_small(num_classes=4),
    "a transformer": lambda: torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=4),
    "much of everything": Odd,
    "a detector": Yolo,
}


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_it_computes_what_onnx_runtime_computes(name: str, dynamic: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    content = exported(NETWORKS[name](), tmp_path, dynamic=dynamic)
    program, preprocessing, _ = onnx_reader.read(content, "mine.onnx")
    assert preprocessing.size == (32, 32)
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    found = program(x)
    found = found[-1] if isinstance(found, tuple) else found
    wanted = np.concatenate([run(content, one.numpy())[0] for one in x.split(1)])
    assert np.abs(found.detach().numpy() - wanted).max() < 1e-4 * max(1, np.abs(wanted).max())


def test_an_onnx_file_is_explained(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 4),
    )
    model = cnnfix.open_own(exported(network, tmp_path), "mine.onnx")
    assert (model.input_size, len(model.labels)) == ((32, 32), 4)
    assert model.module.together
    picture = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    same = cnnfix.Model.of(network.eval(), preprocessing=model.preprocess)
    for preset in ("evidence", "published"):
        found, wanted = (cnnfix.explain(one, picture, None, preset) for one in (model, same))
        assert found.target.index == wanted.target.index
        assert found.fixations.xy.tolist() == wanted.fixations.xy.tolist()
    assert "0/Conv/convolution" in {operation.module for operation in found.trace.tape.operations}
    assert cnnfix.attribute(model, picture, 1, "gradcam").max() > 0
    assert cnnfix.explain(model, picture, cnnfix.Unit("0", 3)).unit is not None


def test_a_detector_is_explained_by_its_best_box(tmp_path: Path) -> None:
    torch.manual_seed(2)
    network = Yolo().eval()
    model = cnnfix.open_own(exported(network, tmp_path), "yolo.onnx")
    assert len(model.labels) == 7
    assert model.meaning == "probabilities"
    picture = cnnfix.open_picture(np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8))
    x = model.inputs(picture, model.views(picture, "whole"))
    with torch.no_grad():
        boxes = network(x)[0]
    assert model.scores(x)[0].tolist() == pytest.approx(boxes[4:].amax(1).tolist(), rel=1e-4)
    found = cnnfix.explain(model, picture, 3)
    assert len(found.fixations) > 0
    assert found.target.probability == pytest.approx(float(boxes[7].max()), rel=1e-4)


# --- graphs made by hand ----------------------------------------------------------------------------------------------


def graph(
    nodes: Sequence[Any],
    weights: dict[str, Any] | None = None,
    shape: Sequence[int | str] = (1, 3, 8, 8),
    version: int = 17,
    kind: int = TensorProto.FLOAT,
) -> bytes:
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()]
    made = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", kind, None)],
        stored,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", version)], ir_version=9)
    return model.SerializeToString()  # type: ignore[no-any-return]


def node(kind: str, *inputs: str, out: str = "y", **attributes: Any) -> Any:
    return helper.make_node(kind, list(inputs), [out], **attributes)


MEAN = node("ReduceMean", "z", axes=[2, 3], keepdims=0)
RNG = np.random.default_rng(0)


def noise(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


NODES: dict[str, tuple[Sequence[Any], dict[str, Any]]] = {
    "padding that differs": (
        [node("Conv", "x", "w", out="z", auto_pad="SAME_UPPER", strides=[2, 2]), MEAN],
        {"w": noise(4, 3, 4, 4)},
    ),
    "average pooling that leaves out the border": (
        [node("AveragePool", "x", out="z", kernel_shape=[3, 3], pads=[0, 1, 2, 0]), MEAN],
        {},
    ),
    "max pooling with uneven padding": (
        [node("MaxPool", "x", out="z", kernel_shape=[3, 3], pads=[0, 1, 2, 0]), MEAN],
        {},
    ),
    "slices backwards": (
        [node("Slice", "x", "s", "e", "a", "t", out="z"), MEAN],
        {"s": np.array([7, 1]), "e": np.array([-100, 3]), "a": np.array([2, 1]), "t": np.array([-2, 1])},
    ),
    "space to depth": ([node("SpaceToDepth", "x", out="z", blocksize=2), MEAN], {}),
    "hard sigmoid": ([node("HardSigmoid", "x", out="z", alpha=0.3), MEAN], {}),
    "resizing to the nearest": (
        [
            node(
                "Resize",
                "x",
                "",
                "s",
                out="z",
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            ),
            MEAN,
        ],
        {"s": np.array([1, 1, 1.5, 2], np.float32)},
    ),
    "scattering": (
        [node("ScatterND", "x", "i", "u", out="z"), MEAN],
        {"i": np.array([[0, 1]]), "u": noise(1, 8, 8)},
    ),
    "quantised": (
        [
            node("QuantizeLinear", "x", "s", "o", out="q"),
            node("DequantizeLinear", "q", "s", "o", out="d"),
            node("DequantizeLinear", "w", "t", out="v", axis=0),
            node("Conv", "d", "v", out="z"),
            MEAN,
        ],
        {
            "s": np.float32(0.02),
            "o": np.uint8(3),
            "t": np.array([0.1, 0.2], np.float32),
            "w": RNG.integers(-9, 9, (2, 3, 3, 3)).astype(np.int8),
        },
    ),
}


@pytest.mark.parametrize("name", NODES)
def test_operators(name: str) -> None:
    nodes, weights = NODES[name]
    content = graph(nodes, weights)
    x = RNG.random((1, 3, 8, 8)).astype(np.float32)
    program, *_ = onnx_reader.read(content, "made.onnx")
    np.testing.assert_allclose(program(torch.from_numpy(x)).numpy(), run(content, x)[0], rtol=1e-4, atol=1e-5)


def test_walks_go_through_quantised_networks_where_gradients_stop() -> None:
    nodes, weights = NODES["quantised"]
    model = cnnfix.open_own(graph(nodes, weights), "quantised.onnx")
    picture = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    assert len(cnnfix.explain(model, picture, 1).fixations) > 0
    assert not cnnfix.attribute(model, picture, 0, "saliency").any()


def test_channels_last() -> None:
    nodes = [node("Transpose", "x", out="t", perm=[0, 3, 1, 2]), node("Conv", "t", "w", out="z"), MEAN]
    content = graph(nodes, {"w": noise(4, 3, 3, 3)}, shape=("batch", 8, 9, 3))
    program, preprocessing, _ = onnx_reader.read(content, "made.onnx")
    assert preprocessing.size == (8, 9)
    x = torch.rand(1, 3, 8, 9)
    np.testing.assert_allclose(program(x).numpy(), run(content, x.permute(0, 2, 3, 1).numpy())[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\x08\x09rubbish", "is damaged, or is no ONNX file"),
        (graph([node("Relu", "x", out="z"), MEAN], shape=(1, 8)), "takes an input of 2 dimensions"),
        (graph([helper.make_node("Relu", ["x"], ["y"], domain="evil")]), r"not supported: evil\.Relu"),
        (graph([node("RandomNormalLike", "x")]), "not supported: RandomNormalLike"),
        (graph([node("NonMaxSuppression", "x", "x")]), "chooses boxes itself"),
        (graph([node("Shape", "x", out="y")]), "nothing that depends on the picture"),
        (graph([node("Reshape", "x", "x")]), "sizes or places from the values of the picture"),
        (graph([node("Conv", "x", "w")], {"w": noise(4, 2, 3, 3)}), "Conv_0 fails"),
        (graph([node("Add", "x", "w")], {"w": np.float32(np.nan)}), "NaN|finite"),
        (graph([node("Tile", "x", "w")], {"w": np.array([1, 1, 100_000, 100_000])}), "billion numbers"),
        (graph([node("Relu", "x")], kind=TensorProto.UINT8), "whole numbers"),
        (graph([node("Relu", "x")], shape=(1, 3, -5, 8)), "size is .*-5, 8"),
        (graph([node("Relu", "x")], shape=(1, 3, 8, 100_000)), "1 to 1024 pixels each"),
    ],
)
def test_what_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        onnx_reader.read(content, "made.onnx")


def test_names_of_megabytes_make_no_long_sentence() -> None:
    with pytest.raises(ModelError, match="not supported: RRR") as raised:
        opening.open_own(graph([node("R" * 1_000_000, "x")]), "made.onnx")
    assert len(str(raised.value)) < 1100


def test_attributes_cannot_stand_for_what_the_reader_says() -> None:
    odd = node("Softmax", "z", axis=1)
    odd.attribute.extend([helper.make_attribute("version", 3), helper.make_attribute("op", "Relu")])
    pool = node("ReduceMean", "x", out="z", axes=[2, 3], keepdims=0)
    program, _, _ = onnx_reader.read(graph([pool, odd]), "made.onnx")
    assert torch.allclose(program(torch.rand(1, 3, 8, 8)).sum(), torch.tensor(1.0))


def test_weights_elsewhere() -> None:
    model = onnx.load_model_from_string(graph([node("Add", "x", "w", out="z"), MEAN], {"w": noise(3, 1, 1)}))
    (weight,) = model.graph.initializer
    weight.data_location = TensorProto.EXTERNAL
    weight.ClearField("raw_data")
    weight.external_data.add(key="location", value="/etc/passwd")
    with pytest.raises(ModelError, match="in another file"):
        onnx_reader.read(model.SerializeToString(), "made.onnx")


def test_without_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnfix_core.errors.find_spec", lambda name: None)
    with pytest.raises(cnnfix.CnnfixError, match=r"pip install 'cnnfix\[onnx\]'"):
        opening.open_own(graph([node("Relu", "x", out="z"), MEAN]), "made.onnx")
