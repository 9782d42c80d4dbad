"""Show and Tell: a convolutional network says what is seen, a recurrent one says it in words.

Vinyals et al., Show and Tell: A Neural Image Caption Generator, CVPR 2015. Parts are named as in the common PyTorch
layout of it (encoder: linear, bn; decoder: embed, lstm, linear), so that weights trained elsewhere fit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]


class Encoder(nn.Module):
    """From pictures (N, 3, H, W) to their embeddings (N, E): feature maps, their mean over all places, a linear layer.

    features: gives feature maps, (N, C, h, w).
    """

    def __init__(self, features: nn.Module, channels: int, embedding: int) -> None:
        super().__init__()
        self.features = features
        self.linear = nn.Linear(channels, embedding)
        self.bn = nn.BatchNorm1d(embedding, momentum=0.01)

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, E)."""
        return self.embedded(self.features(pictures).mean(dim=(2, 3)))

    def embedded(self, features: Tensor) -> Tensor:
        """(N, E), from the means of the feature maps, (N, C)."""
        found: Tensor = self.bn(self.linear(features))
        return found


class Decoder(nn.Module):
    """Scores of the next word after a picture and after each word: an LSTM whose first input is the picture."""

    def __init__(self, words: int, embedding: int, hidden: int, layers: int = 1) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, embedding)
        self.lstm = nn.LSTM(embedding, hidden, layers, batch_first=True)
        self.linear = nn.Linear(hidden, words)

    def forward(self, picture: Tensor, embedded: Tensor) -> Tensor:
        """(N, T + 1, words): what may follow the picture, then what may follow each of T words.

        picture: (N, E). embedded: (N, T, E).
        """
        scores, state = self.step(picture, None)
        told = [scores]
        for word in embedded.unbind(dim=1):  # one at a time: a walk would take rows of one product for places of a map
            scores, state = self.step(word, state)
            told.append(scores)
        return torch.stack(told, dim=1)

    def step(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Scores (N, words) of what follows one more input, (N, E), and the state after it."""
        states, state = self.lstm(inputs[:, None], state)
        return self.linear(states[:, 0]), state


class ShowAndTell(nn.Module):
    """Both, as one function of the picture and of the words: a walk comes to either."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, pictures: Tensor, embedded: Tensor) -> Tensor:
        """(N, T + 1, words), from pictures (N, 3, H, W) and the embeddings (N, T, E) of <start> and the words."""
        scores: Tensor = self.decoder(self.encoder(pictures), embedded)
        return scores
