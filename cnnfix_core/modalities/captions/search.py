"""Search for captions with a beam search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cnnfix_core.modalities.captions.network import Decoder, State
from cnnfix_core.modalities.captions.vocabulary import Vocabulary

LONGEST = 20
LENGTH = 0.85  # the best of 0.7, 0.85, 1 and 1.3 on Flickr8k's validation photographs


@dataclass(frozen=True, slots=True)
class Found:
    """A caption that was found.

    Attributes:
        numbers: The numbers of its words, without special tokens.
        log_probability: The natural logarithm of its probability. This includes <end>, except if the caption was cut
            off after 20 words.
    """

    numbers: tuple[int, ...]
    log_probability: float

    @property
    def rank(self) -> float:
        """The log probability normalised by length, to compare captions; <end> counts as a word."""
        return float(self.log_probability / (len(self.numbers) + 1) ** LENGTH)


@dataclass(frozen=True, slots=True)
class _Beginning:
    numbers: tuple[int, ...]
    log_probability: float
    ended: bool = False

    @property
    def rank(self) -> float:
        return float(self.log_probability / max(len(self.numbers) + self.ended, 1) ** LENGTH)


_Entry = tuple[int | None, _Beginning]
"""A beginning, and the row of the decoder's state that continues it; None if it has ended."""


def likely(scores: Tensor, vocabulary: Vocabulary) -> Tensor:
    """Turn scores into log probabilities of words, (N, words); special tokens other than <end> are excluded."""
    scores = scores.clone()
    scores[:, list(vocabulary.silent)] = -torch.inf
    return scores.log_softmax(dim=1)


@torch.no_grad()
def search(
    decoder: Decoder, picture: Tensor, vocabulary: Vocabulary, width: int = 3, beginning: Sequence[int] = ()
) -> list[Found]:
    """Find the best captions of a picture with a beam search, best first.

    Captions have at most 20 words and no special tokens. The search ranks beginnings by their log probability divided
    by their length to the power of 0.85.

    Args:
        decoder: The decoder.
        picture: The embedding of the picture, (1, E).
        vocabulary: The words.
        width: The width of the beam; 1 takes the most probable word at each step.
        beginning: The numbers of the first words of all captions.
    """
    _, state = decoder.step(picture, None)
    total, last = 0.0, torch.tensor([vocabulary.start], device=picture.device)
    for number in beginning:
        scores, state = decoder.step(decoder.embed(last), state)
        total += float(likely(scores, vocabulary)[0, number])
        last = torch.tensor([number], device=picture.device)
    beginnings = [_Beginning(tuple(beginning), total)]
    for _ in range(LONGEST - len(beginning)):
        going = [one for one in beginnings if not one.ended]
        if not going:
            break
        scores, state = decoder.step(decoder.embed(last), state)
        says = likely(scores, vocabulary)
        grown: list[_Entry] = [(None, one) for one in beginnings if one.ended]
        for row, one in enumerate(going):
            grown += _grown(row, one, says[row], width, vocabulary.end)
        grown = sorted(grown, key=lambda entry: -entry[1].rank)[:width]
        beginnings = [one for _, one in grown]
        rows = [row for row, one in grown if not one.ended and row is not None]
        last = torch.tensor([one.numbers[-1] for one in beginnings if not one.ended], device=picture.device)
        state = _kept(state, rows)
    return [Found(one.numbers, one.log_probability) for one in beginnings]


def _grown(row: int, one: _Beginning, says: Tensor, width: int, end: int) -> list[_Entry]:
    found: list[_Entry] = []
    for value, number in zip(*(part.tolist() for part in says.topk(min(width, len(says)))), strict=True):
        if value == -torch.inf:
            continue
        total = one.log_probability + value
        ended = number == end
        found.append((row, _Beginning(one.numbers if ended else (*one.numbers, number), total, ended)))
    return found


def _kept(state: State, rows: list[int]) -> State:
    hidden, cell = state
    return hidden[:, rows], cell[:, rows]
