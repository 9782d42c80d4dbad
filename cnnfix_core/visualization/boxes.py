"""Boxes drawn on a picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from cnnfix_core.images import Picture
from cnnfix_core.regions import Box
from cnnfix_core.visualization.drawing import POINT, POINT_EDGE, photo_of


def boxed_figure(picture: Picture, boxes: Sequence[Box], longest_side: int) -> Image.Image:
    """The picture with boxes, the first on top and widest."""
    photo = photo_of(picture, longest_side)
    across, down = photo.width / picture.width, photo.height / picture.height
    draw = ImageDraw.Draw(photo)
    for number, (x0, y0, x1, y1) in reversed(list(enumerate(boxes))):
        corners = (x0 * across, y0 * down, (x1 + 1) * across - 1, (y1 + 1) * down - 1)
        wide = 4 if number == 0 else 2
        draw.rectangle(corners, outline=POINT_EDGE, width=wide + 2)
        draw.rectangle(corners, outline=POINT, width=wide)
    return photo
