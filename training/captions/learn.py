"""Supervised training: predict the next word of human captions from the words before it."""

from __future__ import annotations

import time
from copy import deepcopy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnfix_core.modalities.captions import PAD, Vocabulary
from cnnfix_core.modalities.captions.network import Decoder, Encoder, ShowAndTell
from training.captions.data import Photographs, lessons
from training.captions.scores import bleu, shown
from training.descent import descend
from training.weights import mean_of


@dataclass(frozen=True)
class Recipe:
    """How to train: AdamW, with a learning rate that rises during the first tenth and falls along a cosine.

    The final weights are the mean over the last `mean` rounds. smoothing: label smoothing.
    """

    embedding: int = 320
    hidden: int = 448
    rounds: int = 9
    mean: int = 3
    batch: int = 128
    highest: float = 2e-3
    dropout: float = 0.3
    smoothing: float = 0.1
    decay: float = 1e-4


def untrained(channels: int, vocabulary: Vocabulary, recipe: Recipe) -> ShowAndTell:
    """A new captioner without the convolutional network, which is not trained."""
    encoder = Encoder(nn.Identity(), channels, recipe.embedding)
    return ShowAndTell(encoder, Decoder(len(vocabulary), recipe.embedding, recipe.hidden))


def learnt(learn: Photographs, check: Photographs, vocabulary: Vocabulary, recipe: Recipe) -> ShowAndTell:
    """Train a captioner on human captions."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    captioner = untrained(learn.features.shape[1], vocabulary, recipe)
    optimizer = torch.optim.AdamW(captioner.parameters(), weight_decay=recipe.decay)
    steps = recipe.rounds * sum(1 for _ in lessons(learn, vocabulary, recipe.batch, rng))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.highest, steps, pct_start=0.1)
    last: list[dict[str, Tensor]] = []
    for number in range(1, recipe.rounds + 1):
        start, losses = time.perf_counter(), []
        captioner.train()
        for features, words in lessons(learn, vocabulary, recipe.batch, rng):
            loss = word_loss(captioner, features, words, vocabulary, recipe)
            descend(loss, optimizer, schedule, 5.0)
            losses.append(loss.item())
        last = [*last, deepcopy(captioner.state_dict())][-recipe.mean :]
        found = bleu(captioner.eval(), check, vocabulary, width=3, most=200)
        took = time.perf_counter() - start
        print(f"{number}: loss {sum(losses) / len(losses):.3f}, BLEU {shown(found)}, {took:.0f} s", flush=True)
    captioner.load_state_dict(mean_of(last))
    return captioner.eval()


def word_loss(
    captioner: ShowAndTell, features: Tensor, words: Tensor, vocabulary: Vocabulary, recipe: Recipe
) -> Tensor:
    """The loss of predicting the next word: <start> after the picture, the first word after <start>, and so on."""
    encoder, decoder = captioner.encoder, captioner.decoder
    picture = F.dropout(encoder.embedded(F.dropout(features, 0.2)), recipe.dropout)
    embedded = F.dropout(decoder.embed(words[:, :-1]), recipe.dropout)
    states, _ = decoder.lstm(torch.cat([picture[:, None], embedded], dim=1))
    scores = decoder.linear(F.dropout(states, recipe.dropout))
    return F.cross_entropy(
        scores.flatten(0, 1),
        words.flatten(),
        ignore_index=vocabulary.numbers[PAD],
        label_smoothing=recipe.smoothing,
    )
