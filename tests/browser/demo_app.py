"""A component on its own, on a server with the app's addresses: the variable DEMO names its script."""

import os

import streamlit as st

from cnnfix_ui import served

app = st.App(os.environ["DEMO"], routes=[served.route])
