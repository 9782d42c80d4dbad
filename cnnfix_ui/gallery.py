"""Choosing a picture: the samples, an upload, the camera. A bad file is answered in a sentence, and nothing is lost."""

from collections.abc import Callable

import streamlit as st

from cnnfix_core import Picture, open_picture
from cnnfix_core.samples import list_samples, load_sample
from cnnfix_ui.choices import Choice, choices
from cnnfix_ui.errors import plain
from cnnfix_ui.panels import thumbnail
from cnnfix_ui.sending import Sent

OWN, _OWN_TITLE = "own", "Your picture"
_SENT = Sent("gallery", lambda files: open_picture(files[0]))


def known_picture(name: str) -> str:
    """The name, if an address may ask for it: that of a sample, or "own" where the visitor has sent a picture.

    Raises a ValueError otherwise.
    """
    return name if name == OWN and _SENT.thing else load_sample(name).name


def title_of(name: str) -> str:
    """What the picture of that name is called."""
    return _OWN_TITLE if name == OWN else load_sample(name).title


def choose_picture(key: str, on_change: Callable[[], object]) -> Picture:
    """Draw the gallery and give the chosen picture. The choice is session state `key`.

    `on_change` is called when another picture is chosen; like every callback it should only set state.
    """

    def choose(name: str) -> None:
        st.session_state[key] = name
        on_change()

    strip, own = st.columns([4, 1.1], gap="medium")
    with own:
        _SENT.choose_file("Your own picture", lambda: choose(OWN))
        _SENT.choose_camera(lambda: choose(OWN))
    chosen: str = st.session_state[key]
    with strip:
        choices(
            [_tile(name) for name in names()],
            selected=chosen,
            look="tiles",
            label="Pictures",
            key=f"{key}.tiles",
            on_choose=choose,
        )
        if chosen != OWN:
            sample = load_sample(chosen)
            st.caption(f"{plain(sample.note)} Photograph: {plain(sample.credit)}, {plain(sample.licence)}.")
    _SENT.show_refusal()
    return picture_of(chosen)


def picture_of(name: str) -> Picture:
    """The picture of a name that `known_picture` has let through."""
    picture = _SENT.thing if name == OWN else None
    return picture or _sample(name)


def names() -> list[str]:
    """All that can be chosen: the visitor's own first, where there is one."""
    own = [OWN] if _SENT.thing else []
    return own + [sample.name for sample in list_samples()]


def _tile(name: str) -> Choice:
    if name == OWN:
        return Choice(OWN, _OWN_TITLE, "", thumbnail(picture_of(OWN)))
    sample = load_sample(name)
    return Choice(name, sample.title, sample.note, _thumbnail(name))


@st.cache_resource
def _sample(name: str) -> Picture:
    return open_picture(load_sample(name).read())


@st.cache_resource
def _thumbnail(name: str) -> str:
    return thumbnail(_sample(name))
