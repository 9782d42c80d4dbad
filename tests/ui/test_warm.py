"""What the server prepares before visitors come."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cnnfix_core import EVIDENCE, open_picture
from cnnfix_core.explanations import blur
from cnnfix_core.zoo import DEFAULT
from cnnfix_ui import warm
from cnnfix_ui.server import results


def test_the_blur_of_a_density_is_compiled_and_kept_for_processes_that_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, calls = blur._both_ways, list[int]()

    def noted(grid: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
        calls.append(len(grid))
        return compiled(grid, down, across)

    monkeypatch.setattr(blur, "_both_ways", noted)
    noise = np.random.default_rng(8).integers(0, 256, (64, 64, 3), dtype=np.uint8)  # a picture that no cache has
    warm._answer(results.Network(DEFAULT, results.loaded(DEFAULT)), open_picture(Image.fromarray(noise)), EVIDENCE)
    assert calls
