"""Which pixels made it say that word, and how much of it came from the words before?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cnnfix_core.captions.captioner import Caption, Captioner
from cnnfix_core.captions.vocabulary import END
from cnnfix_core.errors import NothingContributesError, TargetError
from cnnfix_core.fixations import Fixations, on_picture
from cnnfix_core.images import Picture, Source, open_picture
from cnnfix_core.presets import Preset, get_preset
from cnnfix_core.record import record
from cnnfix_core.selection import Floats
from cnnfix_core.unravel import Trace, unravel


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One word of a caption, explained.

    probability: of the word after those before it, 0 to 1. fixations: on the picture; None where nothing of the
    evidence came from there. picture: the share of the evidence that came from the picture. before: the share from
    each word before, <start> first. What is missing to 1 left on the way.
    """

    text: str
    probability: float
    fixations: Fixations | None
    picture: float
    before: tuple[float, ...]

    @property
    def from_picture(self) -> float:
        """The picture's part of what came from picture and words, 0 to 1; NaN where nothing came."""
        total = self.picture + sum(self.before)
        return self.picture / total if total else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class CaptionExplanation:
    """words: of the caption, and "<end>" last. seconds: for the forward pass and all walks."""

    caption: Caption
    preset: Preset
    words: tuple[Word, ...]
    seconds: float


def explain_caption(
    captioner: Captioner,
    image: Source | Picture,
    caption: str | Sequence[str] | None = None,
    preset: str | Preset = "evidence",
    focus: str | None = None,
) -> CaptionExplanation:
    """Explain each word of a caption, as CNN Fixations do (Mopuri et al., IEEE TIP 2019, section 4.5).

    Each walk starts at a word's score, goes back through the recurrence to the picture and to the words before, and
    from the picture's embedding down to the pixels. caption: words to explain, or None for the best of a beam search;
    words that the captioner does not know stand as <unk>.
    Raises PictureError, TargetError for a caption without words, and what `record` and `unravel` raise.
    """
    preset = get_preset(preset, focus)
    picture = image if isinstance(image, Picture) else open_picture(image)
    started = time.perf_counter()
    said = captioner.describe(picture)[0] if caption is None else None
    words = said.words if said else tuple(caption.split() if isinstance(caption, str) else caption or ())
    if not words:
        raise TargetError("The caption has no words: give at least one.")
    vocabulary = captioner.vocabulary
    numbers = [vocabulary.number(word) for word in words]
    module = captioner.module
    with torch.no_grad():
        embedded = module.decoder.embed(torch.tensor([[vocabulary.start, *numbers]]))
    tape = record(module, captioner.inputs(picture), embedded)
    says = tape.output_tensor[0, 1:].log_softmax(dim=1)
    found = []
    for step, (text, number) in enumerate(zip((*words, END), (*numbers, vocabulary.end), strict=True)):
        try:
            trace = unravel(tape, (0, step + 1, number), preset)
        except NothingContributesError:
            trace = None
        found.append(_word(captioner, picture, text, float(says[step, number].exp()), trace, step + 1))
    total = sum(float(says[step, number]) for step, number in enumerate((*numbers, vocabulary.end)))
    return CaptionExplanation(Caption(words, total), preset, tuple(found), time.perf_counter() - started)


def _word(
    captioner: Captioner, picture: Picture, text: str, probability: float, trace: Trace | None, before: int
) -> Word:
    if trace is None:
        return Word(text, probability, None, 0.0, (0.0,) * before)
    fixations = None
    if len(trace.fixations):
        fixations = on_picture(picture, trace.preset, [(captioner.view(picture), trace)])
    return Word(text, probability, fixations, float(trace.fixations.evidence.sum()), _before(trace, before))


def _before(trace: Trace, count: int) -> tuple[float, ...]:
    """The evidence that came to each of the first words."""
    reached = trace.fixations_of(1)
    shares: Floats = np.bincount(reached.index[:, 1], weights=reached.evidence, minlength=count).astype(float)
    return tuple(shares.tolist())
