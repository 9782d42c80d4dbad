"""Files to download, each made on request."""

from collections.abc import Callable, Mapping
from mimetypes import guess_type

import streamlit as st


def downloads(files: Mapping[str, tuple[str, Callable[[], str | bytes]]]) -> None:
    """Draw a row of buttons. files: for each file name, the button's label and a function that makes the content."""
    with st.container(horizontal=True, gap="small"):
        for name, (label, made) in files.items():
            kind, _ = guess_type(name)
            st.download_button(
                label, made, name, kind, icon=":material/download:", on_click="ignore", key=f"download.{label}"
            )
