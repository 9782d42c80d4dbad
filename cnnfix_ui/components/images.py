"""Images for the browser."""

from __future__ import annotations

import base64
import io

from PIL import Image


def image_uri(image: Image.Image) -> str:
    """An image as a JPEG in a data URI."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg(image)).decode()}"


def jpeg(image: Image.Image) -> bytes:
    """An image as the bytes of a JPEG file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=86)
    return buffer.getvalue()
