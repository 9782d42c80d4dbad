"""The command line, run in this process."""

from __future__ import annotations

import csv
import json
import os
import runpy
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core import zoo
from cnnfix_core.cli.main import main
from cnnfix_site import hosting
from tests.processes import free_port

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: cnnfix.Model) -> Run:
    """Run with these arguments: exit code, what was printed, what was complained about."""
    load = zoo.load_model
    monkeypatch.setattr(zoo, "load_model", lambda name, progress: model if name == model.name else load(name, progress))

    def command(*arguments: object) -> tuple[int, str, str]:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, *capsys.readouterr()

    return command


def test_explain_in_words(run: Run, cat_file: Path, explanation: cnnfix.Explanation) -> None:
    code, out, err = run("explain", cat_file)
    assert (code, err) == (0, "")
    assert out.startswith(
        f"{len(explanation.fixations):,} fixations, the pixels at which the walk back from “{explanation.target.label}”"
    )
    assert out.count("\n") == 1


def test_explain_writes_what_is_asked_for(run: Run, cat_file: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("out.json", "out.csv", "out.png")]
    arguments = ("--target", "tabby", "--focus", "sharp", "--json", files[0], "--csv", files[1], "--figure", files[2])
    code, _, err = run("explain", cat_file, "--model", "efficientnet_lite0", *arguments)
    assert (code, err) == (0, "")
    data = json.loads(files[0].read_text("utf-8"))
    assert (data["target"]["index"], data["preset"]["beam"]) == (281, 2000)
    assert len(list(csv.reader(files[1].open()))) == len(data["fixations"]) + 1
    assert Image.open(files[2]).size[0] == 1600


def test_explain_one_class_rather_than_another(
    run: Run, cat_file: Path, tmp_path: Path, explanation: cnnfix.Explanation
) -> None:
    found = []
    for target in ([], ["--target", "tabby"]):
        out = tmp_path / "out.json"
        code, *_ = run("explain", cat_file, *target, "--rather-than", "lynx", "--focus", "sharpest", "--json", out)
        data = json.loads(out.read_text("utf-8"))
        found.append((code, data["target"]["label"], data["rather_than"]["label"]))
    assert found == [(0, explanation.target.label, "lynx"), (0, "tabby", "lynx")]


