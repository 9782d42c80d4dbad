"""The vocabulary of a captioner: words and their numbers."""

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
    """The words of a captioner in the order of their numbers, with the special tokens <start>, <end>, <unk>, <pad>.

    Raises:
        ModelError: A word occurs twice, or <start> or <end> is missing.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.numbers) < len(self.words):
            raise ModelError("The vocabulary contains a word twice: each word must have a single number.")
        for mark in (START, END):
            if mark not in self.numbers:
                raise ModelError(f"The vocabulary lacks {mark!r}, the special token with which captions begin or end.")

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @property
    def start(self) -> int:
        """The number of <start>, which precedes the first word."""
        return self.numbers[START]

    @property
    def end(self) -> int:
        """The number of <end>, which follows the last word."""
        return self.numbers[END]

    @property
    def silent(self) -> tuple[int, ...]:
        """The numbers of the special tokens that never occur in a caption: all but <end>."""
        return tuple(self.numbers[mark] for mark in (START, UNKNOWN, PAD) if mark in self.numbers)

    def number(self, word: str) -> int:
        """The number of a word, or that of <unk> for an unknown word. Raises ModelError if there is no <unk>."""
        found = self.numbers.get(word.lower(), self.numbers.get(UNKNOWN))
        if found is None:
            raise ModelError(f"The captioner does not know the word {word!r}, and its vocabulary has no <unk>.")
        return found

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Read a list of words, or an object that maps words to numbers. Raises ModelError for anything else."""
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
        """Write the words as a list."""
        return json.dumps(self.words, ensure_ascii=False, indent=0) + "\n"


_WANTED = (
    "The vocabulary must be JSON: a list of words in the order of their numbers, or an object that maps words to "
    "numbers. If it is a pickled Python object, save its word2idx as JSON first."
)


def _in_order(numbers: dict[str, object]) -> list[str]:
    words = {number: word for word, number in numbers.items() if isinstance(number, int)}
    if sorted(words) != list(range(len(numbers))):
        raise ModelError("The numbers in the vocabulary must be 0, 1, 2 and so on, without gaps or repetitions.")
    return [words[number] for number in range(len(words))]


def tokens(caption: str) -> list[str]:
    """Split a caption into words as in training: lower case, without punctuation."""
    return re.findall(r"[a-z0-9]+(?:['-][a-z0-9]+)*", caption.lower())


def counted(captions: Iterable[Sequence[str]], least: int) -> Vocabulary:
    """Make a vocabulary of the special tokens and all words that occur at least `least` times, most frequent first."""
    times: dict[str, int] = {}
    for caption in captions:
        for word in caption:
            times[word] = times.get(word, 0) + 1
    kept = sorted((word for word, count in times.items() if count >= least), key=lambda word: (-times[word], word))
    return Vocabulary((PAD, START, END, UNKNOWN, *kept))
