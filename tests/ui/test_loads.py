"""What benchmarks do for hours, for some seconds: many visitors at once, and broken files."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks import serving, visitors

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_several_visitors_at_once() -> None:
    def visit(server: serving.Server) -> list[visitors.Click]:
        return asyncio.run(visitors.wave(server, 6, 0.5, 0, visitors.listed()))

    # On a thread of its own: tests with a browser leave an event loop that runs on this one.
    with serving.warm() as server, ThreadPoolExecutor(1) as thread:
        clicks = thread.submit(visit, server).result()
    assert len(clicks) == 6 * (1 + 3 + visitors.STEPS)
    assert all(click.good for click in clicks)
    assert sorted(click.seconds for click in clicks)[len(clicks) // 2] < 10


@pytest.mark.slow
def test_broken_files_are_refused_in_a_sentence() -> None:
    command = [
        sys.executable,
        str(ROOT / "tools" / "fuzz.py"),
        "--pictures",
        "600",
        "--others",
        "100",
        "--seed",
        "2",
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    for kind, count in (("picture", 600), ("model", 100), ("table", 100), ("address", 100)):
        assert f"{kind}: {count} cases" in done.stdout
    assert done.stdout.endswith("\n0 failures\n")
