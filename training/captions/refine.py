"""Refining: sample captions from the captioner, and make those that agree with human captions more likely.

This is self-critical training (Rennie et al., CVPR 2017), where each caption is compared to the mean of the others that
were sampled for the same photograph (Kool et al., Buy 4 REINFORCE Samples, Get a Baseline for Free, 2019). The reward
is the mean of BLEU-1 to 4 of a single caption. Some supervised training continues, so that the language stays natural.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from torch import Tensor

from cnnfix_core.modalities.captions import PAD, Vocabulary
from cnnfix_core.modalities.captions.network import Decoder, ShowAndTell
from cnnfix_core.modalities.captions.search import LONGEST
from training.captions.data import Photographs, lessons
from training.captions.learn import Recipe, word_loss
from training.captions.scores import WEIGHTS, bleu, shown
from training.descent import descend

_SMOOTH = SmoothingFunction().method1


@dataclass(frozen=True)
class Refinement:
    """How to refine: the learning rate rises to `highest` during 30 steps, and falls linearly to 0.

    rounds: over all photographs. drawn: samples per photograph. ordinary: weight of the supervised loss.
    """

    rounds: int = 2
    batch: int = 48
    drawn: int = 5
    highest: float = 2e-4
    ordinary: float = 0.03
    decay: float = 1e-4


def refine(
    captioner: ShowAndTell,
    learn: Photographs,
    check: Photographs,
    vocabulary: Vocabulary,
    recipe: Recipe,
    refinement: Refinement,
) -> None:
    """Refine the captioner in place. recipe: for the supervised loss."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(captioner.parameters(), refinement.highest, weight_decay=refinement.decay)
    steps = refinement.rounds * -(-len(learn) // refinement.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: min(1.0, (n + 1) / 30) * (1 - n / steps))
    ordinary = _endless(learn, vocabulary, recipe.batch // 2, rng)
    captioner.eval()  # for batch normalisation; dropout is applied separately
    for number in range(1, refinement.rounds + 1):
        start, earned = time.perf_counter(), []
        for photos in torch.randperm(len(learn), generator=rng).split(refinement.batch):
            loss, rewards = _policy_loss(captioner, learn, photos, vocabulary, refinement.drawn, rng)
            loss = loss + refinement.ordinary * word_loss(captioner, *next(ordinary), vocabulary, recipe)
            descend(loss, optimizer, schedule, 0.5)
            earned.append(rewards.mean().item())
        found = bleu(captioner, check, vocabulary, width=3, most=200)
        took = time.perf_counter() - start
        print(f"{number}: reward {sum(earned) / len(earned):.4f}, BLEU {shown(found)}, {took:.0f} s", flush=True)


def _endless(
    learn: Photographs, vocabulary: Vocabulary, batch: int, rng: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from lessons(learn, vocabulary, batch, rng)


def _policy_loss(
    captioner: ShowAndTell, learn: Photographs, photos: Tensor, vocabulary: Vocabulary, count: int, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The loss, and the rewards (photographs, count), 0 to 1."""
    mirror = torch.rand(len(photos), 1, generator=rng) < 0.5
    features = torch.where(mirror, learn.mirrored[photos], learn.features[photos])
    pictures = captioner.encoder.embedded(features).repeat_interleave(count, dim=0)
    said = drawn(captioner.decoder, pictures.detach(), vocabulary, rng)
    people = [learn.captions[photo] for photo in photos.repeat_interleave(count).tolist()]
    rewards = torch.tensor([reward(row, others, vocabulary) for row, others in zip(said.tolist(), people, strict=True)])
    rewards = rewards.view(-1, count)
    better = (rewards - rewards.mean(dim=1, keepdim=True)) * count / (count - 1)
    before = torch.cat([torch.full((len(said), 1), vocabulary.start), said[:, :-1]], dim=1)
    scores = captioner.decoder(pictures, captioner.decoder.embed(before))[:, 1:]
    likely = _speakable(scores, vocabulary).log_softmax(dim=2).gather(2, said[..., None])[..., 0]
    counts = said != vocabulary.numbers[PAD]
    return -(likely * counts * better.flatten()[:, None]).sum() / counts.sum(), rewards


@torch.no_grad()
def drawn(decoder: Decoder, pictures: Tensor, vocabulary: Vocabulary, rng: torch.Generator) -> Tensor:
    """Sample captions (N, T) that end with <end>, or after 20 words, followed by <pad>. pictures: (N, E)."""
    _, state = decoder.step(pictures, None)
    last = torch.full((len(pictures),), vocabulary.start)
    ended = torch.zeros(len(pictures), dtype=torch.bool)
    said: list[Tensor] = []
    while len(said) < LONGEST and not ended.all():
        scores, state = decoder.step(decoder.embed(last), state)
        last = torch.multinomial(_speakable(scores, vocabulary).softmax(dim=1), 1, generator=rng)[:, 0]
        last = torch.where(ended, vocabulary.numbers[PAD], last)
        said.append(last)
        ended = ended | (last == vocabulary.end)
    return torch.stack(said, dim=1)


def _speakable(scores: Tensor, vocabulary: Vocabulary) -> Tensor:
    silent = torch.zeros(scores.shape[-1], dtype=torch.bool)
    silent[list(vocabulary.silent)] = True
    return scores.masked_fill(silent, -1e9)


def reward(numbers: list[int], people: list[list[str]], vocabulary: Vocabulary) -> float:
    """The mean of BLEU-1 to 4 of one caption against human captions, 0 to 1; 0 for a caption without words."""
    said = [vocabulary.words[number] for number in numbers if number not in (vocabulary.end, vocabulary.numbers[PAD])]
    if not said:
        return 0.0
    scores: list[float] = sentence_bleu(people, said, weights=WEIGHTS, smoothing_function=_SMOOTH)
    return sum(scores) / len(scores)
