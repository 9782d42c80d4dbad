"""The address restores the page: settings in session state, and what of them differs from the default in the URL.

Streamlit can bind single widgets to the address, but not components, and not values that depend on each other.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st

_WRITTEN, _VALUES = "address.written", "address.values"


@dataclass(frozen=True)
class Setting:
    """One setting: its default, and how it is read from the address.

    `parse` takes the text and raises ValueError, or any error derived from it, for what is not allowed.
    """

    default: Any
    parse: Callable[[str], Any]


def one_of(*allowed: str, default: str) -> Setting:
    """A setting that is one of these words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(text)
        return text

    return Setting(default, parse)


@contextmanager
def kept_in_address(settings: Mapping[str, Setting]) -> Iterator[None]:
    """Session state is set from the address before, and the address from session state after.

    The address counts when it is not the one that was written last: on opening a link, and on Back and Forward.
    What it says wrongly falls back to the default. Streamlit forgets the settings of a page that is left, and links
    between pages have no settings: then they are what they were.
    """
    given = st.query_params.to_dict()
    missing = [name for name in settings if name not in st.session_state]
    if given != st.session_state.get(_WRITTEN) and (given or not missing):
        for name, setting in settings.items():
            st.session_state[name] = _parsed(setting, given.get(name))
    for name in missing:
        st.session_state.setdefault(name, _kept().get(name, settings[name].default))
    yield
    _kept().update({name: st.session_state.get(name) for name in settings})
    now = {
        name: str(value)
        for name, setting in settings.items()
        if (value := st.session_state.get(name)) not in (None, setting.default)
    }
    if now != st.query_params.to_dict():
        st.query_params.from_dict(now)
    st.session_state[_WRITTEN] = now


def change(name: str, value: Any) -> None:
    """Change a setting of a page from another page, before going there."""
    _kept()[name] = value
    st.session_state.pop(name, None)


def _kept() -> dict[str, Any]:
    """What the settings were at the end of the last run."""
    kept: dict[str, Any] = st.session_state.setdefault(_VALUES, {})
    return kept


def _parsed(setting: Setting, text: str | None) -> Any:
    if text is None:
        return setting.default
    try:
        return setting.parse(text)
    except ValueError:
        return setting.default
