"""A page without a browser."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]


def page(name: str, **address: str) -> AppTest:
    """The page of that name at this address, run once."""
    app = AppTest.from_file(str(ROOT / "cnnfix_ui" / "main.py"), default_timeout=180)
    for key, value in address.items():
        app.query_params[key] = value
    return app.run() if name == "explore" else app.switch_page(f"../pages/{name}.py").run()  # it is at "/"


def headings(app: AppTest) -> set[str]:
    """Its headings; it must not have failed."""
    assert not app.exception
    return {heading.value for heading in (*app.header, *app.subheader)}
