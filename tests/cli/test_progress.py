"""Every command that computes says so while it does."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from cnnfix_core.cli import progress
from cnnfix_core.cli.main import _COMMANDS, main
from cnnfix_core.modalities.sketches import sketch, sketch_samples
from cnnfix_core.modalities.timeseries.shipped import signal_samples
from cnnfix_core.modalities.video.shipped import clip_samples
from cnnfix_core.synthetic import HELD_OUT, Scene, compose

SCENES = "--model scenes_resnet"
# What computes nothing: a list, and a server.
QUIET = ("models", "app")
COMMANDS = {
    "explain": f"pictures/0.png {SCENES} --json out.json",
    "compare": f"pictures/0.png {SCENES} --methods gradcam",
    "report": f"pictures/0.png {SCENES} --out out.html",
    "sketch": "drawing.png",
    "signals": "series.csv",
    "clip": "0.png 1.png 2.png 3.png 4.png 5.png 6.png 7.png",
    "proposals": f"pictures/0.png {SCENES} --count 3",
    "disturb": f"pictures {SCENES} --methods gradcam",
    "cutout": f"pictures/0.png {SCENES}",
    "caption": "pictures/0.png",
    "backtrack": f"pictures/0.png {SCENES}",
    "batch": f"pictures {SCENES} --out table --format csv",
    "gaze": f"pictures --points gaze.csv {SCENES} --methods gradcam",
    "benchmark": "pictures --boxes boxes.csv --models scenes_resnet --methods gradcam --steps 0 --out bench",
    "coverage": "squeezenet1_1",
    "lesson": "what-made-it-say-that --worksheet sheet.pdf --answers",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands read."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "pictures").mkdir()
    scene: Scene = compose(HELD_OUT, 1)
    Image.fromarray(scene.picture.pixels).save(folder / "pictures" / "0.png")
    sun = next(one for one in sketch_samples() if one.kind == "sun")
    Image.fromarray(sketch(sun.strokes).pixels).save(folder / "drawing.png")
    (folder / "series.csv").write_text("\n".join(f"{value:.4f}" for value in signal_samples()[0].series), "utf-8")
    for number, frame in enumerate(clip_samples()[0].clip.frames[:8]):
        Image.fromarray(frame.pixels).save(folder / f"{number}.png")
    box = ",".join(map(str, scene.truth.extents[0]))
    (folder / "boxes.csv").write_text(f"image,label,x0,y0,x1,y1\n0.png,{scene.name},{box}\n", "utf-8")
    (folder / "gaze.csv").write_text("image,x,y\n0.png,20,20\n0.png,30,25\n", "utf-8")
    return folder


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said while a command computes."""
    found: list[str] = []
    begin, tell = progress.Waiting.__enter__, progress.ProgressLine.__call__

    def enter(waiting: progress.Waiting) -> progress.Waiting:
        found.append(waiting._what)
        return begin(waiting)

    def call(line: progress.ProgressLine, done: int, total: int) -> None:
        found.append(f"{done} of {total}")
        tell(line, done, total)

    monkeypatch.setattr(progress.Waiting, "__enter__", enter)
    monkeypatch.setattr(progress.ProgressLine, "__call__", call)
    return found


def test_all_commands_are_here() -> None:
    assert {*COMMANDS, *QUIET} == set(_COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_says_what_it_computes(
    command: str,
    folder: Path,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    assert main([command, *COMMANDS[command].split()]) == 0, capsys.readouterr().err
    assert [words for words in said if words != "Loading the network"]


def test_a_resumed_batch_says_how_many_pictures_it_has_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []
    monkeypatch.setattr(progress.Waiting, "__call__", lambda _, share, what=None: shares.append(share))
    command = ["batch", str(folder / "pictures"), *SCENES.split(), "--out", str(tmp_path), "--workers", "1"]
    assert main(command) == 0
    shares.clear()
    assert main(command) == 0
    assert shares[-1] == 1


def test_what_takes_long_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_SECONDS_IN_A_FILE", 0.01)
    printed = threading.Event()
    write: Callable[[str], int] = sys.stderr.write

    def watched(text: str) -> int:
        if "37 %" in text:
            printed.set()
        return write(text)

    monkeypatch.setattr(sys.stderr, "write", watched)
    with progress.Waiting("Thinking") as waiting:
        waiting(0.37, "Thinking more")
        assert printed.wait(60)
    assert "Thinking more, 37 %, " in capsys.readouterr().err
