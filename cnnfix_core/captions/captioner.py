"""A captioner, ready to be asked: the network with its words and what is done to a picture first."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cnnfix_core.captions.network import ShowAndTell
from cnnfix_core.captions.search import search
from cnnfix_core.captions.vocabulary import Vocabulary
from cnnfix_core.errors import ModelError
from cnnfix_core.images import Picture, Source, View, open_picture, views
from cnnfix_core.zoo.preprocessing import Preprocessing


@dataclass(frozen=True, slots=True)
class Caption:
    """words: without marks. log_probability: natural logarithm of the caption's probability."""

    words: tuple[str, ...]
    log_probability: float

    @property
    def text(self) -> str:
        """The words as people write them."""
        return " ".join(self.words)


@dataclass(frozen=True, eq=False)
class Captioner:
    """preprocess: of the whole picture, squeezed to the network's input. licence: of the weights."""

    name: str
    title: str
    module: ShowAndTell
    vocabulary: Vocabulary
    preprocess: Preprocessing
    source: str
    licence: str

    def __post_init__(self) -> None:
        words = self.module.decoder.embed.num_embeddings
        if words != len(self.vocabulary):
            raise ModelError(f"The captioner knows {words} words, but its vocabulary has {len(self.vocabulary)}.")

    def view(self, picture: Picture) -> View:
        """What it sees of a picture: all of it."""
        (found,) = views(picture, "whole", self.preprocess.size, 1.0, self.preprocess.interpolation)
        return found

    def inputs(self, picture: Picture) -> Tensor:
        """The picture as the network's input: (1, 3, H, W)."""
        return self.preprocess(self.view(picture).render(picture))[None]

    def describe(self, image: Source | Picture, width: int = 3) -> list[Caption]:
        """The best captions that a beam search of this width met, best first; 1: the best word each time.

        Raises PictureError.
        """
        picture = image if isinstance(image, Picture) else open_picture(image)
        with torch.no_grad():
            embedded = self.module.encoder(self.inputs(picture))
        found = search(self.module.decoder, embedded, self.vocabulary, width)
        return [Caption(tuple(self.vocabulary.words[n] for n in one.numbers), one.log_probability) for one in found]
