"""What a person reads when something goes wrong."""

import logging
import re
import secrets
import sys

import streamlit as st

log = logging.getLogger(__name__)


class UserError(Exception):
    """Something the person can put right; the message is one or two plain sentences for them."""


def show_error(error: Exception) -> None:
    """Show `error` on the page, where the script stands.

    Errors meant for the person (`UserError` and whatever `cnnfix_core` raises on purpose) appear in their own words.
    Of any other the page gives only a reference, under which the log has the whole story.
    """
    if isinstance(error, _for_the_person()):
        st.error(escaped(str(error)), icon=":material/info:")
        return
    reference = secrets.token_hex(3).upper()
    log.error("Reference %s", reference, exc_info=error)
    st.error(
        f"Something went wrong that should not have. If it happens again, please report the reference {reference}.",
        icon=":material/error:",
    )


def show_script_error(error: Exception) -> bool:
    """Do the same for an error that the router cannot catch, with a way on: the `on_script_error` of `st.App`.

    That is one in a fragment, or in a callback, where it keeps the whole page from being drawn. Callbacks should
    therefore only set state and leave what can fail to the page.
    """
    show_error(error)
    st.button("Go on", key=f"go_on_{secrets.token_hex(3)}")  # clicking it runs the page, or the fragment, again
    return True  # Streamlit need not show anything else


def _for_the_person() -> tuple[type[Exception], ...]:
    core = sys.modules.get("cnnfix_core.errors")  # not imported: if nobody has loaded it, nobody has raised its errors
    return (UserError, core.CnnfixError) if core else (UserError,)


def escaped(text: str) -> str:
    """Escape Markdown's signs in `text`: file names and labels must not become links or pictures."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)
