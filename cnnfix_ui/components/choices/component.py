"""One component for "choose one of these": a strip of pictures, bars with shares, the words of a sentence."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import streamlit as st

from cnnfix_ui.components.assets import script

HERE = Path(__file__).parent


# Tiles: a strip of pictures. Sheet: rows of them.
# Bars: a row for each, lines: the same for sentences. Words: of a sentence.
Look = Literal["tiles", "sheet", "bars", "lines", "words"]


@dataclass(frozen=True)
class Choice:
    """One of the things to choose from.

    Parameters
    ----------
    value : what `on_choose` receives, unique among the choices.
    label : the words on it.
    title : explanation that appears on hovering.
    image : of tiles and sheets: the thumbnail as a data URI; a JPEG of about 240 x 180 pixels is sharp and small.
    share : of the others: how far the bar reaches, 0 to 1.
    detail : of the others: the words at the bar's end, such as "62 %".
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

    What is marked is always `selected` (None, or a value that is not there: nothing), so that one place, the caller's
    state, knows what is chosen. `on_choose` runs before the next run of the script, like every Streamlit callback:
    it may set the state of any widget, and needs no `st.rerun`. Not for use inside `st.form`.

    `label` names the group for screen readers. Arrow keys, Home and End move; Enter and Space choose.
    """
    values = {item.value for item in items}
    if len(values) < len(items):
        raise ValueError(f"Two choices of {key!r} have the same value")
    answers = f"{key}.answers"

    def chosen() -> None:
        value = st.session_state[key].chosen
        st.session_state[answers] = st.session_state.get(answers, 0) + 1
        if value in values:  # it comes from a browser
            on_choose(value)

    data = {
        "items": [asdict(item) for item in items],
        "selected": selected,
        "look": look,
        "label": label,
        "answers": st.session_state.get(answers, 0),  # other data, so that the browser marks `selected` after each pick
    }
    _component(key=key, data=data, on_chosen_change=chosen)
