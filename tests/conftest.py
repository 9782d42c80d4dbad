"""What many tests share: the bundled network and a photograph, loaded once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from hypothesis import settings

import cnnfix_core as cnnfix
from cnnfix_site import ASSETS

# The same examples in every run, however slow the machine is.
settings.register_profile("same", deadline=None, derandomize=True, database=None)
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    torch.manual_seed(0)  # for networks that test files build when they are read
    if hasattr(config, "workerinput"):  # several run at once: each has a processor, not all of them
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def model() -> cnnfix.Model:
    return cnnfix.load_model()


@pytest.fixture(scope="session")
def cat_file() -> Path:
    """A cat, 451 x 300 pixels."""
    return ASSETS / "samples" / "cat.png"


@pytest.fixture(scope="session")
def cat(cat_file: Path) -> cnnfix.Picture:
    return cnnfix.open_picture(cat_file)


@pytest.fixture(scope="session")
def explanation(model: cnnfix.Model, cat: cnnfix.Picture) -> cnnfix.Explanation:
    """The predicted class of the cat, with the evidence preset."""
    return cnnfix.explain(model, cat)


@pytest.fixture(scope="session")
def published(model: cnnfix.Model, cat: cnnfix.Picture) -> cnnfix.Explanation:
    """The predicted class of the cat, with the published preset and its five crops."""
    return cnnfix.explain(model, cat, preset="published")


@pytest.fixture(autouse=True)
def same_weights() -> None:
    """Networks with random weights are the same in every run: some of them have a class that nothing speaks for."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that runs without a browser makes itself the main module, which new processes would then run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command says while it computes depends on how busy the machine is, and tests compare what it says."""
    monkeypatch.setattr("cnnfix_core.cli.progress._SECONDS_IN_A_FILE", 1e6)
