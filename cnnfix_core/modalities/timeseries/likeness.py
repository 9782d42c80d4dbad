"""Whether a series is like those that a network learnt from: an answer for any other series means nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """The features of the series that a network learnt from, as one Gaussian per class with a common covariance.

    Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution Samples, NeurIPS 2018, eq. 2.

    Attributes:
        means: (classes, D).
        precision: (D, D), the inverse of the covariance.
        limit: The distance that one in a hundred of the series exceeds.
    """

    means: Tensor
    precision: Tensor
    limit: float

    @classmethod
    def learnt(cls, features: Tensor, labels: Tensor) -> Self:
        """From the features (N, D) and classes (N,) of the series that the network learnt from."""
        means = torch.stack([features[labels == label].mean(dim=0) for label in labels.unique()])
        apart = features - means[labels]
        covariance = apart.T @ apart / len(features)
        # A little of the mean variance keeps features that hardly vary from counting without bound.
        precision = torch.linalg.inv(covariance + 0.01 * covariance.diagonal().mean() * torch.eye(len(covariance)))
        found = cls(means, precision, 0.0)
        return cls(means, precision, float(found.distance(features).quantile(0.99)))

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Self:
        """From the tensors of a file."""
        return cls(tensors["means"], tensors["precision"], float(tensors["limit"]))

    @property
    def tensors(self) -> dict[str, Tensor]:
        """For a file."""
        return {"means": self.means, "precision": self.precision.contiguous(), "limit": torch.tensor(self.limit)}

    def distance(self, features: Tensor) -> Tensor:
        """The squared Mahalanobis distance to the nearest class, (N,), from features (N, D)."""
        apart = features[:, None] - self.means
        return torch.einsum("ncd,de,nce->nc", apart, self.precision, apart).amin(dim=1)
