"""Who asks: a browser at an address, whatever number of pages it has open."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

import streamlit as st
from starlette.requests import HTTPConnection
from starlette.types import Scope
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import StopException, get_script_run_ctx

_OWN_BITS = 64  # of an address of version 6: what names the network
_COOKIE = "_streamlit_xsrf"  # Streamlit gives each browser a random one


class Visitor(NamedTuple):
    """A browser. What has no cookie, such as a script, counts as one browser for each address.

    address: of version 6, the network of it, since each machine has a whole one (64 bits) to choose from.
    """

    address: str
    browser: str


NOBODY = Visitor("", "")  # the server itself, for example when it warms up


def visitor() -> Visitor:
    """Whose page is drawn by this thread; NOBODY outside of pages."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return NOBODY
    return Visitor(_network(st.context.ip_address or "localhost"), _token(st.context.cookies.get(_COOKIE, "")))


def end_with_page() -> None:
    """End the run of this thread if its page was closed or lost its connection: nobody waits for what it computes.

    A run that is only to begin anew, after a click, goes on: the next one takes what it has computed.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context and not is_open(context.session_id):
        raise StopException


def is_open(session: str) -> bool:
    """Whether this page is connected. Where there is no server, all are."""
    return not exists() or get_instance().is_active_session(session)


def visitor_of(scope: Scope) -> Visitor:
    """Whose request this is."""
    request = HTTPConnection(scope)
    return Visitor(_network(request.client.host if request.client else ""), _token(request.cookies.get(_COOKIE, "")))


def _network(address: str) -> str:
    """What of an address a visitor cannot change at will."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(IPv6Network((int(found), _OWN_BITS), strict=False))


def _token(cookie: str) -> str:
    """What stays the same in the cookie: Streamlit masks it anew for each answer, as version|mask|masked token|time."""
    try:
        _, mask, masked, _ = cookie.split("|")
        key, text = bytes.fromhex(mask), bytes.fromhex(masked)
        return bytes(byte ^ key[n % len(key)] for n, byte in enumerate(text)).hex()
    except (ValueError, ZeroDivisionError):
        return ""
