"""Which pixels made it say that word, and how much of it came from the words before?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import Preset, Selection, Tape, Trace, get_preset, record, unravel, unravel_on
from cnnfix_core.errors import NothingContributesError, TargetError
from cnnfix_core.explanations import Fixations, on_picture
from cnnfix_core.images import Picture, Source, open_picture
from cnnfix_core.modalities.captions.captioner import Caption, Captioner
from cnnfix_core.modalities.captions.search import likely
from cnnfix_core.modalities.captions.vocabulary import END


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where the evidence of one word of a caption came from.

    probability: of the word after those before it, 0 to 1; 0 for one that the captioner does not know. picture: the
    share of the evidence that came from the picture. before: the share from each word before, <start> first. What is
    missing to 1 left on the way. reached: what the walk came to of the picture's embedding, (1, E).
    """

    text: str
    probability: float
    picture: float
    before: tuple[float, ...]
    reached: Selection

    @property
    def from_picture(self) -> float:
        """The picture's part of what came from picture and words, 0 to 1; NaN where nothing came."""
        total = self.picture + sum(self.before)
        return self.picture / total if total else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Word(Origin):
    """The same and the fixations on the picture; None where nothing of the evidence came from there."""

    fixations: Fixations | None

    @classmethod
    def of(cls, origin: Origin, fixations: Fixations | None) -> Word:
        """Both together."""
        return cls(origin.text, origin.probability, origin.picture, origin.before, origin.reached, fixations)


@dataclass(frozen=True, slots=True, eq=False)
class CaptionExplanation:
    """Where each word of a caption came from.

    Attributes:
        words: of the caption, and "<end>" last.
        seconds: for the forward pass and all walks.
    """

    caption: Caption
    preset: Preset
    words: tuple[Word, ...]
    seconds: float

    def maps(self, apart: bool = True, longest_side: int | None = None) -> list[Floats | None]:
        """A map of the picture for each word, as `Fixations.density`; None where nothing came from the picture.

        apart: only what sets the word apart from the others, as `set_apart`.
        """
        seen = [one.fixations for one in self.words]
        found = [one.density(longest_side=longest_side) if one else None for one in seen]
        if not apart:
            return found
        left = iter(set_apart([one for one in found if one is not None]))
        return [None if one is None else next(left) for one in found]


class Seen:
    """A picture that a captioner has seen: recorded once, then asked about any captions.

    Raises what `record` raises.
    """

    def __init__(self, captioner: Captioner, picture: Picture) -> None:
        self.captioner, self.picture = captioner, picture
        self.tape = record(captioner.module.encoder, captioner.inputs(picture))

    def tell(self, words: Sequence[str]) -> Telling:
        """A caption of it, word by word. Raises TargetError for one without words."""
        return Telling(self.captioner, self.tape, tuple(words))

    def fixations(self, origin: Origin, preset: str | Preset) -> Fixations | None:
        """From the embedding down to the pixels. Raises what `unravel` raises, but for NothingContributesError."""
        preset = get_preset(preset)
        if not len(origin.reached):
            return None
        try:
            trace = unravel_on(self.tape, origin.reached, preset)
        except NothingContributesError:
            return None
        return on_picture(self.picture, preset, [(self.captioner.view(self.picture), trace.fixations)])


