"""Messages that a person sees when something goes wrong."""

import logging
import re
import secrets
import sys

import streamlit as st

log = logging.getLogger(__name__)
_REFUSED = "refused."  # in session state


class UserError(Exception):
    """Something the person can put right; the message is one or two plain sentences addressed to them."""


def show_error(error: Exception) -> None:
    """Show `error` on the page, at the current place in the script.

    Errors meant for the person (`UserError` and those that `cnnfix_core` raises on purpose) are shown with their own
    message. For any other error the page shows only a reference, under which the log has the traceback.
    """
    if isinstance(error, _for_the_person()):
        st.error(escaped(str(error)), icon=":material/info:")
        return
    reference = secrets.token_hex(3).upper()
    log.error("Reference %s", reference, exc_info=error)
    st.error(
        f"Something went wrong. If it happens again, please report the reference {reference}.",
        icon=":material/error:",
    )


def show_script_error(error: Exception) -> bool:
    """Do the same for an error that the router cannot catch, with a button to continue (`on_script_error` of `st.App`).

    Such errors are raised in a fragment or in a callback. In a callback they keep the whole page from being drawn, so
    callbacks should only set state and leave everything that can fail to the page.
    """
    show_error(error)
    st.button("Continue", key=f"go_on_{secrets.token_hex(3)}")  # clicking it reruns the page or the fragment
    return True  # Streamlit need not show anything else


def refuse(what: str, why: str) -> None:
    """Remember why something that a visitor gave was refused, until they leave the page; "": it was not."""
    st.session_state[f"{_REFUSED}{what}"] = why


def refusal(what: str) -> str:
    """Why it was refused; "" if it was not."""
    return str(st.session_state.get(f"{_REFUSED}{what}", ""))


def show_refusal(what: str) -> None:
    """Say why it was refused, if it was."""
    if why := refusal(what):
        st.error(escaped(why), icon=":material/info:")


def forget_refusals() -> None:
    """Forget them all: with their page, Streamlit empties the fields and uploads that they are about."""
    for key in [key for key in st.session_state if str(key).startswith(_REFUSED)]:
        del st.session_state[key]


def _for_the_person() -> tuple[type[Exception], ...]:
    core = sys.modules.get(
        "cnnfix_core.errors"
    )  # not imported: if it is not loaded, nothing can have raised its errors
    return (UserError, core.CnnfixError) if core else (UserError,)


def escaped(text: str) -> str:
    """`text` with Markdown escaped, so that file names and labels cannot become links or pictures."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)
