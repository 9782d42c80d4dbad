"""What the playback ends with: the map of the explanation, as all pages draw it."""

from __future__ import annotations

from typing import Any

from cnnfix_core.explanations import Explanation
from cnnfix_core.images import Picture
from cnnfix_ui.components.panels.component import map_legend, map_uri
from cnnfix_ui.widgets import depths


def end_of(picture: Picture, explanation: Explanation) -> dict[str, Any]:
    """The map on the picture, and what its colours mean, for the browser."""
    return {"map": map_uri(picture, depths.usual(explanation).map), **map_legend()}
