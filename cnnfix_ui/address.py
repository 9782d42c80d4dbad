"""The address restores the page: settings live in session state, and those that differ from the default in the URL.

Streamlit can bind single widgets to the URL, but not components, nor values that depend on each other. The frame around
the pages, such as a lesson, has settings too, which stay in the address on every page.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st

_WRITTEN, _VALUES, _PAGE, _FRAME = (f"address.{name}" for name in ("written", "values", "page", "frame"))


@dataclass(frozen=True)
class Setting:
    """One setting: its default, and how it is read from the address and written to it.

    `parse` takes the text from the address and raises ValueError for anything that is not allowed. `older` are names
    that earlier versions had in its place; `parse` takes NAME:TEXT for them.
    """

    default: Any
    parse: Callable[[str], Any]
    text: Callable[[Any], str] = str
    older: Sequence[str] = ()


def one_of(*allowed: str, default: str) -> Setting:
    """A setting that takes one of these words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(text)
        return text

    return Setting(default, parse)


def switch() -> Setting:
    """A setting that is on or off, off by default."""

    def parse(text: str) -> bool:
        return bool(("False", "True").index(text))

    return Setting(False, parse)


@contextmanager
def kept_in_address(settings: Mapping[str, Setting]) -> Iterator[None]:
    """Read session state from the address on entry, and write it to the address on exit.

    The address is read only if it differs from the one written last: when a link is opened, and on Back and Forward.
    Invalid values fall back to the default. Links between pages carry no settings; the page then keeps its old ones.
    """
    given = st.query_params.to_dict()
    if _is_new(given):
        for name, setting in settings.items():
            st.session_state[name] = _parsed(setting, _text(name, setting, given))
        st.session_state[_WRITTEN] = given  # read once, so that this does not undo a click that interrupts the run
    for name, setting in settings.items():
        # Assigned even if it exists: otherwise a widget with the same key on another page would be reset.
        st.session_state[name] = st.session_state.get(name, _kept().get(name, setting.default))
    yield
    write(settings)


def write(settings: Mapping[str, Setting]) -> None:
    """Write the settings of session state to the address."""
    _kept().update({name: st.session_state.get(name) for name in settings})
    now = {
        name: setting.text(value)
        for name, setting in settings.items()
        if (value := st.session_state.get(name)) not in (None, setting.default)
    } | st.session_state.get(_FRAME, {})
    if now != st.query_params.to_dict():
        st.query_params.from_dict(now)
    st.session_state[_WRITTEN] = now


def is_plain(settings: Mapping[str, Setting]) -> bool:
    """Whether nothing differs from the defaults: no link was opened, and nothing was chosen."""
    return not frame() and all(st.session_state[name] in (None, one.default) for name, one in settings.items())


def enter_page(page: str) -> bool:
    """Remember which page runs now; the router calls this first. Whether it is another than before."""
    before = st.session_state.get(_PAGE)
    if before != page and not st.query_params.to_dict():
        st.session_state[_WRITTEN] = {}  # a link between pages: nothing to read, even if a click stops this run
    st.session_state[_PAGE] = page
    return before != page


def enter_frame(frame_of: Callable[[Mapping[str, str]], dict[str, str]]) -> dict[str, str]:
    """The settings of the frame, as text, which `frame_of` takes from an address; called after `enter_page`."""
    given = st.query_params.to_dict()
    if _is_new(given):
        st.session_state[_FRAME] = frame_of(given)
    return frame()


def frame() -> dict[str, str]:
    """The settings of the frame; none if there is no frame around the pages."""
    return dict(st.session_state.get(_FRAME, {}))


def leave_frame() -> None:
    """Forget the settings of the frame."""
    st.session_state.pop(_FRAME, None)


def reset(name: str) -> None:
    """Undo what a widget has just changed."""
    del st.session_state[name]


def set_value(name: str, value: Any) -> None:
    """Change a setting of another page before switching to it."""
    _kept()[name] = value
    st.session_state.pop(name, None)


def _is_new(given: dict[str, str]) -> bool:
    """Whether the address was opened, rather than written here. Links between pages carry no settings."""
    return given != st.session_state.get(_WRITTEN)


def _kept() -> dict[str, Any]:
    """The settings at the end of the last run."""
    kept: dict[str, Any] = st.session_state.setdefault(_VALUES, {})
    return kept


def _text(name: str, setting: Setting, given: Mapping[str, str]) -> str | None:
    older = (f"{one}:{given[one]}" for one in setting.older if one in given)
    return given.get(name, next(older, None))


def _parsed(setting: Setting, text: str | None) -> Any:
    if text is None:
        return setting.default
    try:
        return setting.parse(text)
    except ValueError:
        return setting.default
