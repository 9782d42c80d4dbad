"""Explore: which pixels made the network say that?"""

import streamlit as st

st.caption("Nothing here yet.")
