"""The wheel: what it holds, and that it works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=300)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel and nothing of the checkout; the libraries are those of the tests."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=False, symlinks=True)
    found = folder / "bin" / "python"
    packages = next(folder.glob("lib/python*/site-packages"))
    pip = [sys.executable, "-m", "pip", "--python", str(found), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True, timeout=300)
    # After its own packages. Lines of .pth files there, such as that of the checkout, do not count.
    (packages / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return found


def run(python: Path, *words: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(python), *words]
    given = {"cwd": folder, "env": environment, "timeout": 300}
    done = subprocess.run(command, check=False, capture_output=True, text=True, **given)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_the_wheel_holds_every_file_that_the_checkout_has(wheel: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )
    site = ("app.py", "assets/", "docs/glossary.md", "pages/", ".streamlit/")
    expected = {f"cnnfix_site/{name}" for name in listed if name.startswith(site)}
    expected |= {name for name in listed if name.startswith("cnnfix_")}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    assert held == expected


def test_the_command_works_from_any_folder(python: Path, tmp_path: Path) -> None:
    where = run(
        python, "-c", "import cnnfix_core, cnnfix_site; print(cnnfix_core.__file__, cnnfix_site.APP)", folder=tmp_path
    )
    assert str(ROOT) not in where
    command = str(python.with_name("cnnfix"))
    assert run(python, command, "--version", folder=tmp_path).startswith("cnnfix ")
    out = run(python, command, "compare", "drawn-star", "--model", "scenes_resnet", folder=tmp_path)
    assert "Grad-CAM" in out


def test_the_pages_open(python: Path, tmp_path: Path) -> None:
    script = "\n".join(
        [
            "from streamlit.testing.v1 import AppTest",
            "import cnnfix_ui, cnnfix_site",
            "from pathlib import Path",
            "main = Path(cnnfix_ui.__file__).with_name('main.py')",
            "app = AppTest.from_file(str(main), default_timeout=120)",
            "app.query_params['model'] = 'scenes_resnet'",
            "app.run()",
            "assert not app.exception and not app.error, (app.exception, app.error)",
            "print(app.title[0].value, (cnnfix_site.APP.parent / '.streamlit' / 'config.toml').is_file())",
        ]
    )
    assert run(python, "-c", script, folder=tmp_path).strip().endswith("Which pixels made the network say that? True")
