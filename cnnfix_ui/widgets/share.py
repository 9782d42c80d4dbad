"""A link to what a page shows now, with its QR code, and its pictures to keep."""

import streamlit as st

from cnnfix_ui.server.links import link_here, only_here, qr_of
from cnnfix_ui.widgets.downloads import downloads, pictures
from cnnfix_ui.widgets.uploads import OWN


def share() -> None:
    """Draw the button that opens the link."""
    if st.button("Share", icon=":material/share:", key="share"):
        _open()


@st.dialog("Share")
def _open() -> None:
    link = link_here()
    st.markdown("This link opens the page as it is now.")
    st.code(link, language=None, wrap_lines=True)
    if OWN in st.query_params.to_dict().values():
        st.caption("What you uploaded stays here: for others, the link shows the first sample instead.")
    if only_here():
        st.caption("It works on this machine only. For others, start the app with `--address 0.0.0.0`.")
    else:
        st.image(qr_of(link), width=200, caption="Scan it with a phone.")
    if found := pictures():
        st.markdown("Or a picture to keep or to send:")
        downloads(found, where="share")
