"""Choosing a picture: samples, upload or camera. A file that cannot be read changes nothing but a message."""

from collections.abc import Callable
from functools import cache

import streamlit as st

from cnnfix_core import Picture, open_picture
from cnnfix_core.images import list_samples, load_sample
from cnnfix_ui.components.choices.component import Choice
from cnnfix_ui.components.panels.component import thumbnail
from cnnfix_ui.widgets.strip import choose_from_strip
from cnnfix_ui.widgets.uploads import OWN, Upload

_OWN_TITLE = "Your picture"
_UPLOAD = Upload("gallery", "Your own picture", lambda files: open_picture(files[0][1]), camera=True)


def parse_picture(name: str) -> str:
    """A picture's name from the address: a sample, or "own" if the visitor has uploaded one.

    Raises ValueError for anything else.
    """
    return _UPLOAD.parse_name(name, (sample.name for sample in list_samples()))


def title_of(name: str) -> str:
    """The title of the picture with this name."""
    return _OWN_TITLE if name == OWN else load_sample(name).title


def take(picture: Picture) -> None:
    """Make this the visitor's own picture."""
    _UPLOAD.take(picture)


def choose_picture(key: str, on_change: Callable[[], object]) -> Picture:
    """Draw the gallery and return the chosen picture. Its name is kept in session state under `key`.

    `on_change` is called when another picture is chosen; like every callback, it should only set state.
    """

    def choose(name: str) -> None:
        st.session_state[key] = name
        on_change()

    chosen: str = st.session_state[key]
    note = " ".join(picture_of(OWN).notes) if chosen == OWN else _note(chosen)
    choose_from_strip([_tile(name) for name in names()], _UPLOAD, chosen, choose, "Pictures", note)
    return picture_of(chosen)


def picture_of(name: str) -> Picture:
    """The picture with a name that `parse_picture` accepted."""
    picture = _UPLOAD.value if name == OWN else None
    return picture or _sample(name)


def names() -> list[str]:
    """All pictures to choose from, the visitor's own first."""
    own = [OWN] if _UPLOAD.value else []
    return own + [sample.name for sample in list_samples()]


def _note(name: str) -> str:
    sample = load_sample(name)
    return f"{sample.note} Credit: {sample.attribution}."


def _tile(name: str) -> Choice:
    if name == OWN:
        return Choice(OWN, _OWN_TITLE, "", thumbnail(picture_of(OWN)))
    sample = load_sample(name)
    return Choice(name, sample.title, sample.note, thumbnail(_sample(name), lasting=True))


@cache
def _sample(name: str) -> Picture:
    return open_picture(load_sample(name).read())
