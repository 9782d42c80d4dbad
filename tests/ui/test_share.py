"""Links to share, without a browser."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.runtime.context import ContextProxy

from cnnfix_ui.server import links


@pytest.mark.parametrize(
    ("url", "own", "link"),
    [
        ("http://10.0.0.7:8501/compare", [], "http://10.0.0.7:8501/compare"),
        ("https://fix.example.org/", [], "https://fix.example.org/"),
        ("http://localhost:8501/", ["http://10.0.0.7:8501"], "http://10.0.0.7:8501/"),
        ("http://localhost:8501/", [], "http://localhost:8501/"),
    ],
)
def test_the_link_is_one_that_others_can_open_where_there_is_one(
    url: str, own: list[str], link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ContextProxy, "url", url)
    monkeypatch.setattr(links.hosting, "urls_for_others", lambda *_: own)
    assert links.link_here() == link
    assert links.only_here() == (link == "http://localhost:8501/")
    assert links.qr_of(link).startswith("data:image/svg+xml")

    monkeypatch.setattr(ContextProxy, "url", "http://10.0.0.7:8501/captions")
    monkeypatch.setattr(st, "query_params", {"picture": "cat", "caption": "a dog & a cat"}, raising=False)
    assert links.link_here() == "http://10.0.0.7:8501/captions?picture=cat&caption=a+dog+%26+a+cat"
