"""What the Batch page has been given, and how it is sorted and filtered."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from cnnfix_core.batch import BatchRow, Packed, unpacked
from cnnfix_core.images import list_samples
from cnnfix_ui.address import Setting, one_of, switch
from cnnfix_ui.widgets import controls
from cnnfix_ui.widgets.uploads import Upload

UPLOAD: Upload[list[Packed]] = Upload("batch", "Your pictures, or a zip archive of them", unpacked, several=True)


@dataclass(frozen=True)
class Measure:
    """A column to sort and filter by. name: of the row's field. title, help: for people. falling: largest first."""

    name: str
    title: str
    help: str
    falling: bool = True

    def of(self, row: BatchRow) -> float:
        """The number, 0 to 1; NaN where there is none."""
        value: float = getattr(row, self.name)
        return value


MEASURES = (
    Measure("confidence", "Confidence", "Probability of the class that comes first.", falling=False),
    Measure("spread", "Spread", "The smallest part of the picture that holds half of the evidence."),
    Measure(
        "border",
        "At the border",
        "Evidence in the outermost tenth of each side. Spread evenly, 36 % would lie there; much more is often a sign "
        "that the network looks at a frame, a caption or a watermark.",
    ),
    Measure(
        "disagreement",
        "Disagreement",
        "Of the strongest tenth of the places, the part that CNN Fixations and Grad-CAM do not share.",
    ),
)
ORDERS: dict[str, str] = {"sent": "as they came"} | {
    measure.name: f"{measure.title.lower()}, {'most' if measure.falling else 'least'} first" for measure in MEASURES
}

SETTINGS = {
    **{name: controls.SETTINGS[name] for name in ("model", "preset", "focus", "sees")},
    "order": one_of(*ORDERS, default="sent"),
    "samples": switch(),
    "class": Setting(None, controls.parse_class),
    "than": Setting(None, controls.parse_class),
}


def pictures() -> Sequence[Packed]:
    """What to ask about: what was sent, or the samples, or nothing."""
    if UPLOAD.value is not None:
        return UPLOAD.value
    return samples() if st.session_state["samples"] else ()


@st.cache_resource(show_spinner=False)
def samples() -> list[Packed]:
    """The gallery's pictures."""
    return [Packed.of(sample.name, sample.read()) for sample in list_samples()]


def sorted_by(order: str) -> Callable[[BatchRow], float]:
    """The key of that order; what has no number comes last."""
    measure = next(measure for measure in MEASURES if measure.name == order)

    def key(row: BatchRow) -> float:
        value = measure.of(row)
        return math.inf if math.isnan(value) else -value if measure.falling else value

    return key
