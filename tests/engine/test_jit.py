"""Where compiled loops are kept: every new process finds them, and nothing about their files is ever an error."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import cnnfix_core

SOURCE = Path(cnnfix_core.__file__).parent
CODE = """
import numpy as np
from cnnfix_core.engine.sparse import sorted_order as order
assert order(np.array([2, 1])).tolist() == [1, 0]
print(sum(order.stats.cache_misses.values()))
"""
SAID = "Compiled loops cannot be kept on disk"


def compilations(root: Path = SOURCE.parent, **environment: str) -> tuple[int, str]:
    """How often a new process compiles the loop, and what it says."""
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    return int(done.stdout), done.stderr


@pytest.fixture
def read_only(tmp_path: Path) -> dict[str, str]:
    """An installation and a home in which nothing can be written, and a folder for temporary files that is empty."""
    for name in ("cnnfix_core", "cnnfix_site"):
        shutil.copytree(SOURCE.parent / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "cnnfix_core" / "engine" / "__pycache__").touch()  # where Numba would make a folder
    (tmp_path / "temporary").mkdir()
    return {"HOME": os.devnull, "XDG_CACHE_HOME": os.devnull, "TMPDIR": str(tmp_path / "temporary")}


def test_machine_code_is_kept_on_disk(tmp_path: Path) -> None:
    assert [compilations(NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2)] == [(1, ""), (0, "")]


def test_a_read_only_installation_and_home_keep_it_among_temporary_files(
    tmp_path: Path, read_only: dict[str, str]
) -> None:
    assert [compilations(tmp_path, **read_only) for _ in range(2)] == [(1, ""), (0, "")]
    [folder] = (tmp_path / "temporary").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("trap", ["link", "writable", "file"])
def test_a_temporary_folder_that_others_can_write_to_is_not_used(
    tmp_path: Path, read_only: dict[str, str], trap: str
) -> None:
    folder = tmp_path / "temporary" / f"cnnfix-{os.getuid()}"
    (tmp_path / "elsewhere").mkdir()
    if trap == "link":
        folder.symlink_to(tmp_path / "elsewhere")
    elif trap == "writable":
        folder.mkdir()
        folder.chmod(0o777)
    else:
        folder.touch()
    compiled, said = compilations(tmp_path, **read_only)
    assert compiled == 1
    assert said.count(SAID) == 1
    assert len(said.splitlines()) == 1
    assert not list((tmp_path / "elsewhere").iterdir())
    assert folder.is_file() or not list(folder.iterdir())


@pytest.mark.skipif(not hasattr(numba.config, "CACHE_LOCATOR_CLASSES"), reason="older Numba cannot be told where")
def test_nowhere_to_keep_it_is_no_failure() -> None:
    # Numba is left with one place, which is not there.
    compiled, said = compilations(NUMBA_CACHE_LOCATOR_CLASSES="ZipCacheLocator")
    assert compiled == 1
    assert said.count(SAID) == 1


@pytest.mark.parametrize("damage", [b"", b"no pickle"])
@pytest.mark.parametrize("kind", ["*.nbi", "*.nbc"])
def test_a_damaged_file_is_made_again(tmp_path: Path, kind: str, damage: bytes) -> None:
    compilations(NUMBA_CACHE_DIR=str(tmp_path))
    for file in tmp_path.rglob(kind):
        file.write_bytes(damage)
    assert [compilations(NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2)] == [(1, ""), (0, "")]


def test_a_folder_that_fills_up_or_vanishes_is_no_failure(tmp_path: Path) -> None:
    program = f"import shutil; import cnnfix_core.engine.sparse; shutil.rmtree({str(tmp_path)!r}); "
    program += f"open({str(tmp_path)!r}, 'w').close();" + CODE
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCE.parent), "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "1"
    assert done.stderr.count(SAID) == 1


MIXED = """
import torch, cnnfix_core as cnnfix
from dataclasses import replace
torch.manual_seed(0)
torch.set_num_threads(2)
nn, published = torch.nn, cnnfix.get_preset("published")
layers = nn.Conv2d(3, 64, 3), nn.AvgPool2d(3, 2, 1), nn.Conv2d(64, 64, 3), nn.Flatten(), nn.Linear(64 * 29 * 29, 3)
network = nn.Sequential(*layers).eval()
for n in range(20):
    kind = (torch.float32, torch.float64)[n % 2]
    tape = cnnfix.record(network.to(kind), torch.rand(1, 3, 64, 64, dtype=kind))
    for location in ("centre", "activation", "product"):
        cnnfix.unravel(tape, (0, 1), replace(published, location=location))
"""


def test_threads_do_not_confuse_number_types() -> None:
    subprocess.run([sys.executable, "-c", MIXED], check=True, cwd=SOURCE.parent)
