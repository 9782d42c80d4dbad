"""Labels: the names of a model's classes."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from cnnfix_core.errors import ModelError, TargetError, did_you_mean, need
from cnnfix_core.utils.files import printable

MAX_LABELS_BYTES = 10_000_000
_MAX_PYTHON = 1_000_000  # characters: Python's parser takes much more memory than that of JSON


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The classes of a model: every name a class goes by, and what is meant by it.

    Attributes:
        synonyms: one string a class, names separated by ", ".
        definitions: one sentence a class, or "".
    """

    synonyms: tuple[str, ...]
    definitions: tuple[str, ...]
    short: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        first = [names.split(", ")[0] for names in self.synonyms]
        times = Counter(name.lower() for name in first)
        short = (
            f"{name} ({definition.split(';')[0]})" if times[name.lower()] > 1 and definition else name
            for name, definition in zip(first, self.definitions, strict=True)
        )
        object.__setattr__(self, "short", tuple(short))

    @classmethod
    def of(cls, names: Iterable[str]) -> Labels:
        """The labels of these names, without definitions."""
        synonyms = tuple(names)
        return cls(synonyms, ("",) * len(synonyms))

    def __len__(self) -> int:
        return len(self.synonyms)

    def find(self, target: int | str) -> int:
        """Index of a class, given as its index or by one of its names. Raises TargetError."""
        if not isinstance(target, str) or target.strip().removeprefix("-").isdecimal():
            index = int(target)
            if not 0 <= index < len(self):
                raise TargetError(f"There is no class {index}: the model has {len(self)}, from 0 to {len(self) - 1}.")
            return index
        wanted = target.strip().lower()
        # The short name shown for one class may be a synonym of another.
        matches = [i for i, name in enumerate(self.short) if wanted == name.lower()]
        matches = matches or [i for i in range(len(self)) if wanted in self._names(i)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            listed = "; ".join(f"{i}: {self.short[i]}" for i in matches)
            raise TargetError(f"{target!r} is the name of several classes, give the number of one: {listed}.")
        known = {name for i in range(len(self)) for name in self._names(i)}
        hint = did_you_mean(wanted, known, "Give a class number, or another name.")
        raise TargetError(f"The model has no class called {target!r}. {hint}")

    def _names(self, index: int) -> set[str]:
        names = self.synonyms[index].lower()
        return {names, *names.split(", ")}


def numbered(count: int) -> Labels:
    """Names for classes without labels: "class 0", "class 1" ..."""
    return Labels.of(f"class {index}" for index in range(count))


class ImageNetClass(NamedTuple):
    """A class of ImageNet: its WordNet ID, names separated by ", ", and what WordNet says it is."""

    wordnet: str
    names: str
    definition: str


@cache
def imagenet_classes() -> tuple[ImageNetClass, ...]:
    """The 1,000 classes of ImageNet, in order, from timm's tables.

    The tables are read as files, because timm takes two seconds to import.
    """
    need("timm")
    package = find_spec("timm")
    assert package is not None
    folder = Path(*(package.submodule_search_locations or [])) / "data" / "_info"

    def table(name: str) -> dict[str, str]:
        lines = (folder / name).read_text("utf-8").splitlines()
        return dict(line.split("\t") for line in lines)

    names, definitions = table("imagenet_synset_to_lemma.txt"), table("imagenet_synset_to_definition.txt")
    order = (folder / "imagenet_synsets.txt").read_text("utf-8").split()
    return tuple(ImageNetClass(one, names[one], definitions[one]) for one in order)


def imagenet_labels() -> Labels:
    """The 1,000 classes of ImageNet with WordNet definitions."""
    _, names, definitions = zip(*imagenet_classes(), strict=True)
    return Labels(names, definitions)


def read_labels(content: str | bytes) -> Labels:
    """Read labels from a text file with one class per line, from JSON, or from a Python dictionary.

    Lines may have numbers (`0: daisy`, `0,daisy`) or WordNet IDs (`n01440764 tench`) in front. JSON and Python may be a
    list of names, {"0": "cat"}, {0: "cat"}, {"0": ["n02123045", "tabby"]} as for ImageNet, {"cat": 0}, or an object
    that has one of these under a usual key, such as Hugging Face's `config.json`, which has them under `id2label`.

    Raises:
        ModelError: The file is too large or has another format, a class has no name, or a number is missing or given
            twice.
    """
    if len(content) > MAX_LABELS_BYTES:
        raise ModelError(f"The labels are larger than {MAX_LABELS_BYTES / 1e6:g} MB: send only the names of classes.")
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
    except UnicodeDecodeError:
        raise ModelError("The labels are not text: use a UTF-8 text file with one class per line, or JSON.") from None
    text = text.strip("\ufeff \t\r\n")
    names = _from_tree(_parsed(text)) if text.startswith(("[", "{")) else _from_lines(text.splitlines())
    if not any(names):
        raise ModelError("The labels are empty: write one class per line.")
    if "" in names:
        raise ModelError(f"Class {names.index('')} has no name: write one class per line, without empty lines.")
    return Labels.of(names)


# Keys under which others keep the names of classes: Hugging Face, timm, Keras, YOLO, scripts.
_KEYS = ("id2label", "label_names", "names", "class_names", "classes", "labels", "idx_to_class", "class_to_idx")
_NUMBERED = re.compile(r"(\d{1,9})\s*[:;,=\s]\s*(.*)")
_WITH_WORDNET = re.compile(r"n\d{8}[\s,:]+(.*)")

# An object as pairs, to notice a number that is given twice.
_Pairs = tuple[tuple[Any, Any], ...]


def _from_lines(lines: Sequence[str]) -> list[str]:
    lines = [line.strip() for line in lines]
    for rows in (lines, lines[1:]):  # the first may be a heading
        found = [_NUMBERED.fullmatch(row) for row in rows]
        pairs = [(int(one[1]), one[2]) for one in found if one is not None]
        first = min((number for number, _ in pairs), default=0)
        if len(pairs) == len(rows) > 0 and first in {0, 1}:
            return _in_order([(number - first, name) for number, name in pairs])
    found = [_WITH_WORDNET.fullmatch(line) for line in lines]
    return [line if one is None else one[1] for line, one in zip(lines, found, strict=True)]


def _parsed(text: str) -> list[Any] | _Pairs:
    try:
        tree: list[Any] | _Pairs = json.loads(text, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        tree = _parsed_python(text)
    return tree


def _parsed_python(text: str) -> list[Any] | _Pairs:
    try:
        if len(text) > _MAX_PYTHON:
            raise ValueError
        tree = ast.parse(text, mode="eval").body
        if isinstance(tree, ast.Dict):
            keys = [ast.literal_eval(key) for key in tree.keys if key is not None]
            if not all(isinstance(key, str | int) for key in keys):
                raise TypeError
            return tuple(zip(keys, map(ast.literal_eval, tree.values), strict=True))
        found: list[Any] = ast.literal_eval(tree)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise ModelError("The labels look like JSON, but cannot be read: check brackets, quotes and commas.") from None
    return found


def _from_tree(tree: list[Any] | _Pairs) -> list[str]:
    if isinstance(tree, list):
        return [_name(entry) for entry in tree]
    inner = [dict(tree).get(key) for key in _KEYS]
    inside = next((one for one in inner if isinstance(one, list | tuple) and one), None)
    if inside is not None and not all(str(key).isdecimal() for key, _ in tree):
        return _from_tree(inside)
    if all(isinstance(value, int) for _, value in tree):
        tree = tuple((value, key) for key, value in tree)
    return _in_order(tree)


def _in_order(pairs: Sequence[tuple[Any, Any]]) -> list[str]:
    """The names sorted by the numbers before them, which must be 0, 1, 2 ..."""
    named = {str(number): name for number, name in pairs}
    if named.keys() != {str(index) for index in range(len(pairs))}:
        raise ModelError(
            f"The labels must number the classes from 0 to {len(pairs) - 1}, each once: "
            'write {"0": "cat", "1": "dog"}, {"cat": 0, "dog": 1} or ["cat", "dog"].'
        )
    return [_name(named[str(index)]) for index in range(len(pairs))]


def _name(entry: Any) -> str:
    # ImageNet's lists have the WordNet ID first, then the name.
    name = entry[-1] if isinstance(entry, list) and entry else entry
    if not isinstance(name, str):
        raise ModelError(f"A label is {str(name)[:40]!r}, which is not a name: write names in quotes.")
    return " ".join(printable(name).split())