class Telling:
    """A caption as the captioner would say it: what it gave each word, and where that came from."""

    def __init__(self, captioner: Captioner, seen: Tape, words: tuple[str, ...]) -> None:
        if not words:
            raise TargetError("The caption has no words: give at least one.")
        self._vocabulary = captioner.vocabulary
        self._numbers = [*(self._vocabulary.number(word) for word in words), self._vocabulary.end]
        decoder = captioner.module.decoder
        with torch.no_grad():
            embedded = decoder.embed(torch.tensor([[self._vocabulary.start, *self._numbers[:-1]]]))
        self._tape = record(decoder, seen.output_tensor.detach(), embedded)
        self._says = likely(self._tape.output_tensor[0, 1:].detach(), self._vocabulary)
        self.words = (*words, END)

    @property
    def caption(self) -> Caption:
        """The words, and how likely they are together."""
        total = sum(float(self._says[step, number]) for step, number in enumerate(self._numbers))
        return Caption(self.words[:-1], total)

    def choices(self, step: int, count: int) -> list[tuple[str, float]]:
        """The likeliest words at this place of the caption, from 0, with their probability; best first."""
        values, numbers = self._says[step].topk(min(count, len(self._vocabulary)))
        return [
            (self._vocabulary.words[number], value)
            for value, number in zip(values.exp().tolist(), numbers.tolist(), strict=True)
            if value
        ]

    def origin(self, step: int, preset: str | Preset, rather_than: str | None = None) -> Origin:
        """Where the word at this place came from, or what spoke for it rather than for another word.

        Raises TargetError for a word against itself, and what `unravel` raises.
        """
        place = step + 1  # the first score is what may follow the picture alone
        number = self._numbers[step]
        said = 0, place, number
        target = said if rather_than is None else (said, (0, place, self._vocabulary.number(rather_than)))
        try:
            trace = unravel(self._tape, target, preset)
        except NothingContributesError:
            trace = None
        text, probability = self.words[step], float(self._says[step, number].exp())
        if trace is None:
            reached = Selection.empty(self._tape.inputs[0].shape)
            return Origin(text, probability, 0.0, (0.0,) * place, reached)
        reached = trace.selection(trace.tape.inputs[0])
        return Origin(text, probability, reached.total, _before(trace, place), reached)


def explain_caption(
    captioner: Captioner,
    image: Source | Picture,
    caption: str | Sequence[str] | None = None,
    preset: str | Preset = "evidence",
    focus: str | None = None,
) -> CaptionExplanation:
    """Explain each word of a caption (Mopuri, Garg, Babu, IEEE TIP 28(5), 2019, section 4.5).

    Each walk starts at a word's score, goes back through the recurrence to the picture and to the words before, and
    from the picture's embedding down to the pixels.

    Args:
        captioner: what `load_captioner` or `open_captioner` gave.
        image: a path, a file's bytes, a PIL image, an H x W x 3 uint8 array, or what `open_picture` gave.
        caption: the words to explain, or None for the best of a beam search; words that the captioner does not know
            stand as <unk>.
        preset: "evidence", "published", or a preset of your own.
        focus: "wide", "balanced", "sharp" or "sharpest", for the evidence preset.

    Returns:
        For each word its probability, the shares of its evidence that came from the picture and from each word before,
        and its fixations.

    Raises:
        PictureError: the picture cannot be used.
        TargetError: the caption has no words.
        CnnfixError: what `record` and `unravel` raise.
    """
    preset = get_preset(preset, focus)
    picture = image if isinstance(image, Picture) else open_picture(image)
    started = time.perf_counter()
    if caption is None:
        caption = captioner.describe(picture)[0].words
    seen = Seen(captioner, picture)
    telling = seen.tell(caption.split() if isinstance(caption, str) else caption)
    origins = [telling.origin(step, preset) for step in range(len(telling.words))]
    words = tuple(Word.of(one, seen.fixations(one, preset)) for one in origins)
    return CaptionExplanation(telling.caption, preset, words, time.perf_counter() - started)


def set_apart(maps: Sequence[Floats]) -> list[Floats]:
    """What sets each word apart: its map less the mean of the others', where that is positive.

    maps: of all words of a caption, each of the sum 1; so the sum of what is left, 0 to 1, is the word's own part. The
    words share one embedding of the picture, so that their maps are nearly alike; what they share goes.
    """
    total = np.sum(maps, axis=0)
    others = max(len(maps) - 1, 1)
    return [np.maximum(one - (total - one) / others, 0) for one in maps]


def _before(trace: Trace, count: int) -> tuple[float, ...]:
    """The evidence that came to each of the first words."""
    reached = trace.fixations_of(1)
    shares: Floats = np.bincount(reached.index[:, 1], weights=reached.evidence, minlength=count).astype(float)
    return tuple(shares.tolist())
