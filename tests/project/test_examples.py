"""The notebooks of examples/: valid, without outputs, and their cells run in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

import cnnfix_core as cnnfix

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str) -> dict[str, Any]:
    """All names that the cells leave."""
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    nbformat.validate(notebook)
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
            exec(compile(cell.source, f"{name}, cell {number}", "exec"), names)
    return names


def test_all_notebooks_are_tested() -> None:
    assert {path.name for path in EXAMPLES.glob("*.ipynb")} == {
        "bring_your_own_network.ipynb",
        "explain_and_step_through.ipynb",
    }


def test_explain_and_step_through(explanation: cnnfix.Explanation, capsys: pytest.CaptureFixture[str]) -> None:
    names = run("explain_and_step_through.ipynb")
    target = names["explanation"].target
    assert target.index == explanation.target.index
    assert target.probability == pytest.approx(explanation.target.probability, rel=1e-4)
    assert names["density"].sum() == pytest.approx(1)
    assert names["chosen"].pick.evidence == pytest.approx(names["facts"].elements[0].share)
    assert explanation.target.label in capsys.readouterr().out


@pytest.mark.slow
def test_bring_your_own_network() -> None:
    names = run("bring_your_own_network.ipynb")
    assert names["accuracy"] >= 0.9
    assert names["report"].complete
    arrived, left = names["reached"].evidence.sum(), sum(names["trace"].left.values())
    assert arrived + left == pytest.approx(1)
    energy = names["energy"]
    assert energy["fixations"] > 2 * names["covered"]
    assert energy["fixations"] > 2 * max(energy["centre"], energy["random"])
    assert np.isfinite([row.insertion for row in names["rows"]["fixations"]]).all()
