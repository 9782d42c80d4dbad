"""A component to choose one of several items: a strip of pictures, bars with shares, the words of a sentence."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import streamlit as st

from cnnfix_ui.components.assets import script

HERE = Path(__file__).parent


# tiles: a strip of pictures. sheet: rows of pictures. bars: one row per item. lines: the same for sentences.
# words: the words of a sentence.
Look = Literal["tiles", "sheet", "bars", "lines", "words"]


@dataclass(frozen=True)
class Choice:
    """One of the items to choose from.

    Attributes:
        value: what `on_choose` receives, unique among the choices.
        label: its text.
        title: tooltip.
        image: of tiles and sheets, where the page finds the thumbnail, such as a JPEG of about 240 x 180 pixels.
        share: of the other looks, the length of the bar, 0 to 1.
        detail: of the other looks, the text at the end of the bar, such as "62 %".
    """

    value: str
    label: str
    title: str = ""
    image: str = ""
    share: float = 0.0
    detail: str = ""


# Text only ever travels as data, never inside these three strings, so that no label can become markup.
_component = st.components.v2.component(
    "cnnfix_choices",
    html='<div class="group" role="radiogroup"></div>',
    css=(HERE / "choices.css").read_text("utf-8"),
    js=script(HERE / "choices.js"),
)


def choices(
    items: Sequence[Choice],
    *,
    selected: str | None,
    look: Look,
    label: str,
    key: str,
    on_choose: Callable[[str], object],
) -> None:
    """Draw `items` and call `on_choose(value)` when a person picks one.

    The marked item is always `selected` (no item if it is None or not among the values), so that only the caller's
    state knows what is chosen. `on_choose` runs before the next run of the script, like every Streamlit callback: it
    may set the state of any widget, and needs no `st.rerun`. Do not use this inside `st.form`.

    `label` names the group for screen readers. Arrow keys, Home and End move; Enter and Space choose.
    """
    values = [item.value for item in items]
    if len(set(values)) < len(items):
        raise ValueError(f"Two choices of {key!r} have the same value")
    answered = f"{key}.answered"

    def chosen() -> None:
        match st.session_state[key].chosen:  # it comes from the browser: it may be anything
            case {"id": int(picked), "value": str(value)}:
                st.session_state[answered] = picked
                if value in values:
                    on_choose(value)

    data = {
        "items": [asdict(item) for item in items],
        "selected": selected,
        "look": look,
        "label": label,
        "answered": st.session_state.get(answered, 0),  # the pick that `selected` knows of
    }
    _component(key=key, data=data, on_chosen_change=chosen)
