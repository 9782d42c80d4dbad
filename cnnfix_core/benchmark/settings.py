"""What a benchmark was asked for, kept beside its results, so that only the same benchmark goes on."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from cnnfix_core.errors import CnnfixError
from cnnfix_core.zoo import Model

# What maps are computed with.
_PACKAGES = ("cnnfix", "torch", "torchvision", "timm", "captum", "torchcam", "numpy", "scipy", "pillow")


def versions() -> dict[str, str]:
    """The installed versions of this package and of those that it computes with."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a checkout that was not installed
            found[package] = "not installed"
    return found


def digest_of(model: Model) -> str:
    """SHA-256 in hex of a model's parameters and buffers, with their names and shapes."""
    digest = hashlib.sha256()
    for name, tensor in model.module.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Settings:
    """All that decides what the rows of a benchmark say.

    models: name, and `digest_of` its weights. steps: of insertion and deletion; 0 leaves them out.
    pictures: SHA-256 in hex of the list of pictures, labels and truths; count: how many.
    """

    models: dict[str, str]
    methods: tuple[str, ...]
    steps: int
    pictures: str
    count: int
    versions: dict[str, str] = field(default_factory=versions)

    def keep_in(self, folder: Path) -> None:
        """Write them into the folder, which is made; where some are there already they must be the same.

        Raises CnnfixError where they differ.
        """
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "settings.json"
        mine = json.loads(json.dumps(asdict(self)))
        if file.exists():
            _compare(_read(file), mine, folder)
        elif (folder / "results.csv").exists():
            raise CnnfixError(f"{folder} has results without settings: choose another --out.")
        else:
            draft = file.with_suffix(".tmp")
            draft.write_text(json.dumps(mine, indent=1) + "\n", "utf-8")
            os.replace(draft, file)


def _read(file: Path) -> dict[str, Any]:
    try:
        kept = json.loads(file.read_text("utf-8"))
    except (ValueError, OSError):
        kept = None
    if not isinstance(kept, dict):
        raise CnnfixError(f"{file} cannot be read: choose another --out.")
    return kept


def _compare(kept: dict[str, Any], mine: dict[str, Any], folder: Path) -> None:
    other = [name for name in mine if kept.get(name) != mine[name]]
    if other:
        raise CnnfixError(
            f"The results in {folder} are of other {' and '.join(other)}: ask for the same, or choose another --out."
        )
