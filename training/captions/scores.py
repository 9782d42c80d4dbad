"""Corpus BLEU of a captioner (Papineni et al., ACL 2002), against all captions of each photograph."""

from __future__ import annotations

import warnings

import torch
from nltk.translate.bleu_score import corpus_bleu

from cnnfix_core.modalities.captions import Vocabulary
from cnnfix_core.modalities.captions.network import ShowAndTell
from cnnfix_core.modalities.captions.search import search
from training.captions.data import Photographs

WEIGHTS = [tuple(1 / n for _ in range(n)) for n in (1, 2, 3, 4)]


def bleu(
    captioner: ShowAndTell, found: Photographs, vocabulary: Vocabulary, width: int, most: int | None = None
) -> tuple[float, ...]:
    """BLEU-1 to 4, 0 to 1, of the best caption for each of the first `most` photographs."""
    with torch.no_grad():
        pictures = captioner.encoder.embedded(found.features[:most])
    said = [
        [vocabulary.words[number] for number in search(captioner.decoder, picture[None], vocabulary, width)[0].numbers]
        for picture in pictures
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # early in training, no four words in a row are right
        scores: list[float] = corpus_bleu(found.captions[:most], said, weights=WEIGHTS)
    return tuple(scores)


def shown(found: tuple[float, ...]) -> str:
    """Format scores in %, with one decimal."""
    return " ".join(f"{100 * one:.1f}" for one in found)
