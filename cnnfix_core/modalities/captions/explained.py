"""Which pixels led to each word of a caption, and how much of its evidence came from the previous words?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import Preset, Selection, Tape, Trace, get_preset, record, unravel, unravel_on
from cnnfix_core.errors import NothingContributesError, TargetError
from cnnfix_core.explanations import Fixations, PictureEvidence, feature_maps
from cnnfix_core.images import Picture, Source, open_picture
from cnnfix_core.modalities.captions.captioner import Caption, Captioner
from cnnfix_core.modalities.captions.search import likely
from cnnfix_core.modalities.captions.vocabulary import END
from cnnfix_core.regions import Box


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where the evidence for one word of a caption came from.

    The shares of the picture and of the previous words sum to 1 minus what was lost on the way.

    Attributes:
        text: The word.
        probability: The probability of the word given the previous ones, 0 to 1; 0 if the captioner does not know it.
        picture: The share of the evidence that came from the picture.
        before: The shares that came from each previous word, <start> first.
        reached: Where the walk arrived in the embedding of the picture, (1, E).
    """

    text: str
    probability: float
    picture: float
    before: tuple[float, ...]
    reached: Selection

    @property
    def from_picture(self) -> float:
        """The picture's part of the evidence that arrived at the picture or at words, 0 to 1; NaN if none arrived."""
        total = self.picture + sum(self.before)
        return self.picture / total if total else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Word(Origin):
    """The same with the evidence on the picture; it is None if none came from the picture."""

    seen: PictureEvidence | None

    @classmethod
    def of(cls, origin: Origin, seen: PictureEvidence | None) -> Word:
        """Combine both."""
        return cls(origin.text, origin.probability, origin.picture, origin.before, origin.reached, seen)

    @property
    def fixations(self) -> Fixations | None:
        """The fixations on the picture; None if no evidence came from the picture."""
        return None if self.seen is None else self.seen.fixations


@dataclass(frozen=True, slots=True, eq=False)
class CaptionExplanation:
    """The explanation of each word of a caption.

    Attributes:
        caption: The caption.
        preset: The settings of the walks.
        words: The explained words, "<end>" last.
        seconds: The duration of the forward pass and all walks.
        part: The part of the picture that was captioned; None for all of it.
    """

    caption: Caption
    preset: Preset
    words: tuple[Word, ...]
    seconds: float
    part: Box | None = None

    def maps(self, apart: bool = True, longest_side: int | None = None) -> list[Floats | None]:
        """A map of the picture for each word; None if no evidence came from the picture.

        Args:
            apart: Show only what distinguishes the word from the others, see `set_apart`; otherwise its whole map.
            longest_side: As for `Explanation.map`.
        """
        found = [one.seen.map(longest_side) if one.seen else None for one in self.words]
        if not apart:
            return found
        left = iter(set_apart([one for one in found if one is not None]))
        return [None if one is None else next(left) for one in found]


class Seen:
    """A picture, recorded once to explain any number of captions of it. Raises what `record` raises."""

    def __init__(self, captioner: Captioner, picture: Picture) -> None:
        self.captioner, self.picture = captioner, picture
        self.tape = record(captioner.module.encoder, captioner.inputs(picture))
        self._shown = feature_maps(self.tape)

    def tell(self, words: Sequence[str]) -> Telling:
        """Record a caption of the picture, word by word. Raises TargetError if it has no words."""
        return Telling(self.captioner, self.tape, tuple(words))

    def evidence(self, origin: Origin, preset: str | Preset) -> PictureEvidence | None:
        """Walk back from the embedding to the pixels; None if nothing contributes. Raises what else `unravel` does."""
        preset = get_preset(preset)
        if not len(origin.reached):
            return None
        try:
            trace = unravel_on(self.tape, origin.reached, preset)
        except NothingContributesError:
            return None
        return PictureEvidence.of(self.picture, preset, [(self.captioner.view(self.picture), trace)], self._shown)


