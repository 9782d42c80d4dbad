"""What comes first: the answer. On a phone it stands above what changes the question, and an audience sees it alone.

See style.css.
"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def first(key: str) -> DeltaGenerator:
    """A container that a phone shows before all others of the page, in the order of the script."""
    return st.container(key=f"first-{key}")


def rest(key: str) -> DeltaGenerator:
    """A container inside of what comes first that the presenter view leaves out."""
    return st.container(key=f"rest-{key}")
