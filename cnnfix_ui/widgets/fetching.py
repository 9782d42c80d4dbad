"""Loading a network, with a progress bar while its weights download."""

from collections.abc import Callable

import streamlit as st

from cnnfix_core import ModelInfo
from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import DownloadProgress
from cnnfix_ui.errors import escaped, show_error


def load_with_bar(info: ModelInfo, load: Callable[[DownloadProgress], object]) -> None:
    """Load it, then rerun the page; if that fails, say why."""
    place = st.empty()
    bar = place.progress(0.0, f"Loading {escaped(info.title)} …")

    def progress(done: int, total: int | None) -> None:
        of = total or info.size or 0
        bar.progress(
            min(1.0, done / of) if of else 0.0,
            f"{done / 1e6:.0f} of {of / 1e6:.0f} MB. Clicking anything cancels the download.",
        )

    try:
        load(progress)
    except ModelError as error:
        place.empty()
        show_error(error)
    else:
        st.rerun()