class Telling:
    """A caption of a picture: the probability of each word, and where its evidence came from."""

    def __init__(self, captioner: Captioner, seen: Tape, words: tuple[str, ...]) -> None:
        if not words:
            raise TargetError("The caption has no words: give at least one.")
        self._vocabulary = captioner.vocabulary
        self._numbers = [*(self._vocabulary.number(word) for word in words), self._vocabulary.end]
        decoder = captioner.module.decoder
        with torch.no_grad():
            before = [[self._vocabulary.start, *self._numbers[:-1]]]
            embedded = decoder.embed(torch.tensor(before, device=captioner.device))
        self._tape = record(decoder, seen.output_tensor.detach(), embedded)
        self._says = likely(self._tape.output_tensor[0, 1:].detach(), self._vocabulary)
        self.words = (*words, END)

    @property
    def caption(self) -> Caption:
        """The words, and the probability of the whole caption."""
        total = sum(float(self._says[step, number]) for step, number in enumerate(self._numbers))
        return Caption(self.words[:-1], total)

    def choices(self, step: int, count: int) -> list[tuple[str, float]]:
        """The most probable words at a position of the caption, counted from 0, with probabilities; best first."""
        values, numbers = self._says[step].topk(min(count, len(self._vocabulary)))
        return [
            (self._vocabulary.words[number], value)
            for value, number in zip(values.exp().tolist(), numbers.tolist(), strict=True)
            if value
        ]

    def origin(self, step: int, preset: str | Preset, rather_than: str | None = None) -> Origin:
        """Find where the evidence for the word at a position came from.

        Args:
            step: The position of the word, counted from 0.
            preset: As for `explain`.
            rather_than: Explain the word rather than this one.

        Raises:
            TargetError: A word is contrasted with itself.
            CnnfixError: Whatever `unravel` raises.
        """
        position = step + 1  # the scores at position 0 follow the picture alone, before <start>
        number = self._numbers[step]
        score = 0, position, number
        target = score if rather_than is None else (score, (0, position, self._vocabulary.number(rather_than)))
        try:
            trace = unravel(self._tape, target, preset)
        except NothingContributesError:
            trace = None
        text, probability = self.words[step], float(self._says[step, number].exp())
        if trace is None:
            reached = Selection.empty(self._tape.inputs[0].shape)
            return Origin(text, probability, 0.0, (0.0,) * position, reached)
        reached = trace.selection(trace.tape.inputs[0])
        return Origin(text, probability, reached.total, _before(trace, position), reached)


def explain_caption(
    captioner: Captioner,
    image: Source | Picture,
    caption: str | Sequence[str] | None = None,
    preset: str | Preset = "evidence",
    focus: str | None = None,
) -> CaptionExplanation:
    """Explain each word of a caption (Mopuri, Garg, Babu, IEEE TIP 28(5), 2019, section 4.5).

    Each walk starts at the score of a word. It goes back through the recurrent network to the previous words and to the
    embedding of the picture, and from there to the pixels.

    Args:
        captioner: A captioner from `load_captioner` or `open_captioner`; for a region of the picture, what its `within`
            gave. The fixations are in pixels of the whole picture then, too.
        image: A path, the bytes of a file, a PIL image, an H x W x 3 uint8 array, or a picture from `open_picture`.
        caption: The words to explain, or None for the best caption of a beam search. A word that the captioner does not
            know is replaced by <unk>.
        preset: "evidence", "published", or a preset of your own.
        focus: "wide", "balanced", "sharp" or "sharpest", for the evidence preset.

    Returns:
        For each word its probability, its evidence on the picture, and the shares of its evidence that came from the
        picture and from each previous word.

    Raises:
        PictureError: The picture cannot be used.
        TargetError: The caption has no words.
        CnnfixError: Whatever `record` and `unravel` raise.
    """
    preset = get_preset(preset, focus)
    picture = image if isinstance(image, Picture) else open_picture(image)
    started = time.perf_counter()
    if caption is None:
        caption = captioner.describe(picture)[0].words
    seen = Seen(captioner, picture)
    telling = seen.tell(caption.split() if isinstance(caption, str) else caption)
    origins = [telling.origin(step, preset) for step in range(len(telling.words))]
    words = tuple(Word.of(one, seen.evidence(one, preset)) for one in origins)
    return CaptionExplanation(telling.caption, preset, words, time.perf_counter() - started, captioner.part)


def set_apart(maps: Sequence[Floats]) -> list[Floats]:
    """What distinguishes each word: the positive part of its map minus the mean of the other words' maps.

    All words share one embedding of the picture, so their maps are nearly alike; the difference removes what they have
    in common.

    Args:
        maps: The maps of all words of a caption; each sums to 1.

    Returns:
        The differences. The sum of each, 0 to 1, is the part of its map that belongs to this word alone.
    """
    total = np.sum(maps, axis=0)
    others = max(len(maps) - 1, 1)
    return [np.maximum(one - (total - one) / others, 0) for one in maps]


def _before(trace: Trace, count: int) -> tuple[float, ...]:
    """The evidence that arrived at each of the first `count` words."""
    reached = trace.fixations_of(1)
    shares: Floats = np.bincount(reached.index[:, 1], weights=reached.evidence, minlength=count).astype(float)
    return tuple(shares.tolist())
