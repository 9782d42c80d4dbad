"""Files to download, each made on request. Its pictures can be shared, too."""

from collections.abc import Callable, Mapping
from mimetypes import guess_type

import streamlit as st

Files = Mapping[str, tuple[str, Callable[[], str | bytes]]]
_PICTURES = "downloads.pictures"
_SHARED = (".png", ".gif")


def downloads(files: Files, where: str = "download") -> None:
    """Draw a row of buttons.

    files: for each file name, the button's label and a function that makes the content. where: prefix of their keys.
    """
    shared = {name: file for name, file in files.items() if name.endswith(_SHARED)}
    st.session_state[_PICTURES] = {**pictures(), **shared}
    with st.container(horizontal=True, gap="small"):
        for name, (label, made) in files.items():
            kind, _ = guess_type(name)
            st.download_button(
                label, made, name, kind, icon=":material/download:", on_click="ignore", key=f"{where}.{label}"
            )


def pictures() -> Files:
    """The pictures and animations among what the page has drawn buttons for."""
    found: Files = st.session_state.get(_PICTURES, {})
    return found


def forget_pictures() -> None:
    """Begin a page: it has none yet."""
    st.session_state[_PICTURES] = {}
