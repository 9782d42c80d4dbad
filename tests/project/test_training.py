"""The training scripts, on a little data: they run, and what they train becomes better at it."""

import io
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from cnnfix_core.modalities.captions.vocabulary import counted
from cnnfix_core.synthetic.clips import MOTIONS
from cnnfix_core.zoo.sources.scenes import DETECTING, SEGMENTING
from cnnfix_core.zoo.sources.shipped import TrainedNetwork
from tests.processes import alive, children, wait_until_ended
from training.captions.data import Photographs
from training.captions.learn import Recipe, learnt
from training.captions.refine import Refinement, refine
from training.captions.scores import bleu
from training.clips import train as clips
from training.scenes.data import recoloured, turned
from training.signals import train as signals
from training.sketches import data as sketch_data
from training.tasks import data as task_data
from training.tasks import train as tasks
from training.weights import keep_weights, mean_of


def test_the_captioner_learns_and_is_refined() -> None:
    """Sixteen photographs, each with features of its own and a caption that tells them apart."""
    things = ["dog", "cat", "ball", "tree"]
    said = [f"a {colour} {thing}".split() for colour in ("red", "blue", "green", "old") for thing in things]
    features = torch.randn(len(said), 40, generator=torch.Generator().manual_seed(0))
    shown = Photographs(features, features, [[caption] for caption in said])
    vocabulary = counted(said, 1)
    recipe = Recipe(embedding=32, hidden=32, rounds=60, mean=1, batch=16, highest=1e-2)
    captioner = learnt(shown, shown, vocabulary, recipe)
    before = bleu(captioner, shown, vocabulary, width=2)
    assert before[0] > 0.6
    refine(captioner, shown, shown, vocabulary, recipe, Refinement(rounds=2, batch=8))
    assert bleu(captioner, shown, vocabulary, width=2)[0] > 0.6


def test_the_classifier_of_series_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = torch.Generator().manual_seed(0)
    labels = torch.arange(20) % 2
    bump = torch.exp(-((torch.arange(150) - 75) ** 2) / 50.0)
    series = 0.1 * torch.randn(20, 1, 150, generator=rng) + torch.where(labels == 1, 1.0, -1.0)[:, None, None] * bump
    monkeypatch.setattr(signals, "ROUNDS", 8)
    monkeypatch.setattr(signals, "BATCH", 10)
    module = signals.trained(series, labels)
    assert (signals.said(module, series) == labels).all()


def test_series_from_a_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    people, names = [1, 2, 3, 4, 5], ["FEL", "PEN", "ROW"]
    data = {
        "X": [rng.normal(3, 2, (360, 6)) for _ in people],
        "y": np.array([0, 1, 2, 0, 2]),  # the second is no exercise of the network
        "subject": np.array(people),
        "X_labels": ["ax", "ay", "az", "wx", "wy", "wz"],
        "y_labels": names,
    }
    np.save(tmp_path / "watch.npy", np.array(data, object), allow_pickle=True)
    (series, labels), (tests, others) = signals.windows(tmp_path / "watch.npy")
    assert labels.tolist() == [0, 0]  # of the first two people, two windows each
    assert others.tolist() == [3, 3, 0, 0, 3, 3]
    assert series.shape == (2, 1, 150)
    assert tests.shape == (6, 1, 150)
    assert torch.allclose(series.mean(dim=2), torch.zeros(2, 1), atol=1e-5)


def test_the_classifier_of_clips_learns() -> None:
    made = [clips._clip(seed) for seed in range(32)]
    frames = torch.from_numpy(np.stack([one for one, _ in made])).permute(0, 4, 1, 2, 3)
    labels = torch.tensor([label for _, label in made])
    one_round, more = (clips.trained(frames, labels, rounds) for rounds in (1, 6))
    assert loss(one_round, frames, labels) > loss(more, frames, labels)
    assert clips.predicted(more, frames).max() < len(MOTIONS)


@torch.no_grad()
def loss(module: nn.Module, frames: torch.Tensor, labels: torch.Tensor) -> float:
    return float(nn.functional.cross_entropy(module.train()(clips.inputs(frames)), labels))


