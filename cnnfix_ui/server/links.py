"""Links that others can open, and their QR codes."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import segno
import streamlit as st

from cnnfix_site import hosting


def addresses() -> list[str]:
    """The addresses under which others reach this server, the likeliest first.

    It is the one that the visitor's browser uses; or if that works only on the same machine, those of its network.
    """
    here = urlsplit(st.context.url or "http://localhost:8501")
    own = f"{here.scheme}://{here.netloc}"
    if not hosting.is_local(here.hostname):
        return [own]
    return hosting.urls_for_others(st.get_option("server.address") or "0.0.0.0", here.port or 80) or [own]


def only_here() -> bool:
    """Whether no other machine can open the address."""
    return hosting.is_local(urlsplit(addresses()[0]).hostname)


def link_here() -> str:
    """The link to this page with its settings."""
    query = urlencode(dict(st.query_params))
    return f"{addresses()[0]}{urlsplit(st.context.url or '/').path}{query and f'?{query}'}"


def qr_of(link: str) -> str:
    """The QR code of a link, as a data URI of an SVG picture."""
    return str(segno.make(link, error="m").svg_data_uri(border=3, light="#fff", scale=10))
