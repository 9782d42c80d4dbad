"""Show and Tell: a convolutional network encodes the picture, and a recurrent network writes the caption.

Vinyals et al., Show and Tell: A Neural Image Caption Generator, CVPR 2015. The layers are named as in the common
PyTorch implementation (encoder: linear, bn; decoder: embed, lstm, linear), so that weights trained elsewhere fit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]


class Encoder(nn.Module):
    """Embeds pictures (N, 3, H, W) as (N, E): global average pooling of feature maps, and a linear layer.

    Args:
        features: Computes the feature maps, (N, C, h, w).
        channels: The number of feature maps, C.
        embedding: The size of the embedding, E.
    """

    def __init__(self, features: nn.Module, channels: int, embedding: int) -> None:
        super().__init__()
        self.features = features
        self.linear = nn.Linear(channels, embedding)
        self.bn = nn.BatchNorm1d(embedding, momentum=0.01)

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute the embeddings, (N, E)."""
        return self.embedded(self.features(pictures).mean(dim=(2, 3)))

    def embedded(self, features: Tensor) -> Tensor:
        """Compute the embeddings, (N, E), from the means of the feature maps, (N, C)."""
        found: Tensor = self.bn(self.linear(features))
        return found


class Decoder(nn.Module):
    """An LSTM that scores the next word after each input; the first input is the picture, the others are words."""

    def __init__(self, words: int, embedding: int, hidden: int, layers: int = 1) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, embedding)
        self.lstm = nn.LSTM(embedding, hidden, layers, batch_first=True)
        self.linear = nn.Linear(hidden, words)

    def forward(self, picture: Tensor, embedded: Tensor) -> Tensor:
        """Compute the scores of the next word after the picture and after each of T words, (N, T + 1, words).

        Args:
            picture: The embedding of the picture, (N, E).
            embedded: The embeddings of the words, (N, T, E).
        """
        scores, state = self.step(picture, None)
        all_scores = [scores]
        # One word at a time: a walk would take the rows of a single matrix product for positions in a feature map.
        for word in embedded.unbind(dim=1):
            scores, state = self.step(word, state)
            all_scores.append(scores)
        return torch.stack(all_scores, dim=1)

    def step(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Compute the scores of the next word after one more input (N, E), as (N, words), and the new state."""
        states, state = self.lstm(inputs[:, None], state)
        return self.linear(states[:, 0]), state


class ShowAndTell(nn.Module):
    """Encoder and decoder as one function of the picture and the words, so that a walk can arrive at both."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, pictures: Tensor, embedded: Tensor) -> Tensor:
        """Compute the scores, (N, T + 1, words), from pictures (N, 3, H, W) and embedded words (N, T, E)."""
        scores: Tensor = self.decoder(self.encoder(pictures), embedded)
        return scores
