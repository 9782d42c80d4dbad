"""Which class of a model an annotation means."""

from __future__ import annotations

import re
from functools import cache

from cnnfix_core.errors import TargetError
from cnnfix_core.zoo import Labels, imagenet_info

_WORDNET = re.compile(r"n\d{8}")


def class_of(labels: Labels, label: str) -> int:
    """Index of the class that this label names: a WordNet number of ImageNet's classes, a name or a class number.

    Raises TargetError where the model has no such class, or several of that name.
    """
    if not _WORDNET.fullmatch(label):
        return labels.find(label)
    places = _imagenet()
    if label not in places:
        raise TargetError(f"{label} is none of ImageNet's 1,000 classes: give a name that the model has.")
    index, names = places[label]
    # Only where the model's class of that number is called so are its classes ImageNet's in their order.
    if index < len(labels) and names & {name.strip().lower() for name in labels.synonyms[index].split(",")}:
        return index
    raise TargetError(f"{label} is {sorted(names)[0]!r} of ImageNet, and the model's classes are not ImageNet's.")


@cache
def _imagenet() -> dict[str, tuple[int, frozenset[str]]]:
    info = imagenet_info()
    return {
        info.index_to_label_name(n): (n, frozenset(info.index_to_description(n).lower().split(", ")))
        for n in range(info.num_classes())
    }
