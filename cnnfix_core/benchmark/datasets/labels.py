"""Find the class of a model for an annotation's label."""

from __future__ import annotations

import re
from functools import cache

from cnnfix_core.errors import TargetError
from cnnfix_core.zoo import Labels, imagenet_classes

_WORDNET = re.compile(r"n\d{8}")


def class_of(labels: Labels, label: str) -> int:
    """Index of the class with this label: a WordNet ID of an ImageNet class, a name or a class number.

    Raises:
        TargetError: The model has no such class, or several with that name.
    """
    if not _WORDNET.fullmatch(label):
        return labels.find(label)
    known = _imagenet()
    if label not in known:
        raise TargetError(f"{label} is not one of ImageNet's 1,000 classes: give the name of a class of the model.")
    index, names = known[label]
    # The model's classes are ImageNet's, in their order, only if its class with that number has the same name.
    if index < len(labels) and names & {name.strip().lower() for name in labels.synonyms[index].split(",")}:
        return index
    raise TargetError(f"{label} is {sorted(names)[0]!r} of ImageNet, and the model's classes are not ImageNet's.")


@cache
def _imagenet() -> dict[str, tuple[int, frozenset[str]]]:
    return {
        one.wordnet: (number, frozenset(one.names.lower().split(", "))) for number, one in enumerate(imagenet_classes())
    }
