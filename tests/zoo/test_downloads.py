"""torchvision's weights: fetched once, whole or not at all. A local server holds files in the published format."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch

import cnnfix_core as cnnfix
from cnnfix_core.errors import ModelError
from cnnfix_core.modalities.video import clip_models, clip_samples, explain_clip, load_clip_model
from cnnfix_core.tasks import segment
from cnnfix_core.zoo import architectures, download
from cnnfix_core.zoo.sources import torchvision
from cnnfix_core.zoo.sources.torchvision import PublishedWeights

SMALL = "squeezenet1_1"


class Server(ThreadingHTTPServer):
    """Serves a folder; remembers what was asked for, and can stop in the middle of a file."""

    asked: list[str]
    cut: int | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(SimpleHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        super().do_GET()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        outputfile.write(source.read(self.server.cut or -1))

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "served"
    folder.mkdir()
    with Server(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def entry(server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PublishedWeights:
    """Weights that are on the server, in a file that is named as the published ones are."""
    return publish(SMALL, architectures.build(SMALL).state_dict(), server, tmp_path, monkeypatch)


def publish(
    name: str, state: dict[str, torch.Tensor], server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> PublishedWeights:
    saved = folder / "saved"
    torch.save(state, saved)
    content = saved.read_bytes()
    file = f"{name}-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    (folder / "served" / file).write_bytes(content)
    monkeypatch.setattr(PublishedWeights, "_url", f"{server.address}/{file}")
    return PublishedWeights(name)


def served(tmp_path: Path) -> Path:
    (file,) = (tmp_path / "served").iterdir()
    return file


def test_fetched_once_with_progress(entry: PublishedWeights, server: Server, cache: Path, tmp_path: Path) -> None:
    size = served(tmp_path).stat().st_size
    assert not entry.info().available
    assert entry.info().remedy == "Downloaded when it is first used: 5 MB."
    seen: list[tuple[int, int | None]] = []
    model = entry.load(lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, size)
    assert seen[-1] == (size, size)
    assert seen == sorted(seen)
    assert [file.name for file in cache.iterdir()] == [served(tmp_path).name]
    assert (entry.info().available, entry.info().remedy, entry.info().size) == (True, "", size)
    wanted = architectures.build(SMALL).state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in model.module.state_dict().items())
    seen.clear()
    entry.load(lambda done, total: seen.append((done, total)))
    assert seen == []
    assert len(server.asked) == 1


def test_the_model_is_ready(entry: PublishedWeights, cat: cnnfix.Picture) -> None:
    model = entry.load()
    assert not model.module.training
    assert not any(parameter.requires_grad for parameter in model.module.parameters())
    assert (model.name, model.title, model.input_size) == (SMALL, "SqueezeNet-1.1", (224, 224))
    assert model.labels.short[281] == "tabby"
    assert (model.crop_pct, model.interpolation) == (0.875, "bilinear")
    assert len(cnnfix.explain(model, cat, focus="sharpest").fixations.xy)


def test_networks_that_say_what_is_where(
    server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cat: cnnfix.Picture
) -> None:
    name = "lraspp_mobilenet_v3_large"
    publish(name, architectures.build(name).state_dict(), server, tmp_path, monkeypatch)
    model = cnnfix.load_model(name)
    assert (model.task, model.labels.short[0], model.labels.short[12]) == ("segmentation", "ground", "dog")
    part = segment(model, cat).at(10, 10)
    assert min(part.input_size) == 520
    assert len(cnnfix.explain(part, cat, focus="sharpest").fixations)


def test_networks_for_clips(server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish("mc3_18", architectures.build("mc3_18").state_dict(), server, tmp_path, monkeypatch)
    assert not any(info.available for info in clip_models() if info.name == "mc3_18")
    model = load_clip_model("mc3_18")
    assert (len(model.labels), model.size, model.frames) == (400, (112, 112), 16)
    found = explain_clip(model, clip_samples()[0].clip, focus="sharpest")
    assert found.by_frame.sum() == pytest.approx(1)
    assert any(info.available for info in clip_models() if info.name == "mc3_18")


def test_densenets_weights_have_older_names(
    server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = architectures.build("densenet121").state_dict()
    pairs = ("norm", "conv")
    state = {
        name.replace("norm1", "norm.1").replace("norm2", "norm.2").replace("conv1", "conv.1").replace("conv2", "conv.2")
        if "denselayer" in name
        else name: tensor
        for name, tensor in wanted.items()
        if not name.endswith("num_batches_tracked")
    }
    assert not all(any(f"{pair}.1" in name for name in wanted) for pair in pairs)
    model = publish("densenet121", state, server, tmp_path, monkeypatch).load()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in model.module.state_dict().items())


def test_several_visitors_at_once(entry: PublishedWeights, server: Server, cache: Path) -> None:
    models: list[cnnfix.Model] = []
    threads = [threading.Thread(target=lambda: models.append(entry.load())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(models) == 4
    assert len(server.asked) == len(list(cache.iterdir())) == 1


def test_cut_short(entry: PublishedWeights, server: Server, cache: Path) -> None:
    server.cut = 100_000
    with pytest.raises(ModelError, match=r"SqueezeNet-1\.1 are not on this machine, and could not be downloaded"):
        entry.load()
    assert list(cache.iterdir()) == []
    server.cut = None
    assert entry.load().name == SMALL


def test_another_file_than_the_published_one(entry: PublishedWeights, cache: Path, tmp_path: Path) -> None:
    served(tmp_path).write_bytes(b"<html>moved</html>")
    with pytest.raises(ModelError, match="is not the published file"):
        entry.load()
    assert list(cache.iterdir()) == []


def test_stopped_by_the_person_who_waits(entry: PublishedWeights, cache: Path) -> None:
    def stop(done: int, _: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        entry.load(stop)
    assert list(cache.iterdir()) == []


def test_without_a_network(entry: PublishedWeights, server: Server, cache: Path, tmp_path: Path) -> None:
    name = served(tmp_path).name
    served(tmp_path).unlink()
    with pytest.raises(ModelError) as raised:
        entry.load()
    message = str(raised.value)
    for part in (name, "5 MB", f"{server.address}/{name}", str(cache), "not on this machine"):
        assert part in message
    assert cnnfix.load_model().name == "efficientnet_lite0"


def test_a_server_that_is_not_there(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PublishedWeights, "_url", "http://127.0.0.1:9/vgg16-397923af.pth")
    with pytest.raises(ModelError, match=r"VGG-16 .*vgg16-397923af.pth \(553 MB\) from http.*to the folder"):
        cnnfix.load_model("vgg16")


def test_put_there_by_hand(entry: PublishedWeights, server: Server, cache: Path, tmp_path: Path) -> None:
    cache.mkdir(parents=True)
    served(tmp_path).rename(entry.path)
    assert entry.info().available
    assert entry.load().name == SMALL
    assert server.asked == []


def test_a_damaged_file_is_fetched_again(entry: PublishedWeights, cache: Path, tmp_path: Path) -> None:
    cache.mkdir(parents=True)
    entry.path.write_bytes(served(tmp_path).read_bytes()[:-1])
    assert entry.load().name == SMALL
    assert entry.path.read_bytes() == served(tmp_path).read_bytes()


def test_a_damaged_file_without_a_network(entry: PublishedWeights, cache: Path, tmp_path: Path) -> None:
    cache.mkdir(parents=True)
    entry.path.write_bytes(b"half")
    served(tmp_path).unlink()
    with pytest.raises(ModelError, match=r"SqueezeNet-1\.1 are damaged, and could not be downloaded"):
        entry.load()


@pytest.mark.parametrize(
    ("name", "intact"), [("a-{}.pth", True), ("a-00000000.pth", False), ("a.pth", False), ("a-.pth", False)]
)
def test_the_name_tells_the_hash(tmp_path: Path, name: str, intact: bool) -> None:
    path = tmp_path / name.format(hashlib.sha256(b"weights").hexdigest()[:8])
    path.write_bytes(b"weights")
    assert download.is_intact(path) is intact


# --- what torchvision says of its weights -----------------------------------------------------------------------------


def test_the_paper_used_the_first_weights() -> None:
    listed = {info.name: info for info in cnnfix.list_models()}
    for name, accuracy in {"alexnet": 56.522, "vgg16": 71.592, "resnet101": 77.374, "densenet121": 74.434}.items():
        assert listed[name].source == "torchvision, IMAGENET1K_V1"
        assert listed[name].accuracy == accuracy
    assert listed["vgg16"].parameters == 138_357_544
    assert listed["vgg16"].size == pytest.approx(553_433_881, rel=1e-5)
    assert "SWAG" in listed["regnet_y_128gf"].licence


CLASSIFIERS = [entry for entry in torchvision.entries() if entry.task == "classification"]


@pytest.mark.parametrize("entry", CLASSIFIERS, ids=lambda entry: entry.name)
def test_the_crop_is_that_of_the_weights(entry: PublishedWeights) -> None:
    steps = architectures.published(entry.name).transforms()
    found = architectures.preprocessing(entry.name)
    assert [found.size[0], int(found.size[0] / found.crop_pct)] == [*steps.crop_size, *steps.resize_size]
    assert (list(found.mean), list(found.std)) == (steps.mean, steps.std)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("vgg16", "VGG-16"),
        ("densenet121", "DenseNet-121"),
        ("mobilenet_v3_large", "MobileNet v3 large"),
        ("resnext50_32x4d", "ResNeXt-50 32x4d"),
        ("wide_resnet50_2", "Wide ResNet-50 2"),
        ("regnet_y_1_6gf", "RegNet y 1.6gf"),
        ("r2plus1d_18", "R(2+1)D 18"),
        ("lraspp_mobilenet_v3_large", "LR-ASPP mobilenet v3 large"),
        ("ssdlite320_mobilenet_v3_large", "SSDlite-320 mobilenet v3 large"),
    ],
)
def test_titles(name: str, title: str) -> None:
    assert PublishedWeights(name).title == title
