"""Links between the texts of the repository; `make check` holds those inside the documentation's site."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?:\]\(|(?:href|src)=\")([^)\"#\s]+)")


def test_relative_links_lead_to_files() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    links = [
        (name, link)
        for name in listed.split()
        for link in LINK.findall(re.sub(r"```.*?```", "", (ROOT / name).read_text("utf-8"), flags=re.S))
        if not re.match(r"[a-z]+:", link)
    ]
    assert len(links) > 50
    assert [(name, link) for name, link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


def test_the_reference_has_every_public_name() -> None:
    stub = (ROOT / "cnnfix_core" / "__init__.pyi").read_text("utf-8").partition("__all__")[2]
    text = (ROOT / "docs" / "reference" / "cnnfix_core.md").read_text("utf-8")
    names = re.findall(r'"(\w+)"', stub)
    assert len(names) > 40
    assert [name for name in names if not re.search(rf"(::: cnnfix_core\.|`){name}\b", text)] == []
