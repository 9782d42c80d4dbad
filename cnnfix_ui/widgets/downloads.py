"""Files to keep, each made when it is asked for."""

from collections.abc import Callable, Mapping
from mimetypes import guess_type

import streamlit as st


def downloads(files: Mapping[str, tuple[str, Callable[[], str | bytes]]]) -> None:
    """Draw a row of buttons. files: by file name, the words on the button, and what makes the content."""
    with st.container(horizontal=True, gap="small"):
        for name, (label, made) in files.items():
            kind, _ = guess_type(name)
            st.download_button(
                label, made, name, kind, icon=":material/download:", on_click="ignore", key=f"download.{label}"
            )
