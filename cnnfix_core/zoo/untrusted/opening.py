"""Open model files, which are treated as untrusted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from torch import nn

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import architectures, state_dict
from cnnfix_core.zoo.checkpoint import Checkpoint
from cnnfix_core.zoo.fitting import Fitted, find, fit
from cnnfix_core.zoo.labels import Labels
from cnnfix_core.zoo.model import Model
from cnnfix_core.zoo.preprocessing import Preprocessing
from cnnfix_core.zoo.scores import Meaning
from cnnfix_core.zoo.untrusted import export_reader, state_dicts
from cnnfix_core.zoo.untrusted.archive import Archive

MAX_MODEL_BYTES = 1_000_000_000


def open_own(  # noqa: PLR0913  # all but the first two are optional
    file: Path | bytes | BinaryIO,
    name: str,
    *,
    architecture: str | None = None,
    labels: Labels | None = None,
    preprocessing: Preprocessing | None = None,
    scores: str | int | None = None,
    meaning: Meaning | None = None,
    max_bytes: int = MAX_MODEL_BYTES,
) -> Model:
    """A model from a file: an exported program (`torch.export.save`), or a state dict (.pth, .safetensors).

    The content of the file tells what it is. Nothing in it is run: pickles are read as plain data, sizes are
    checked against the size of the file before memory is taken, and a program may hold only operations of an
    allow-list.

    Args:
        file: a path, bytes, or an open file.
        name: what the model is called, in messages too.
        architecture: of a state dict: a name such as "resnet50" of torchvision or "timm/resnet50" of timm. A program
            needs none.
        labels: one for each class; None for "class 0", "class 1" and so on. Two for one score: of "no" and "yes".
        preprocessing: None for what the architecture's published weights expect; for a program, the size and channels
            of its example and ImageNet's mean and standard deviation.
        scores: where the scores are in what the network returns, as `Model.of` takes it; None to find them.
        meaning: what they mean, as `Model.of` takes it; None to guess.
        max_bytes: larger files are refused.

    Returns:
        The model, on the CPU.

    Raises:
        ModelError: the file cannot be used, in words for the person who sent it.
    """
    content = _content(file, name, max_bytes)
    module: nn.Module
    notes: tuple[str, ...] = ()
    if _is_program(content, name):
        module, expected = export_reader.read(Archive(content, name))
        preprocessing = preprocessing or expected
        source = "your own program"
    else:
        if architecture is None:
            raise ModelError(f"{name} contains only weights: give the architecture that they belong to.")
        fitted = fit(_checkpoint(content, name), architecture)
        module, notes = fitted.module, fitted.notes
        preprocessing = preprocessing or _preprocessing(architecture, fitted)
        source = f"your own weights for {architecture}"
    module.requires_grad_(False)
    model = Model.of(module, labels, preprocessing, name, source, scores=scores, meaning=meaning)
    return replace(model, notes=notes)


def read_state(file: Path | bytes | BinaryIO, name: str, wanted: Collection[str]) -> state_dict.State:
    """The tensors of a weights file, .pth or .safetensors, that are stored beside tensors with these names.

    As safe as `open_own`; raises ModelError.
    """
    found = find(_checkpoint(_content(file, name, MAX_MODEL_BYTES), name), wanted)
    return {key: one.read() for key, one in found.inside.items()} if found else {}


def _content(file: Path | bytes | BinaryIO, name: str, limit: int) -> bytes:
    """All bytes of the file; at most one byte more than the limit is read."""
    if isinstance(file, Path):
        try:
            with file.open("rb") as opened:
                return _content(opened, name, limit)
        except OSError as error:
            raise ModelError(f"The file {file} cannot be read: {error.strerror}.") from error
    content = file if isinstance(file, bytes) else file.read(limit + 1)
    if not content:
        raise ModelError(f"{name} is empty: save it again or upload it again.")
    if len(content) > limit:
        raise ModelError(f"{name} is larger than {limit / 1e6:g} MB, the limit for your own models.")
    return content


def _is_program(content: bytes, name: str) -> bool:
    if not content.startswith(b"PK"):
        return False
    return "data.pkl" not in Archive(content, name).names()


def _preprocessing(architecture: str, fitted: Fitted) -> Preprocessing:
    usual = architectures.preprocessing(architecture)
    stem = fitted.stem
    return replace(usual, size=stem.size or usual.size).of_channels(stem.channels) if stem else usual


def _checkpoint(content: bytes, name: str) -> Checkpoint:
    if state_dicts.looks_like_safetensors(content):
        return state_dicts.from_safetensors(content, name)
    # A pickle of protocol 2 or later, or an archive of one.
    if content.startswith((b"\x80", b"PK")):
        return state_dicts.from_torch(content, name)
    raise ModelError(
        f"{name} is not a model file: use a .pt2 file by torch.export.save, or weights as .pth or .safetensors."
    )
