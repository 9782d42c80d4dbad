"""What a person starts lets idle threads sleep before PyTorch is loaded; what a person imports changes nothing."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CALL = "let_idle_threads_sleep()"


def scripts() -> Iterator[Path]:
    """The files that are run by their names, and need more than Python itself."""
    for folder in ("benchmarks", "experiments", "tools", "training"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if 'if __name__ == "__main__":' in file.read_text("utf-8") and any(imported(file)):
                yield file


def imported(file: Path) -> list[str]:
    """The packages that the file imports at its top, Python's own left out, and the call."""
    found = []
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(str(node.module))
        elif isinstance(node, ast.Expr) and ast.unparse(node) == CALL:
            found.append(CALL)
    return [name for name in found if name.split(".")[0] not in sys.stdlib_module_names]


def test_scripts_let_idle_threads_sleep() -> None:
    found = list(scripts())
    assert len(found) > 10
    assert {str(file): imported(file)[:2] for file in found} == {
        str(file): ["cnnfix_core.utils", CALL] for file in found
    }


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (
            "from cnnfix_core.utils import let_idle_threads_sleep as f; assert 'torch' not in sys.modules; f()",
            "PASSIVE 8000",
        ),
        ("from cnnfix_core.cli.main import main; main(['models'])", "PASSIVE 8000"),
        ("import runpy; runpy.run_path('app.py')", "PASSIVE 8000"),
        ("import cnnfix_core as c; c.explain; c.record; import cnnfix_core.batch, cnnfix_core.report", "None None"),
    ],
)
def test_what_becomes_of_the_environment(program: str, expected: str) -> None:
    assert after(program) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE None"),
        ({"OMP_WAIT_POLICY": "PASSIVE"}, "PASSIVE None"),
        ({"GOMP_SPINCOUNT": "7"}, "PASSIVE 7"),
        ({"OMP_WAIT_POLICY": "ACTIVE", "GOMP_SPINCOUNT": "7"}, "ACTIVE 7"),
    ],
)
def test_what_a_person_set_stays(given: dict[str, str], expected: str) -> None:
    assert after("from cnnfix_core.utils import let_idle_threads_sleep as f; f()", **given) == expected


def after(program: str, **given: str) -> str:
    """The policy for idle threads after a program, in a process of its own."""
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    environment = {name: value for name, value in os.environ.items() if name not in names} | given
    program = f"import os, sys; {program}; print(); print(*map(os.environ.get, {names}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()[-1]
