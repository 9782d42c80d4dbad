"""Choosing a picture: the samples, an upload, the camera. A bad file is answered in a sentence, and nothing is lost."""

from collections.abc import Callable

import streamlit as st

from cnnfix_core import Picture, PictureError, open_picture
from cnnfix_core.samples import Sample, list_samples, load_sample
from cnnfix_ui.choices import Choice, choices
from cnnfix_ui.errors import plain
from cnnfix_ui.panels import thumbnail

_OWN = "own"
_PICTURE, _REFUSED, _UPLOAD, _CAMERA = (f"gallery.{name}" for name in ("picture", "refused", "upload", "camera"))


def known_picture(name: str) -> str:
    """The name, if an address may ask for it: that of a sample, or "own" where the visitor has sent a picture.

    Raises a ValueError otherwise.
    """
    return name if name == _OWN and _PICTURE in st.session_state else load_sample(name).name


def choose_picture(key: str, on_change: Callable[[], object]) -> tuple[Picture, Sample | None]:
    """Draw the gallery and give the chosen picture, with its card if it is a sample. The choice is session state `key`.

    `on_change` is called when another picture is chosen; like every callback it should only set state.
    """

    def choose(name: str) -> None:
        st.session_state[key] = name
        on_change()

    def take(source: str) -> None:
        file = st.session_state[source]
        st.session_state.pop(_REFUSED, None)
        if file is None:
            return
        try:
            st.session_state[_PICTURE] = open_picture(file.getvalue())
        except PictureError as error:
            st.session_state[_REFUSED] = str(error)
        else:
            choose(_OWN)

    strip, own = st.columns([4, 1.1], gap="medium")
    with own:
        st.file_uploader(
            "Your own picture", key=_UPLOAD, on_change=take, args=(_UPLOAD,), label_visibility="collapsed"
        )
        with st.popover("Camera", icon=":material/photo_camera:", width="stretch"):
            st.camera_input("Camera", key=_CAMERA, on_change=take, args=(_CAMERA,), label_visibility="collapsed")
    with strip:
        tiles = [Choice(sample.name, sample.title, sample.note, _tile(sample.name)) for sample in list_samples()]
        if _PICTURE in st.session_state:
            tiles.insert(0, Choice(_OWN, "Your picture", "", thumbnail(st.session_state[_PICTURE])))
        chosen = st.session_state[key]
        choices(tiles, selected=chosen, look="tiles", label="Pictures", key=f"{key}.tiles", on_choose=choose)
    if _REFUSED in st.session_state:
        st.error(plain(st.session_state[_REFUSED]), icon=":material/info:")
    return (st.session_state[_PICTURE], None) if chosen == _OWN else (_sample(chosen), load_sample(chosen))


@st.cache_resource
def _sample(name: str) -> Picture:
    return open_picture(load_sample(name).read())


@st.cache_resource
def _tile(name: str) -> str:
    return thumbnail(_sample(name))
