"""Pictures in a folder."""

from __future__ import annotations

from pathlib import Path

ENDINGS = ("jpg", "jpeg", "png", "webp", "avif", "tif", "tiff", "bmp", "gif")


def picture_files(folder: Path) -> list[Path]:
    """Every file in the folder and its subfolders with a picture's file extension, sorted."""
    kinds = {f".{ending}" for ending in ENDINGS}
    return sorted(file for file in folder.rglob("*") if file.suffix.rstrip().lower() in kinds and file.is_file())
