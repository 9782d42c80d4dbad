"""Paths of the app's files: next to this package in a checkout, inside it in an installed wheel."""

from pathlib import Path

_HERE = Path(__file__).parent
_SITE = _HERE if (_HERE / "app.py").is_file() else _HERE.parent

ASSETS = _SITE / "assets"
PAGES = _SITE / "pages"
GLOSSARY = _SITE / "docs" / "glossary.md"
APP = _SITE / "app.py"  # .streamlit/config.toml is in the same folder
