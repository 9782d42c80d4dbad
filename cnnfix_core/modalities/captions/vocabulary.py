"""Words and their numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from cnnfix_core.errors import ModelError

START, END, UNKNOWN, PAD = "<start>", "<end>", "<unk>", "<pad>"


@dataclass(frozen=True)
class Vocabulary:
    """The words that a captioner can say, by their numbers; four of them are marks: <start>, <end>, <unk>, <pad>.

    Raises ModelError where a word occurs twice, or <start> or <end> is missing.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.numbers) < len(self.words):
            raise ModelError("The vocabulary has a word twice: each must have a number of its own.")
        for mark in (START, END):
            if mark not in self.numbers:
                raise ModelError(f"The vocabulary lacks the mark {mark!r}, with which a captioner begins or ends.")

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @property
    def start(self) -> int:
        """What comes before the first word."""
        return self.numbers[START]

    @property
    def end(self) -> int:
        """What comes after the last word."""
        return self.numbers[END]

    @property
    def silent(self) -> tuple[int, ...]:
        """Marks that are no words, but for <end>."""
        return tuple(self.numbers[mark] for mark in (START, UNKNOWN, PAD) if mark in self.numbers)

    def number(self, word: str) -> int:
        """The number of a word; that of <unk> for one that is not in the vocabulary. Raises ModelError without one."""
        found = self.numbers.get(word.lower(), self.numbers.get(UNKNOWN))
        if found is None:
            raise ModelError(f"The captioner does not know the word {word!r}, and has no mark for unknown ones.")
        return found

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """A list of words, or an object of words and their numbers. Raises ModelError for anything else."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise ModelError(_WANTED) from None
        if isinstance(found, dict):
            found = _in_order(found)
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            raise ModelError(_WANTED)
        return cls(tuple(found))

    def to_json(self) -> str:
        """A list of words."""
        return json.dumps(self.words, ensure_ascii=False, indent=0) + "\n"


_WANTED = (
    "The vocabulary must be JSON: a list of words in the order of their numbers, or an object of words and numbers. "
    "From a pickled Python object, write its word2idx as JSON first."
)


def _in_order(numbers: dict[str, object]) -> list[str]:
    places = {number: word for word, number in numbers.items() if isinstance(number, int)}
    if sorted(places) != list(range(len(numbers))):
        raise ModelError("The numbers of the vocabulary must be 0, 1, 2 and so on, each once.")
    return [places[number] for number in range(len(places))]


def tokens(caption: str) -> list[str]:
    """Words of a caption as captioners learn them: lower case, without punctuation."""
    return re.findall(r"[a-z0-9]+(?:['-][a-z0-9]+)*", caption.lower())


def counted(captions: Iterable[Sequence[str]], least: int) -> Vocabulary:
    """The marks and all words that occur at least so often, the frequent first."""
    times: dict[str, int] = {}
    for caption in captions:
        for word in caption:
            times[word] = times.get(word, 0) + 1
    kept = sorted((word for word, count in times.items() if count >= least), key=lambda word: (-times[word], word))
    return Vocabulary((PAD, START, END, UNKNOWN, *kept))
