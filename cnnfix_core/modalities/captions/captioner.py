"""A captioner: the network with its vocabulary and the preprocessing of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from cnnfix_core.engine import left_alone
from cnnfix_core.errors import ModelError, TargetError, did_you_mean
from cnnfix_core.images import Picture, Source, View, open_picture, part_view, views
from cnnfix_core.modalities.captions.network import ShowAndTell
from cnnfix_core.modalities.captions.search import search
from cnnfix_core.modalities.captions.vocabulary import Vocabulary
from cnnfix_core.regions import Box
from cnnfix_core.zoo import Labels, LoadedNetwork, Model, Preprocessing


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption.

    Attributes:
        words: Its words, without special tokens.
        log_probability: The natural logarithm of its probability.
    """

    words: tuple[str, ...]
    log_probability: float

    @property
    def text(self) -> str:
        """The words, separated by spaces."""
        return " ".join(self.words)


def whole_view(preprocess: Preprocessing, picture: Picture) -> View:
    """The whole picture, scaled to the input size without keeping its aspect ratio."""
    (found,) = views(picture, "whole", preprocess.size, 1.0, preprocess.interpolation)
    return found


def whole_input(preprocess: Preprocessing, picture: Picture) -> Tensor:
    """The whole picture as a network's input, (3, H, W), on the CPU."""
    return preprocess(whole_view(preprocess, picture).render(picture))


class NextWord(nn.Module):
    """Scores of the next word after given words, (N, words), from pictures (N, 3, H, W).

    Args:
        module: The network.
        numbers: The numbers of the given words, that of <start> first.
    """

    def __init__(self, module: ShowAndTell, numbers: Sequence[int]) -> None:
        super().__init__()
        self.encoder, self.decoder, self.numbers = module.encoder, module.decoder, tuple(numbers)

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute the scores, (N, words)."""
        scores, state = self.decoder.step(self.encoder(pictures), None)
        for number in self.numbers:
            word = self.decoder.embed(torch.full((len(pictures),), number, device=pictures.device))
            scores, state = self.decoder.step(word, state)
        return scores


@dataclass(frozen=True, slots=True, eq=False)
class Captioner(LoadedNetwork):
    """A captioner, ready to use.

    Attributes:
        module: The network.
        vocabulary: The words that it knows.
        preprocess: Turns what it sees of a picture, scaled to the input size, into the network's input.
        source: Where the weights come from.
        licence: The licence of the weights.
        part: The part of a picture that it sees, None for all of it; see `within`.
    """

    module: ShowAndTell
    vocabulary: Vocabulary
    preprocess: Preprocessing
    source: str
    licence: str
    part: Box | None = None

    def __post_init__(self) -> None:
        words = self.module.decoder.embed.num_embeddings
        if words != len(self.vocabulary):
            raise ModelError(f"The captioner knows {words} words, but its vocabulary has {len(self.vocabulary)}.")

    def within(self, part: Box | None) -> Captioner:
        """The same captioner that sees only a part of each picture, to caption regions.

        It captions the part as if it were the whole picture (Johnson, Karpathy, Fei-Fei, DenseCap, CVPR 2016, caption
        regions that a network proposes, with features of one pass over the whole picture). Everything that it is used
        for follows: `describe`, `explain_caption`, whose fixations are in pixels of the whole picture, and `next_word`.

        Args:
            part: x0, y0, x1, y1 in inclusive pixels of the picture, with sides of at least 16; None for the whole.
                Whether it fits is checked when a picture is looked at, which raises PictureError.
        """
        return replace(self, part=part)

    def number(self, word: str) -> int:
        """The number of a word. Raises TargetError for unknown words and for special tokens."""
        number = self.vocabulary.numbers.get(word.lower())
        if number is None or number in (*self.vocabulary.silent, self.vocabulary.end):
            hint = did_you_mean(word.lower(), self.vocabulary.words, "Use another word.")
            raise TargetError(f"The captioner does not know the word {word!r}. {hint}")
        return number

    def next_word(self, words: Sequence[str] = ()) -> Model:
        """A classifier that predicts the word after these; it works with `explain`, `attribute` and every method.

        Its explanations show only evidence in the picture, not in the previous words.

        Raises:
            TargetError: The captioner does not know one of the words.
        """
        numbers = [self.vocabulary.start, *(self.number(word) for word in words)]
        labels = Labels.of(self.vocabulary.words)
        module = NextWord(self.module, numbers).eval()
        return Model(self.name, self.title, module, self.preprocess, labels, self.source, self.licence, part=self.part)

    def view(self, picture: Picture) -> View:
        """What the network sees of a picture: all of it, or its part. Raises PictureError if that does not fit."""
        if self.part is None:
            return whole_view(self.preprocess, picture)
        return part_view(picture, self.part, self.preprocess.size, self.preprocess.interpolation)

    def inputs(self, picture: Picture) -> Tensor:
        """The network's input for a picture, (1, 3, H, W), `placed`."""
        return self.placed(self.preprocess(self.view(picture).render(picture))[None])

    def describe(self, image: Source | Picture, width: int = 5, beginning: Sequence[str] = ()) -> list[Caption]:
        """Describe a picture with a beam search.

        Args:
            image: As for `explain`.
            width: The width of the beam; 1 takes the most probable word at each step.
            beginning: The first words of all captions.

        Returns:
            The best captions found, best first.

        Raises:
            PictureError: The picture cannot be used.
            TargetError: The captioner does not know a word of the beginning.
        """
        picture = image if isinstance(image, Picture) else open_picture(image)
        numbers = [self.number(word) for word in beginning]
        with torch.no_grad(), left_alone(self.module):
            embedded = self.module.encoder(self.inputs(picture))
            found = search(self.module.decoder, embedded, self.vocabulary, width, numbers)
        return [Caption(tuple(self.vocabulary.words[n] for n in one.numbers), one.log_probability) for one in found]
