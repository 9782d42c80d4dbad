"""Choosing a picture: the samples, an upload, the camera. A bad file is answered in a sentence, and nothing is lost."""

from collections.abc import Callable

import streamlit as st

from cnnfix_core import Picture, PictureError, open_picture
from cnnfix_core.samples import list_samples, load_sample
from cnnfix_ui.choices import Choice, choices
from cnnfix_ui.errors import plain
from cnnfix_ui.hosting import SMALL_UPLOAD
from cnnfix_ui.panels import thumbnail

OWN, _OWN_TITLE = "own", "Your picture"
_PICTURE, _REFUSED, _UPLOAD, _CAMERA = (f"gallery.{name}" for name in ("picture", "refused", "upload", "camera"))


def known_picture(name: str) -> str:
    """The name, if an address may ask for it: that of a sample, or "own" where the visitor has sent a picture.

    Raises a ValueError otherwise.
    """
    return name if name == OWN and _PICTURE in st.session_state else load_sample(name).name


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
        st.file_uploader(
            "Your own picture", key=_UPLOAD, on_change=_take, args=(_UPLOAD, choose), max_upload_size=SMALL_UPLOAD
        )
        with st.popover("Camera", icon=":material/photo_camera:", width="stretch"):
            st.camera_input(
                "Camera", key=_CAMERA, on_change=_take, args=(_CAMERA, choose), label_visibility="collapsed"
            )
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
    if _REFUSED in st.session_state:
        st.error(plain(st.session_state[_REFUSED]), icon=":material/info:")
    return picture_of(chosen)


def picture_of(name: str) -> Picture:
    """The picture of a name that `known_picture` has let through."""
    picture: Picture = st.session_state[_PICTURE] if name == OWN else _sample(name)
    return picture


def names() -> list[str]:
    """All that can be chosen: the visitor's own first, where there is one."""
    own = [OWN] if _PICTURE in st.session_state else []
    return own + [sample.name for sample in list_samples()]


def _take(source: str, choose: Callable[[str], object]) -> None:
    """Decode a file that was sent. What cannot be read changes nothing but the message."""
    file = st.session_state[source]
    st.session_state.pop(_REFUSED, None)
    if file is None:
        return
    try:
        st.session_state[_PICTURE] = open_picture(file.getvalue())
    except PictureError as error:
        st.session_state[_REFUSED] = str(error)
    else:
        choose(OWN)


def _tile(name: str) -> Choice:
    if name == OWN:
        return Choice(OWN, _OWN_TITLE, "", thumbnail(st.session_state[_PICTURE]))
    sample = load_sample(name)
    return Choice(name, sample.title, sample.note, _thumbnail(name))


@st.cache_resource
def _sample(name: str) -> Picture:
    return open_picture(load_sample(name).read())


@st.cache_resource
def _thumbnail(name: str) -> str:
    return thumbnail(_sample(name))
