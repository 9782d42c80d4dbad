"""Open model files, which are treated as untrusted."""

from __future__ import annotations

import pickle
from collections.abc import Collection
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from torch import Tensor, nn

from cnnfix_core.engine import Coverage, coverage
from cnnfix_core.errors import CnnfixError, ModelError, need
from cnnfix_core.images import list_samples, open_picture
from cnnfix_core.utils.plain_data import NO_ARRAYS
from cnnfix_core.utils.plain_data import packed as packed_data
from cnnfix_core.utils.plain_data import unpacked as unpacked_data
from cnnfix_core.zoo import architectures, state_dict
from cnnfix_core.zoo.checkpoint import Checkpoint, Stored
from cnnfix_core.zoo.fitting import Fitted, find, fit
from cnnfix_core.zoo.labels import Labels, numbered
from cnnfix_core.zoo.model import Model
from cnnfix_core.zoo.preprocessing import Preprocessing
from cnnfix_core.zoo.scores import Meaning
from cnnfix_core.zoo.untrusted import apart, export_reader, onnx_reader, state_dicts
from cnnfix_core.zoo.untrusted.archive import Archive
from cnnfix_core.zoo.untrusted.elsewhere import Elsewhere, OwnProcess
from cnnfix_core.zoo.untrusted.packing import packed, unpacked
from cnnfix_core.zoo.untrusted.program import Program
from cnnfix_core.zoo.untrusted.program_data import as_data, from_data

MAX_MODEL_BYTES = 1_000_000_000
_MAX_CLASSES = 100_000  # pages list them all
_OWN = "your own"  # the licence


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
    watch: apart.Watch | None = None,
) -> Model:
    """A model from a file: an exported program (`torch.export.save`), an ONNX file, or a state dict.

    The content of the file tells what it is. Nothing in it is run: pickles are read as plain data, sizes are
    checked against the size of the file before memory is taken, and a program may hold only operations of an
    allow-list. On Linux and macOS a process of its own reads the file and tries the model, with limits on memory and
    time; this process gets numbers and a checked description, or a sentence.

    Args:
        file: a path, bytes, or an open file.
        name: what the model is called, in messages too.
        architecture: of a state dict (.pth, .safetensors): a name such as "resnet50" of torchvision or "timm/resnet50"
            of timm. A program needs none.
        labels: one for each class; None for "class 0", "class 1" and so on. Two for one score: of "no" and "yes".
        preprocessing: None for what the architecture's published weights expect; for a program, the size and channels
            of its example and ImageNet's mean and standard deviation.
        scores: where the scores are in what the network returns, as `Model.of` takes it; None to find them.
        meaning: what they mean, as `Model.of` takes it; None to guess.
        max_bytes: larger files are refused.
        watch: called a few times a second with the seconds so far; an error that it raises ends the reading.

    Returns:
        The model, on the CPU.

    Raises:
        ModelError: the file cannot be used, in words for the person who sent it.
    """
    said = FileOptions(name, architecture, labels, preprocessing, scores, meaning)
    return open_tried(_content(file, name, max_bytes), said, watch=watch).model


class FileOptions(NamedTuple):
    """What the person says about a file; as for `open_own`."""

    name: str
    architecture: str | None = None
    labels: Labels | None = None
    preprocessing: Preprocessing | None = None
    scores: str | int | None = None
    meaning: Meaning | None = None


class Tried(NamedTuple):
    """A model from a file, and what a trial walk through it found, or why there was none."""

    model: Model
    report: Coverage | str


def open_tried(
    content: bytes, options: FileOptions, *, elsewhere: bool = False, watch: apart.Watch | None = None
) -> Tried:
    """A model from the bytes of a file, as `open_own` gives it, after a trial walk in the process that read it.

    Args:
        content: the file.
        options: what is said of it.
        elsewhere: never run the network in this process: the model can only be asked, see `asked`.
        watch: as for `open_own`.

    Raises:
        ModelError: the file cannot be used.
    """
    if onnx_reader.looks_like_onnx(content):
        need("onnx")
    name, library = options.name, _library(options.architecture)
    if elsewhere:
        own = OwnProcess(pickle.dumps((options, True)), content, name, library)
        facts: _Facts = unpacked_data(_Facts, own.begin(watch), NO_ARRAYS)
        return Tried(_asked_model(facts, options, own), facts.report)
    if not apart.possible():
        return _tried(_read(content, options), options)
    process, text, tensors = apart.begun(pickle.dumps((options, False)), content, name, library, watch)
    process.end()
    source, report = _unpacked(name, text, tensors)
    return Tried(_model(source, options), report)


def _library(architecture: str | None) -> apart.Library:
    if architecture is None:
        return ""
    return "timm" if architecture.startswith("timm/") else "torchvision"


class _ProgramFile(NamedTuple):
    """What a file of a program says."""

    program: Program
    preprocessing: Preprocessing
    meaning: Meaning | None = None


class _Facts(NamedTuple):
    """All that is told of a network that stays in its process. weights: shape and type of each."""

    classes: int
    preprocess: Preprocessing
    source: str
    meaning: Meaning
    output: tuple[str | int, ...] | str | int | None
    one_score: bool
    together: bool
    notes: tuple[str, ...]
    weights: tuple[tuple[tuple[int, ...], str], ...]
    report: Coverage | str


