"""Keys that press buttons of the page: see shortcuts.js."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from cnnfix_ui.components.assets import script

HERE = Path(__file__).parent

_component = st.components.v2.component(
    "cnnfix_shortcuts", html="<span hidden></span>", js=script(HERE / "shortcuts.js")
)


def shortcuts(keys: Mapping[str, str], *, key: str) -> None:
    """Let keys press buttons while the page is there.

    A key does what it always does where a person types or where a control of its own uses it.

    Args:
        keys: by the name of a key ("ArrowRight", " ", "PageDown"), the key of the Streamlit button that it presses.
        key: of the component.
    """
    with st.container(key=f"hidden-{key}"):
        _component(key=key, data={"keys": dict(keys)})
