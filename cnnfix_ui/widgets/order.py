"""What comes first: on a phone the answer stands above the controls that change the question, see style.css."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def first(key: str) -> DeltaGenerator:
    """A container that a phone shows before all others of the page, in the order of the script."""
    return st.container(key=f"first-{key}")
