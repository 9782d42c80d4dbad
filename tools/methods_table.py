"""Write the table of all methods, and their number, into the texts: `python tools/methods_table.py`.

Both come from the catalogue of methods; a test compares.
"""

from __future__ import annotations

import re
from pathlib import Path

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

from cnnfix_core.methods import COUNT, METHODS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "methods.md"
TABLE = re.compile(r"<!-- methods -->.*<!-- /methods -->", re.S)
NUMBER = re.compile(r"\b\d+(?= methods and two baselines)")
HEAD = "| name | method | paper | passes through the network | what it needs |\n| --- | --- | --- | --- | --- |\n"


def texts() -> list[Path]:
    """The files that say how many methods there are."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def table() -> str:
    """One row for each method, in the order of the menus."""
    rows = (
        f"| `{one.name}` | {one.title} | {one.paper or one.source} | {one.cost} | {one.fits} |"
        for one in METHODS.values()
    )
    return "<!-- methods -->\n\n" + HEAD + "\n".join(rows) + "\n\n<!-- /methods -->"


def written(text: str) -> str:
    """A text with today's table and number."""
    return NUMBER.sub(str(COUNT), TABLE.sub(lambda _: table(), text))


if __name__ == "__main__":
    for file in texts():
        file.write_text(written(file.read_text("utf-8")), "utf-8")
