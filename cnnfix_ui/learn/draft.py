"""A draft of a lesson: screens that a teacher adds while exploring, to be downloaded as a lesson file."""

from __future__ import annotations

import streamlit as st

from cnnfix_core.lessons import Screen, address_of, draft_of, parse_screen
from cnnfix_core.lessons.reading import MAX_STEPS
from cnnfix_ui import errors
from cnnfix_ui.learn import FRAME

_SCREENS = "learn.draft"


def offer(page: str) -> None:
    """Draw a button that adds the screen as it is now, and the draft if there is one."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Add to lesson",
            icon=":material/playlist_add:",
            key="draft.add",
            type="tertiary",
            on_click=_add,
            args=[page],
            help="Puts this screen into a lesson of your own, which you download and write on.",
        )
        show()


def show() -> None:
    """Draw the draft, to be downloaded or thrown away; nothing if there is none."""
    screens = _screens()
    if why := errors.refusal(_SCREENS):
        st.caption(errors.escaped(why))
    if not screens:
        return
    steps = "1 step" if len(screens) == 1 else f"{len(screens)} steps"
    st.download_button(
        f"Download the draft, {steps}",
        draft_of(screens),
        "my-lesson.md",
        "text/markdown",
        icon=":material/download:",
        on_click="ignore",
        key="draft.download",
    )
    st.button("Discard", icon=":material/delete:", key="draft.discard", type="tertiary", on_click=screens.clear)


def _screens() -> list[Screen]:
    found: list[Screen] = st.session_state.setdefault(_SCREENS, [])
    return found


def _add(page: str) -> None:
    """Add the screen that the address restores. What only this visitor has cannot be in a lesson."""
    errors.refuse(_SCREENS, "")
    settings = {name: value for name, value in st.query_params.to_dict().items() if name not in FRAME}
    try:
        if len(_screens()) >= MAX_STEPS:
            raise ValueError(f"A lesson has at most {MAX_STEPS} steps.")
        screen = parse_screen(address_of(Screen(page, settings)))
    except ValueError as error:
        errors.refuse(_SCREENS, str(error))
    else:
        _screens().append(screen)