@pytest.mark.parametrize(("network", "loss_of"), [(SEGMENTING, tasks.pixel_loss), (DETECTING, tasks.box_loss)])
def test_networks_that_say_what_is_where_learn(network: TrainedNetwork, loss_of: tasks.Loss) -> None:
    made = [task_data._scene(seed) for seed in range(32)]
    pictures = torch.from_numpy(np.stack([one for one, _ in made])).permute(0, 3, 1, 2)
    maps = torch.from_numpy(np.stack([one for _, one in made]))[:, None]
    few, more = (tasks.trained(network, loss_of, (pictures, maps), rounds) for rounds in (2, 10))
    with torch.no_grad():
        losses = [float(loss_of(module.train(), pictures, maps[:, 0])) for module in (few, more)]
    assert losses[1] < losses[0]


def test_their_scores() -> None:
    """A network that draws what it is shown has all right; one that finds nothing has nothing."""
    _, where = task_data._scene(3)
    maps = torch.from_numpy(where)[None, None]

    class Knowing(nn.Module):
        def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"out": nn.functional.one_hot(maps[:, 0].long(), 11).permute(0, 3, 1, 2).float()}

    class Finding(nn.Module):
        def forward(self, pictures: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
            boxes, labels = task_data.boxes_of(maps[0, 0])
            wrong = torch.tensor([[0.0, 0, 2, 2]])
            return [
                {
                    "boxes": torch.cat([boxes[:1], wrong]),
                    "labels": torch.cat([labels[:1], labels[:1]]),
                    "scores": torch.tensor([0.9, 0.8]),
                }
            ]

    pictures = torch.zeros(1, 3, 96, 96, dtype=torch.uint8)
    assert np.isnan(tasks.mean_iou(Knowing(), pictures, maps))  # classes that are nowhere have no score
    assert tasks.detection_scores(Finding(), pictures, maps) == (0.5, 1.0)


def test_pictures_and_maps_are_turned_together() -> None:
    pictures, where = task_data._scene(5)
    both = torch.from_numpy(np.concatenate([pictures, where[..., None]], axis=2)).permute(2, 0, 1)[None]
    result = turned(both.repeat(8, 1, 1, 1), torch.Generator().manual_seed(1))
    for one in result:
        back = [(one.flip(2) if flip else one).rot90(turn, (1, 2)) for flip in (False, True) for turn in range(4)]
        assert any(torch.equal(candidate, both[0]) for candidate in back)
    for one in recoloured(both[:, :3].repeat(8, 1, 1, 1), torch.Generator().manual_seed(2)):
        means = sorted(one.float().mean(dim=(1, 2)).tolist())
        wanted = both[0, :3].float().mean(dim=(1, 2))
        assert any(means == pytest.approx(sorted(like.tolist())) for like in (wanted, 255 - wanted))


def test_the_mean_of_weights() -> None:
    found = mean_of([{"a": torch.tensor([1.0, 2.0])}, {"a": torch.tensor([3.0, 6.0])}])
    assert found["a"].tolist() == [2.0, 4.0]


def test_weights_are_kept_under_their_hash(tmp_path: Path) -> None:
    first = keep_weights(tmp_path, "net", nn.Linear(2, 1))
    second = keep_weights(tmp_path, "net", nn.Linear(2, 1))
    assert list(tmp_path.iterdir()) == [second]
    assert first != second
    assert load_file(second)["weight"].dtype == torch.float16


def test_every_fifth_sketch_of_a_kind_is_held_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        for kind in ("ant", "bee"):
            for number in range(1, 12):
                buffer = io.BytesIO()
                Image.new("L", (150, 150), 255 - number).save(buffer, "PNG")
                archive.writestr(f"png/{kind}/{number}.png", buffer.getvalue())
    found = sketch_data.sketches(tmp_path / "some.zip")
    held_out = found.part(held_out=True)
    assert [Path(name).name for name in held_out.files] == ["5.png", "10.png"] * 2
    assert held_out.ink[1].unique().tolist() == [10]
    assert held_out.labels.tolist() == [0, 0, 1, 1]
    assert len(found.part(held_out=False).files) == 18


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="how processes are listed")
def test_what_makes_examples_ends_with_a_script_that_is_killed() -> None:
    code = "import time; from training.parallel import made; made(time.sleep, range(600, 602))"
    command = [sys.executable, "-c", f"if __name__ == '__main__': {code}"]
    with subprocess.Popen(command) as script:
        end = time.monotonic() + 60
        while len(workers := children(script.pid)) < 3:  # two, and what counts semaphores
            assert time.monotonic() < end
            time.sleep(0.1)
        time.sleep(3)  # they import
        assert all(map(alive, workers))
        script.send_signal(signal.SIGKILL)
    wait_until_ended(workers)
