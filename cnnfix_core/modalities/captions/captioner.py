"""A captioner, ready to be asked: the network with its words and what is done to a picture first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnnfix_core.errors import ModelError, TargetError, did_you_mean
from cnnfix_core.images import Picture, Source, View, open_picture, views
from cnnfix_core.modalities.captions.network import ShowAndTell
from cnnfix_core.modalities.captions.search import search
from cnnfix_core.modalities.captions.vocabulary import Vocabulary
from cnnfix_core.zoo import Labels, LoadedNetwork, Model, Preprocessing


@dataclass(frozen=True, slots=True)
class Caption:
    """words: without marks. log_probability: natural logarithm of the caption's probability."""

    words: tuple[str, ...]
    log_probability: float

    @property
    def text(self) -> str:
        """The words as people write them."""
        return " ".join(self.words)


def whole_view(preprocess: Preprocessing, picture: Picture) -> View:
    """All of a picture, squeezed to the input's size."""
    (found,) = views(picture, "whole", preprocess.size, 1.0, preprocess.interpolation)
    return found


def whole_input(preprocess: Preprocessing, picture: Picture) -> Tensor:
    """The same as numbers: (3, H, W)."""
    return preprocess(whole_view(preprocess, picture).render(picture))


class NextWord(nn.Module):
    """Scores of the word that follows <start> and some words, (N, words), from pictures (N, 3, H, W)."""

    def __init__(self, module: ShowAndTell, numbers: Sequence[int]) -> None:
        super().__init__()
        self.encoder, self.decoder, self.numbers = module.encoder, module.decoder, tuple(numbers)

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, words)."""
        scores, state = self.decoder.step(self.encoder(pictures), None)
        for number in self.numbers:
            word = self.decoder.embed(torch.full((len(pictures),), number, device=pictures.device))
            scores, state = self.decoder.step(word, state)
        return scores


@dataclass(frozen=True, slots=True, eq=False)
class Captioner(LoadedNetwork):
    """A captioner, ready to be asked.

    Attributes:
        preprocess: of the whole picture, squeezed to the network's input.
        licence: of the weights.
    """

    module: ShowAndTell
    vocabulary: Vocabulary
    preprocess: Preprocessing
    source: str
    licence: str

    def __post_init__(self) -> None:
        words = self.module.decoder.embed.num_embeddings
        if words != len(self.vocabulary):
            raise ModelError(f"The captioner knows {words} words, but its vocabulary has {len(self.vocabulary)}.")

    def number(self, word: str) -> int:
        """The number of a word. Raises TargetError for one that the captioner does not know, and for marks."""
        number = self.vocabulary.numbers.get(word.lower())
        if number is None or number in (*self.vocabulary.silent, self.vocabulary.end):
            hint = did_you_mean(word.lower(), self.vocabulary.words, "Use another word.")
            raise TargetError(f"The captioner does not know the word {word!r}. {hint}")
        return number

    def next_word(self, words: Sequence[str] = ()) -> Model:
        """A model whose classes are words: which one follows these, for `explain`, `attribute` and all else.

        Evidence in the words before is nothing that it can show. Raises TargetError for a word that is not known.
        """
        numbers = [self.vocabulary.start, *(self.number(word) for word in words)]
        labels = Labels.of(self.vocabulary.words)
        module = NextWord(self.module, numbers).eval()
        return Model(self.name, self.title, module, self.preprocess, labels, self.source, self.licence)

    def view(self, picture: Picture) -> View:
        """What it sees of a picture: all of it."""
        return whole_view(self.preprocess, picture)

    def inputs(self, picture: Picture) -> Tensor:
        """The picture as the network's input: (1, 3, H, W)."""
        return whole_input(self.preprocess, picture)[None]

    def describe(self, image: Source | Picture, width: int = 5, beginning: Sequence[str] = ()) -> list[Caption]:
        """The best captions that a beam search of this width met, best first; 1: the best word each time.

        beginning: words with which all of them begin. Raises PictureError, TargetError for a word that is not known.
        """
        picture = image if isinstance(image, Picture) else open_picture(image)
        numbers = [self.number(word) for word in beginning]
        with torch.no_grad():
            embedded = self.module.encoder(self.inputs(picture))
        found = search(self.module.decoder, embedded, self.vocabulary, width, numbers)
        return [Caption(tuple(self.vocabulary.words[n] for n in one.numbers), one.log_probability) for one in found]
