"""The pictures of the Batch page, and how they are sorted and filtered."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from cnnfix_core.batch import BatchRow, UploadedPicture, Uploads, unpack_uploads
from cnnfix_core.images import list_samples
from cnnfix_ui.address import Setting, one_of, switch
from cnnfix_ui.widgets import controls, units
from cnnfix_ui.widgets.uploads import Upload

UPLOAD: Upload[Uploads] = Upload("batch", "Your pictures, or a zip archive", unpack_uploads, several=True, clears=True)
MOST_WORDS = 100  # characters to search for
ALL = (0, 100)  # %: of a measure by which nothing is filtered


@dataclass(frozen=True)
class Measure:
    """A column to sort and filter by. name: of the row's field. falling: sort the largest first."""

    name: str
    title: str
    help: str
    falling: bool = True

    def of(self, row: BatchRow) -> float:
        """The number; NaN if there is none."""
        value: float = getattr(row, self.name)
        return value


# Shares, 0 to 1.
MEASURES = (
    Measure("confidence", "Confidence", "Probability of the predicted class.", falling=False),
    Measure("spread", "Spread", "The smallest share of the picture that holds half of the evidence."),
    Measure(
        "border",
        "At the border",
        "Evidence in the outer tenth of the picture on each side. If it were spread evenly, 36 % would lie there. Much "
        "more is often a sign that the network relies on a frame, a caption or a watermark.",
    ),
    Measure(
        "disagreement",
        "Disagreement",
        "The share of the strongest 10 % of places that CNN Fixations and Grad-CAM do not have in common.",
    ),
)
ACTIVATION = Measure("score", "Activation", "The unit's value at the place where it is strongest.")
ORDERS: dict[str, str] = {"sent": "Upload order"} | {
    measure.name: f"{measure.title}, {'highest' if measure.falling else 'lowest'} first"
    for measure in (*MEASURES, ACTIVATION)
}


def _parse_range(text: str) -> tuple[int, int]:
    low, high = map(int, text.split("-"))
    if not 0 <= low <= high <= 100:
        raise ValueError(text)
    return low, high


SETTINGS = {
    **{name: controls.SETTINGS[name] for name in ("model", "preset", "focus", "sees")},
    "order": one_of(*ORDERS, default="sent"),
    "words": Setting("", lambda text: text[:MOST_WORDS]),
    **{measure.name: Setting(ALL, _parse_range, lambda ends: "{}-{}".format(*ends)) for measure in MEASURES},
    "samples": switch(),
    "unit": units.UNIT,
    "class": Setting(None, controls.parse_class),
    "than": Setting(None, controls.parse_class),
}


def pictures() -> Sequence[UploadedPicture]:
    """The pictures to explain: the uploaded ones, the samples, or none."""
    if UPLOAD.value is not None:
        return UPLOAD.value.pictures
    return samples() if st.session_state["samples"] else ()


@st.cache_resource(show_spinner=False)
def samples() -> list[UploadedPicture]:
    """The sample pictures."""
    return [UploadedPicture.of(sample.name, sample.read()) for sample in list_samples()]


def orders() -> list[str]:
    """The orders to choose from: by activation only where a unit is asked about."""
    return [name for name in ORDERS if name != ACTIVATION.name or st.session_state["unit"]]


def sorted_by(order: str) -> Callable[[BatchRow], float]:
    """The sort key of this order; rows without a number come last."""
    measure = next(measure for measure in (*MEASURES, ACTIVATION) if measure.name == order)

    def key(row: BatchRow) -> float:
        value = measure.of(row)
        return math.inf if math.isnan(value) else -value if measure.falling else value

    return key