def examined(request: bytes, content: bytes) -> tuple[bytes, bytes, Model]:
    """Read the file, try the model and walk through it, as `open_tried` does in a process of its own.

    Args:
        request: the pickled `FileOptions`, and whether the network stays in this process.
        content: the file.

    Returns:
        A description as JSON, tensors as safetensors where the network does not stay, and the model.

    Raises:
        ModelError: the file cannot be used.
        Exception: whatever else a hostile file can cause.
    """
    options, stays = pickle.loads(request)  # from this package in another process
    source = _read(content, options)
    needed: dict[str, Tensor] = {}
    if isinstance(source, Checkpoint) and not stays:
        source = _noting(source, needed)
    model, report = _tried(source, options)
    if stays:
        return *packed_data(_facts(model, report)), model
    told = packed_data(report)[0].decode()
    if isinstance(source, _ProgramFile):
        said: dict[str, Any] = {"program": as_data(source.program), "preprocessing": asdict(source.preprocessing)}
        said |= {"meaning": source.meaning, "report": told}
        return *packed(said, source.program.weights()), model
    shapes = {key: one.shape for key, one in source.tensors.items()}
    return *packed({"shapes": shapes, "others": dict(source.others), "report": told}, needed), model


def _tried(source: Checkpoint | _ProgramFile, options: FileOptions) -> Tried:
    """The model, which has run once, and a walk through it for the first sample."""
    model = _model(source, options)
    try:
        picture = open_picture(list_samples()[0].read())
        (view,) = model.views(picture, "whole")
        return Tried(model, coverage(model.module, model.inputs(picture, [view]), target=model.top_score))
    except CnnfixError as error:
        return Tried(model, str(error))


def _facts(model: Model, report: Coverage | str) -> _Facts:
    assert not callable(model.output)
    tensors = (*model.module.parameters(), *model.module.buffers())
    weights = tuple((tuple(one.shape), str(one.dtype).removeprefix("torch.")) for one in tensors)
    classes, said = len(model.labels), (model.preprocess, model.source, model.meaning, model.output)
    return _Facts(classes, *said, model.one_score, model.together, model.notes, weights, report)


def _asked_model(facts: _Facts, options: FileOptions, process: OwnProcess) -> Model:
    name = options.name
    _check_count(name, facts.classes)
    labels = options.labels or numbered(facts.classes)
    return Model(
        name,
        name,
        Elsewhere(process, facts.weights),
        facts.preprocess,
        labels,
        facts.source,
        _OWN,
        meaning=facts.meaning,
        output=facts.output,
        one_score=facts.one_score,
        together=facts.together,
        notes=facts.notes,
    )


def _unpacked(name: str, facts: bytes, tensors: bytes) -> tuple[Checkpoint | _ProgramFile, Coverage | str]:
    said, found = unpacked(facts, tensors)
    report: Coverage | str = unpacked_data(Coverage | str, said["report"].encode(), NO_ARRAYS)
    if "program" in said:
        expected = said["preprocessing"].items()
        values: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in expected}
        return _ProgramFile(from_data(said["program"], found), Preprocessing(**values), said["meaning"]), report
    stored = {key: Stored(tuple(shape), partial(found.__getitem__, key)) for key, shape in said["shapes"].items()}
    return Checkpoint(name, stored, said["others"]), report


def _noting(checkpoint: Checkpoint, needed: dict[str, Tensor]) -> Checkpoint:
    """The same checkpoint; each tensor that is read is noted."""

    def read(key: str) -> Tensor:
        if key not in needed:
            needed[key] = checkpoint.tensors[key].read()
        return needed[key]

    stored = {key: Stored(one.shape, partial(read, key)) for key, one in checkpoint.tensors.items()}
    return replace(checkpoint, tensors=stored)


def _read(content: bytes, options: FileOptions) -> Checkpoint | _ProgramFile:
    name = options.name
    if _is_program(content, name):
        return _ProgramFile(*export_reader.read(Archive(content, name)))
    if onnx_reader.looks_like_onnx(content):
        return _ProgramFile(*onnx_reader.read(content, name))
    if options.architecture is None and name.lower().endswith((".pt2", ".onnx")):
        raise ModelError(f"{name} is damaged, or not what its name says: save the program again.")
    found = _checkpoint(content, name)
    if options.architecture is None:
        raise ModelError(f"{name} contains only weights: give the architecture that they belong to.")
    return found


def _model(source: Checkpoint | _ProgramFile, options: FileOptions) -> Model:
    """The model, which runs once."""
    name, architecture, labels, preprocessing, scores, meaning = options
    module: nn.Module
    notes: tuple[str, ...] = ()
    if isinstance(source, _ProgramFile):
        module, preprocessing = source.program, preprocessing or source.preprocessing
        said, meaning = "your own program", meaning or source.meaning
    else:
        assert architecture is not None
        fitted = fit(source, architecture)
        module, notes = fitted.module, fitted.notes
        preprocessing = preprocessing or _preprocessing(architecture, fitted)
        said = f"your own weights for {architecture}"
    module.requires_grad_(False)
    model = Model.of(module, labels, preprocessing, name, said, scores=scores, meaning=meaning)
    _check_count(name, len(model.labels))
    return replace(model, notes=notes)


def _check_count(name: str, classes: int) -> None:
    if classes > _MAX_CLASSES:
        raise ModelError(f"{name} has {classes:,} classes; at most {_MAX_CLASSES:,} are possible.")


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
        f"{name} is not a model file: use a .pt2 file by torch.export.save, an ONNX file, or weights as .pth or "
        ".safetensors."
    )
