"""The how-tos: their code runs, from the first line of a page to the last, as a reader would run it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cnnfix_core import METHODS
from cnnfix_core.engine.rules import registry

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
BLOCK = re.compile(r'^```python(?: title="(?P<file>[^"]+)")?\n(?P<code>.*?)^```$', re.M | re.S)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader works: assets/ lies there. What a page registers is gone afterwards."""
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr(registry, "_rules", dict(registry._rules))
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_how_to_runs(page: Path, folder: Path) -> None:
    """A block with a title is a file, the others are one script."""
    script = []
    for block in BLOCK.finditer(page.read_text("utf-8")):
        if block["file"]:
            (folder / block["file"]).parent.mkdir(exist_ok=True)
            (folder / block["file"]).write_text(block["code"], "utf-8")
        else:
            script.append(block["code"])
    assert script
    names = set(METHODS)
    try:
        exec(compile("\n".join(script), str(folder / "script.py"), "exec"), {"__name__": "__main__"})
    finally:
        for name in set(METHODS) - names:
            del METHODS[name]
