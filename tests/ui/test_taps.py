"""What a browser says was tapped: nothing that does not fit the picture and the question gets in."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfix_core import open_picture
from cnnfix_ui.components.taps.component import TapQuestion, Taps, read_taps

PICTURE = open_picture(np.zeros((40, 60, 3), np.uint8))
PLACES = TapQuestion("Tap.", "Send", limit=2)
BOX = TapQuestion("Tap.", "Send", limit=2, boxes=True)


def test_what_fits() -> None:
    assert read_taps({"points": [[0, 0], [59, 39]], "box": None}, PICTURE, PLACES) == Taps(((0, 0), (59, 39)))
    assert read_taps({"points": [], "box": [5, 6, 59, 39]}, PICTURE, BOX) == Taps(box=(5, 6, 59, 39))
    assert read_taps({"points": [[5, 6]], "box": None}, PICTURE, BOX) == Taps(((5, 6),))


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "[[1, 2]]",
        {},
        {"points": []},
        {"points": [[1, 2]] * 3},
        {"points": [[60, 2]]},
        {"points": [[1, -1]]},
        {"points": [[1, 2, 3]]},
        {"points": [[1.5, 2]]},
        {"points": [[True, 2]]},
        {"points": [["1", 2]]},
        {"points": {"0": [1, 2]}},
        {"box": [9, 0, 5, 5]},
        {"box": [0, 0, 60, 5]},
        {"box": [0, 0, 5]},
    ],
)
def test_what_does_not_fit(sent: object) -> None:
    assert read_taps(sent, PICTURE, BOX) is None


def test_a_box_where_none_is_asked_for() -> None:
    assert read_taps({"points": [], "box": [5, 6, 50, 30]}, PICTURE, PLACES) is None
