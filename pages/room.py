"""Room: where a class meets. One address for phones, the board and the desk; each shows nothing but its own."""

import streamlit as st

from cnnfix_ui.rooms import board, desk, phone, start

if desk.KEY in st.query_params:
    desk.show()
elif board.KEY in st.query_params:
    board.show()
elif start.KEY in st.query_params:
    desk.begin()
else:
    phone.show()
