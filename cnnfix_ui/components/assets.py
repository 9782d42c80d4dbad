"""Scripts and sheets of components, without a build step."""

from pathlib import Path


def joined(folder: Path, *names: str) -> str:
    """These files of a folder, one after the other: they share their names."""
    return "\n".join((folder / name).read_text("utf-8") for name in names)
