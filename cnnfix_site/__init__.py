"""Where the files lie that are in no package: beside this one in a checkout, inside it where a wheel was installed."""

from pathlib import Path

_HERE = Path(__file__).parent
_SITE = _HERE if (_HERE / "app.py").is_file() else _HERE.parent

ASSETS = _SITE / "assets"
PAGES = _SITE / "pages"
APP = _SITE / "app.py"  # beside it lies .streamlit/config.toml