def test_explain_as_published_with_a_figure(run: Run, cat_file: Path, tmp_path: Path) -> None:
    code, out, _ = run("explain", cat_file, "--preset", "published", "--figure", tmp_path / "out.png")
    assert code == 0
    assert "crops" in out
    assert Image.open(tmp_path / "out.png").format == "PNG"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["explian"], "explian"),
        (["explain"], "IMAGE"),
        (["explain", "CAT", "--preset", "nice"], "'nice'"),
        (["explain", "CAT", "--focus", "blurred"], "'blurred'"),
        (["explain", "CAT", "--preset", "published", "--focus", "sharp"], "Focus is a setting of the evidence preset"),
        (["explain", "CAT", "--nonsense"], "--nonsense"),
        (["explain", "CAT", "--target"], "--target"),
        (["explain", "CAT", "--target", "tabbie"], "no class called 'tabbie'. Did you mean tabby"),
        (["explain", "CAT", "--target", "crane"], "several classes"),
        (["explain", "CAT", "--target", "-1"], "no class -1"),
        (["explain", "CAT", "--target", "1000"], "no class 1000"),
        (["explain", "CAT", "--target", "7", "--rather-than", "7"], "contrasted with itself"),
        (["explain", "CAT", "--focus", "sharpest", "--rather-than", "nothing known"], "no class called"),
        (["explain", "CAT", "--model", "lenet"], "no model 'lenet'"),
        (["explain", "CAT", "--model", "scenes_fcos"], "is a network for detection: explain a single pixel or box"),
        (["explain", "nowhere.png"], "no file “nowhere.png”"),
        (["explain", "FOLDER"], "is a folder"),
        (["explain", "TEXT"], "not a supported picture format"),
        (["explain", "CAT", "--focus", "sharpest", "--json", "FOLDER"], "cannot write"),
        (
            ["explain", "CAT", "--focus", "sharpest", "--csv", "FOLDER/missing/out.csv"],
            "argument --csv: cannot write",
        ),
        (
            ["explain", "CAT", "--focus", "sharpest", "--figure", "FOLDER/missing/out.png"],
            "missing",
        ),
        (["explain", "CAT", "--json", ""], "the argument after --json is empty"),
        (["explain", "CAT", "--json="], "the argument after --json is empty"),
        (["disturb", ""], "the argument after disturb is empty"),
        ([""], "the argument after cnnfix is empty"),
        (["report", "CAT", "--out", "FOLDER/a.html", "FOLDER/missing/b.pdf"], "there is no folder"),
        (["compare", "CAT", "--csv", "TEXT/numbers.csv"], "is not a folder"),
        (["explain", "FOLDER/two\nlines.png"], "two\\nlines.png"),
        (["explain", "CAT", "--target", "cat"], "Did you mean bear cat or cat bear or tabby cat?"),
        (["explain", "CAT", "--mean", "0.5,0.5,0.5"], "--mean says how to read a model file, and efficientnet_lite0"),
        (["explain", "CAT", "--device", "meta"], "choose cpu, cuda, cuda:1 or mps"),
        (["explain", "CAT", "--device", "tpu"], "choose cpu, cuda, cuda:1 or mps"),
        (["disturb", "FOLDER/empty"], "There is no picture in"),
        (["signals", "FOLDER"], "The table in"),
        (["signals", "BLANK"], "no numbers"),
        (["backtrack", "CAT", "--target", "7", "--step", "3", "--pick", "99999"], "alone lists what it came by"),
        (["clip", "CAT", "CAT", "--model", "moves"], "There are motions"),
        (["app", "--port", "http"], "'http' is not a port"),
        (["app", "--port", "70000"], "'70000' is not a port"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    run: Run, cat_file: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    (tmp_path / "empty").mkdir()
    (tmp_path / "blank.csv").touch()
    places = {"CAT": str(cat_file), "TEXT": str(text), "FOLDER": str(tmp_path), "BLANK": str(tmp_path / "blank.csv")}
    for name, place in places.items():
        arguments = [argument.replace(name, place) for argument in arguments]
    code, _, err = run(*arguments)
    assert code == 2
    assert err.startswith("cnnfix: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert words in err


@pytest.mark.parametrize("arguments", [["--help"], ["explain", "--help"], ["app", "-h"]])
def test_help(run: Run, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, err) == (0, "")
    assert "usage: cnnfix" in out


def test_models(run: Run) -> None:
    code, out, err = run("models")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == len(cnnfix.list_models())
    assert lines[0].split()[:2] == ["efficientnet_lite0", "Ready."]
    vgg = next(line for line in lines if line.startswith("vgg16 "))
    assert "71.6 %" in vgg
    assert "553 MB" in vgg
    assert all("Weights: " in line for line in lines)


def test_a_model_in_a_file(run: Run, cat_file: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    state, labels, out = tmp_path / "small.pth", tmp_path / "classes.txt", tmp_path / "out.json"
    torch.save(zoo.architectures.build("timm/lcnet_050", classes=3).state_dict(), state)
    labels.write_text("cat\ndog\nbird\n", "utf-8")
    own = ("--model", state, "--architecture", "timm/lcnet_050", "--labels", labels)
    code, _, err = run("explain", cat_file, *own, "--target", "dog", "--focus", "sharpest", "--json", out)
    assert (code, err) == (0, "")
    assert json.loads(out.read_text("utf-8"))["target"]["label"] == "dog"


def test_how_a_file_is_read_can_be_said(run: Run, cat_file: Path, tmp_path: Path) -> None:
    class Pair(nn.Module):
        """Returns one number for each of four labels, and a feature."""

        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.cut, self.head = nn.Conv2d(1, 8, 3, 2), nn.Linear(8, 4)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            features = self.cut(x).relu().mean((2, 3))
            return features, self.head(features)

    file, out = tmp_path / "pair.pt2", tmp_path / "out.json"
    torch.export.save(torch.export.export(Pair().eval(), (torch.rand(1, 1, 32, 48),)), file)
    code, _, err = run("explain", cat_file, "--model", file, "--target", "1", "--json", out)
    assert (code, err.count("\n")) == (0, 1)
    assert "pair.pt2: 4 classes, pictures of 48 × 32 pixels" in err
    assert "in grey. Its scores, its output 1, become probabilities by a softmax" in err
    softmax = json.loads(out.read_text("utf-8"))["target"]
    said = ("--scores", "1", "--meaning", "sigmoid", "--channels", "blue", "--mean", "0.4", "--std", "0.2")
    code, _, err = run("explain", cat_file, "--model", file, "--target", "1", "--json", out, "--device", "cpu", *said)
    assert code == 0
    assert "in blue. Its scores, its output 1, become probabilities by a sigmoid" in err
    sigmoid = json.loads(out.read_text("utf-8"))["target"]
    assert sigmoid["probability"] == pytest.approx(1 / (1 + np.exp(-sigmoid["score"])), rel=1e-4)
    assert softmax["score"] != sigmoid["score"]
    for wrong, complaint in (
        (("--scores", "0"), "There is no class 9"),
        (("--scores", "7"), "returns no 7"),
        (("--meaning", "logits"), "cannot be 'logits'"),
        (("--channels", "red,infrared"), "cannot show 'infrared'"),
        (("--mean", "a"), "not a list of numbers"),
        (("--device", "moon"), "cannot be moved to the device 'moon'"),
    ):
        code, _, err = run("explain", cat_file, "--model", file, "--target", "9", *wrong)
        assert code == 2
        assert complaint in err


def test_a_model_in_a_file_that_is_none(run: Run, cat_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "notes.pth"
    file.write_text("no weights", "utf-8")
    code, out, err = run("explain", cat_file, "--model", file, "--architecture", "resnet18")
    assert (code, out) == (2, "")
    assert "notes.pth is not a model file" in err
    code, _, err = run("explain", cat_file, "--model", file, "--labels", tmp_path / "none.txt")
    assert code == 2
    assert "none.txt cannot be read" in err


def test_ctrl_c_is_one_line(run: Run, cat_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cnnfix_core.cli.options.open_picture", interrupted)
    assert run("explain", cat_file) == (130, "", "\nStopped.\n")


@pytest.mark.parametrize("words", [("explain", "--figure"), ("caption", "--figure"), ("backtrack", "--gif")])
def test_a_file_is_called_what_it_is(run: Run, cat_file: Path, tmp_path: Path, words: tuple[str, str]) -> None:
    command, option = words
    code, _, err = run(command, cat_file, option, tmp_path / "x.xyz")
    assert code == 2
    assert f"x.xyz' must end in .{'gif' if option == '--gif' else 'png'}" in err
    assert not list(tmp_path.glob("x*"))


@pytest.mark.parametrize("words", [["models"], ["--version"]])
@pytest.mark.parametrize(
    ("goes_to", "code", "said"),
    [
        ("| true", 141, ""),
        ("> /dev/full", 2, "cnnfix: cannot write the output: No space left on device\n"),
    ],
)
def test_output_that_nobody_reads(words: list[str], goes_to: str, code: int, said: str) -> None:
    program = "import sys; from cnnfix_core.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = shlex.join([sys.executable, "-c", program, *words])
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    shell = ["bash", "-o", "pipefail", "-c", f"{command} {goes_to}"]
    done = subprocess.run(shell, check=False, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (code, said)


def test_names_that_are_no_text_can_be_printed() -> None:
    code = r"""
from cnnfix_core.cli.main import main
main(["explain", "\udce9\xe9.png"])
print("\udce9\xe9")
"""
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert done.stdout == "\\udce9\\xe9\n"
    assert done.stderr.startswith("cnnfix: ")


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "url", "address", "upload"),
    [
        ([], "http://localhost:8501", "localhost", 1000),
        (["--port", "8600", "--address", "127.0.0.1"], "http://localhost:8600", "127.0.0.1", 1000),
        (["--address", "0.0.0.0"], "http://localhost:8501", "0.0.0.0", 25),
        (["--address", "10.1.2.3", "--own-models"], "http://10.1.2.3:8501", "10.1.2.3", 1000),
        (["--address", "fe80::1"], "http://[fe80::1]:8501", "fe80::1", 25),
    ],
)
def test_app_starts_streamlit(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], url: str, address: str, upload: int
) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(runpy, "run_module", lambda *_, **__: calls.append(sys.argv))
    monkeypatch.setattr(hosting, "reason_against", lambda *_: "")
    monkeypatch.setattr(hosting, "_own_addresses", lambda: ["10.1.2.3", "10.9.9.9"])
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(".")
    monkeypatch.setenv("CNNFIX_OWN_MODELS", "")
    code, out, _ = run("app", *arguments)
    (command,) = calls
    root = Path(cnnfix.__file__).parent.parent
    port = url.rsplit(":", 1)[1]
    assert command[:4] == ["streamlit", "run", str(root / "app.py"), f"--server.port={port}"]
    assert command[4:6] == [f"--server.address={address}", f"--server.maxUploadSize={upload}"]
    assert os.environ["CNNFIX_OWN_MODELS"] == ("1" if "--own-models" in arguments else "")
    assert Path.cwd() == root
    assert code == 0
    assert f" {url} " in out
    others = "Others on the network open http://10.1.2.3:8501 or http://10.9.9.9:8501"
    assert (others in out) == (address == "0.0.0.0")


def test_app_ends_quietly_with_ctrl_c(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runpy, "run_module", interrupted)
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(".")
    code, _, err = run("app", "--port", free_port())
    assert (code, err) == (0, "")


def test_a_port_in_use_is_said_first(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, out, err = run("app", "--port", taken.getsockname()[1])
    assert (code, out) == (2, "")
    assert "is in use" in err
    code, out, err = run("app", "--address", "192.0.2.7")
    assert (code, out) == (2, "")
    assert "cannot listen on 192.0.2.7" in err


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_what_ends_the_command_ends_the_server(end: signal.Signals) -> None:
    port = free_port()
    code = "import sys; from cnnfix_core.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "app", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        deadline = time.monotonic() + 60
        while not _answers(port):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(4)  # now it computes, to warm up
        process.send_signal(end)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert said == f"The explorer opens at http://localhost:{port} (stop it with Ctrl+C)\n"
    assert not _answers(port)


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def test_backtrack_lists_the_blocks_and_writes_the_walk(run: Run, cat_file: Path, tmp_path: Path) -> None:
    files = tmp_path / "walk.json", tmp_path / "walk.gif"
    code, out, err = run(
        "backtrack", cat_file, "--target", "tabby", "--focus", "sharpest", "--json", files[0], "--gif", files[1]
    )
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("classifier")
    assert "1 element holds 100 % of the evidence" in lines[0]
    assert lines[-1].startswith("picture")
    assert json.loads(files[0].read_text("utf-8"))["target"] == "tabby"
    assert files[1].read_bytes().startswith(b"GIF89a")


def test_backtrack_explains_one_step(run: Run, cat_file: Path) -> None:
    code, out, err = run("backtrack", cat_file, "--target", "tabby", "--step", "3", "--pick", "*")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("Step 3: ")
    assert "Picked: all elements of " in out
    assert "Strongest here, with their share of the evidence:" in lines


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pick", "3"], "say which with --step"),
        (["--step", "999"], "The walk has no step 999"),
        (["--step", "30", "--pick", "3.1"], "'3.1' names no elements: write CHANNEL.ROW.COLUMN"),
        (["--step", "30", "--pick", "3.99.99"], "came by nothing that is '3.99.99' at step 30"),
    ],
)
def test_backtrack_says_what_a_step_has_not(run: Run, cat_file: Path, options: list[str], message: str) -> None:
    code, _, err = run("backtrack", cat_file, *options)
    assert code != 0
    assert message in err


def test_cutout_writes_the_object_and_its_mask(run: Run, cat_file: str, tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.png" for name in ("out", "mask", "figure")}
    options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    code, out, _ = run("cutout", cat_file, "--target", "tabby", "--method", "gradcam", *options)
    assert code == 0
    assert out.startswith("“tabby”, from Grad-CAM: ")
    cut, mask = np.asarray(Image.open(files["out"])), np.asarray(Image.open(files["mask"]))
    assert cut.shape == (300, 451, 4)
    np.testing.assert_array_equal(cut[..., 3] > 0, mask)
    assert 0 < mask.mean() < 1
    assert Image.open(files["figure"]).mode == "RGB"
