"""What a network says of the classes: where its scores are in what it returns, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from cnnfix_core.engine import Path, Tape, Value, named_tensors, part_at
from cnnfix_core.errors import ModelError, did_you_mean

# Where the scores are: a key, an attribute or an index; several, separated by dots; or a function of the result.
Where = str | int | Path | Callable[[Any], Tensor]

# "softmax": a softmax over the classes makes probabilities of the scores, one class is right. "sigmoid": a sigmoid
# does, for each class by itself: several labels may be right, or there is only one score. The others need neither.
Meaning = Literal["softmax", "sigmoid", "probabilities", "log-probabilities"]
MEANINGS: tuple[Meaning, ...] = get_args(Meaning)

_LOGITS = ("logits", "scores")
_ROW_AND_CLASS = 2


# --- where they are ---------------------------------------------------------------------------------------------------


def scores_in(result: Any, where: Where | None, pictures: int) -> Tensor:
    """The scores in what a network returned for a batch: (N, classes), float32 or float64.

    Args:
        result: What the network returned.
        where: None for the first tensor that has one score per class.
        pictures: The number of inputs in the batch, N.

    Raises:
        ModelError: There are no scores there.
    """
    if where is None:
        found = next(iter(candidates(result, pictures).values()), None)
        if found is None:
            raise ModelError(f"The network returns {_listed(result)}; it must return one score per class.")
        return found
    given = where(result) if callable(where) else _at(result, path_of(where))
    table = _table(given, pictures) if isinstance(given, Tensor) else None
    if table is None:
        what = _shape(given) if isinstance(given, Tensor) else f"a {type(given).__name__}"
        returned = f"output {_name(where)} is {what}" if callable(where) or path_of(where) else f"result is {what}"
        raise ModelError(f"The network's {returned}; it must hold one score per class.")
    return table


def candidates(result: Any, pictures: int) -> dict[Path, Tensor]:
    """All tensors of a result that may be scores of classes, as (N, classes), by their paths."""
    tables = {path: _table(tensor, pictures) for path, tensor in named_tensors(result)}
    return {path: table for path, table in tables.items() if table is not None}


def find_scores(tape: Tape, pictures: int, labels: int | None) -> Path:
    """Where a network's scores are, if nobody says so.

    Of several tensors, those with one score per label are preferred, then one that is called logits or scores. Features
    that other scores are computed from are none, nor are parts of other scores, single numbers beside them, such as a
    loss, and auxiliary outputs. Among outputs of the same number of classes, the first is meant.

    Args:
        tape: A recorded run of the network.
        pictures: The number of inputs in its batch.
        labels: The number of labels; None if there are none.

    Raises:
        ModelError: There are none, they are sorted, or it is not clear which.
    """
    found = candidates(tape.result, pictures)
    values = {path: value for (path, _), value in zip(named_tensors(tape.result), tape.outputs, strict=True)}
    found = {path: table for path, table in found.items() if values[path].depends}
    if found and all(_are_ranked(values[path]) for path in found):
        raise ModelError(
            "The network returns its scores in the order of their size, so their places are no classes: return them "
            "unsorted."
        )
    found = {path: table for path, table in found.items() if not _are_ranked(values[path])}
    if not found:
        returned = _listed(tape.result)
        raise ModelError(f"The network returns {returned} for one picture; it must return 1 x the number of classes.")
    fitting = {path: table for path, table in found.items() if _fits(table.shape[1], labels)} or found
    called = next((path for path in fitting if path and path[-1] in _LOGITS), None)
    if called is not None:
        return called
    several = [path for path in fitting if values[path].shape] or list(fitting)  # a single number beside them is a loss
    last = _without_intermediates({path: values[path] for path in several})
    last = [path for path in last if not _is_auxiliary(path)] or last
    if len({found[path].shape[1] for path in last}) > 1:
        listed = ", ".join(f"{_name(path)} ({_shape(found[path])})" for path in last)
        raise ModelError(f"The network returns several tensors that may be scores: {listed}. Say which with `scores`.")
    return last[0]


def _without_intermediates(values: dict[Path, Value]) -> list[Path]:
    """The outputs, without features that others are computed from, and without parts of others."""
    before = {value: _ancestors(value) for value in values.values()}
    whole = {value: _ancestors(value, _MOVES) for value in values.values()}

    def leads_to(one: Value, other: Value) -> bool:
        return one.shape != other.shape and one in before[other] and one not in whole[other]

    def is_part_of(one: Value, other: Value) -> bool:
        return one.shape != other.shape and other in whole[one]

    return [
        path
        for path, value in values.items()
        if not any(leads_to(value, other) or is_part_of(value, other) for other in before)
    ]


def _are_ranked(value: Value) -> bool:
    """Whether scores were sorted, or only the largest kept, so that places in them are ranks."""
    makers = (one.producer for one in (value, *_ancestors(value, _MOVES)) if len(one.shape) <= _ROW_AND_CLASS)
    return any(maker is not None and maker.name in ("aten.sort", "aten.topk") for maker in makers)


def _is_auxiliary(path: Path) -> bool:
    """Whether an output is called so that it helps only in training."""
    return any(str(part).lower().startswith("aux") for part in path)


def _fits(classes: int, labels: int | None) -> bool:
    return labels in (None, classes) or (classes == 1 and labels == 2)


def path_of(where: str | int | Path) -> Path:
    """The path that a person named: "logits", 1, "0.logits"."""
    if isinstance(where, tuple):
        return where
    return tuple(int(part) if part.removeprefix("-").isdecimal() else part for part in str(where).split("."))


def _at(result: Any, path: Path) -> Any:
    if isinstance(result, Tensor) and path == (0,):
        return result  # the first of one
    try:
        return part_at(result, path)
    except LookupError:
        known = [_name(other) for other, _ in named_tensors(result)]
        hint = did_you_mean(_name(path), known, f"It returns {_listed(result)}.")
        raise ModelError(f"The network returns no {_name(path)}. {hint}") from None


def _table(tensor: Tensor, pictures: int) -> Tensor | None:
    """A tensor as (N, classes), if it has one number per class: (N,), (C,) for one picture, (N, C).

    Dimensions of one element may stand anywhere: (N, C, 1, 1), (N, 1, C), (1, N, C).
    """
    if not tensor.is_floating_point() or tensor.numel() % pictures or not tensor.numel():
        return None
    if tensor.ndim > 2 and tensor.shape[:2] == (1, pictures):
        return _table(tensor[0], pictures)
    if tensor.ndim > 1 and (len(tensor) != pictures or tensor[0].numel() != max(tensor.shape[1:])):
        return None
    if tensor.ndim == 1 and len(tensor) != pictures and pictures > 1:
        return None
    plain = tensor if tensor.ndim == 2 else tensor.reshape(pictures, -1)
    return plain if plain.dtype in (torch.float32, torch.float64) else plain.float()


def _ancestors(value: Value, through: Collection[str] | None = None) -> set[Value]:
    """The values that a value was computed from. through: stop at other operations; None for all."""
    found: set[Value] = set()
    waiting = [value]
    while waiting:
        maker = waiting.pop().producer
        if maker is None or (through is not None and maker.name.removeprefix("aten.") not in through):
            continue
        new = [one for one in maker.activations() if one not in found]
        found.update(new)
        waiting += new
    return found


def _name(where: Where) -> str:
    if callable(where):
        return "that `scores` picks"
    return ".".join(map(str, path_of(where))) or "itself"


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"


def _listed(result: Any) -> str:
    parts = [f"{_name(path)}: {_shape(tensor)}" if path else _shape(tensor) for path, tensor in named_tensors(result)]
    return ", ".join(parts[:6]) if parts else "no tensor"


# --- what they mean ---------------------------------------------------------------------------------------------------


def checked_meaning(meaning: str) -> Meaning:
    """The meaning of this name. Raises ModelError if there is none."""
    for known in MEANINGS:
        if meaning == known:
            return known
    hint = did_you_mean(meaning, MEANINGS, f"Choose one of {', '.join(MEANINGS)}.")
    raise ModelError(f"Scores cannot be {meaning!r}. {hint}")


def meaning_in_words(meaning: Meaning, where: Where | None) -> str:
    """What scores mean, and where they are, in a sentence."""
    at = "" if where is None else f", its output {_name(where)},"
    return {
        "softmax": f"Its scores{at} become probabilities by a softmax over all classes.",
        "sigmoid": f"Its scores{at} become probabilities by a sigmoid, each by itself.",
        "probabilities": f"Its scores{at} are probabilities.",
        "log-probabilities": f"Its scores{at} are logarithms of probabilities.",
    }[meaning]


def probabilities(scores: Tensor, meaning: Meaning) -> Tensor:
    """The probability of each class, (N, classes), 0 to 1, from the scores of a batch."""
    if meaning == "softmax":
        return scores.softmax(dim=1)
    if meaning == "sigmoid":
        return scores.sigmoid()
    return scores.exp() if meaning == "log-probabilities" else scores


def log_probabilities(scores: Tensor, meaning: Meaning) -> Tensor:
    """The natural logarithm of each class's probability, (N, classes)."""
    if meaning == "softmax":
        return scores.log_softmax(dim=1)
    if meaning == "sigmoid":
        return F.logsigmoid(scores)
    return scores if meaning == "log-probabilities" else scores.clamp_min(torch.finfo(scores.dtype).tiny).log()


def logits(scores: Tensor, meaning: Meaning) -> Tensor:
    """Scores without bounds: the scores themselves, or the log odds of probabilities, (N, classes)."""
    if meaning in ("softmax", "sigmoid"):
        return scores
    return torch.logit(probabilities(scores, meaning), eps=torch.finfo(scores.dtype).eps)


def both_labels(score: Tensor, meaning: Meaning) -> Tensor:
    """The scores of "no" and "yes", (N, 2), from the one score of "yes", (N, 1)."""
    if meaning == "probabilities":
        return torch.cat([1 - score, score], dim=1)
    if meaning == "log-probabilities":
        return torch.cat([torch.log1p(-score.exp()), score], dim=1)
    return torch.cat([-score, score], dim=1)


# Operations that only move numbers, or take some of them.
_MOVES = {
    *("view", "_unsafe_view", "clone", "squeeze", "unsqueeze", "permute", "transpose", "t", "select", "slice", "split"),
    *("expand", "detach", "alias", "_to_copy", "reshape", "flatten", "split_with_sizes", "unbind"),
    *("index", "index_select"),
}
# Functions that end with probabilities, or with their logarithms; and operations that leave them what they are.
_ENDS: dict[str, Meaning] = {
    **dict.fromkeys(("aten.sigmoid", "aten.hardsigmoid", "aten._softmax", "aten._safe_softmax"), "probabilities"),
    **dict.fromkeys(("aten._log_softmax", "aten.log_sigmoid_forward"), "log-probabilities"),
}
_KEEPS = {
    *_MOVES,
    *("cat", "stack", "clamp", "clamp_min", "clamp_max", "mean", "amax"),
    *("add", "sub", "rsub", "mul", "div", "sum"),  # such as the mean of several networks; their values are checked
}


def guess_meaning(tape: Tape, scores: Tensor) -> Meaning:
    """What the scores of a recorded network mean, if nobody says so.

    Probabilities, or their logarithms, if the network ends so, or if the scores of each picture are at least 0 and sum
    to 1. Otherwise one score alone is a sigmoid's, and several are a softmax's.

    Args:
        tape: The network, recorded on several pictures, whose output the scores are.
        scores: (N, classes).

    Raises:
        ModelError: They are probabilities times something, such as percentages.
    """
    ends = {_ENDS.get(name) for name in _last_functions(tape.output)}
    known = ends.pop() if len(ends) == 1 else None
    if known is not None and _are_probable(scores, known):
        return known
    if known == "probabilities" and _are_scaled(scores.double()):
        raise ModelError(
            f"The scores are probabilities times {float(scores.sum(dim=1).mean()):.4g}: return them from 0 to 1, or "
            "the scores before, or say what they mean with `meaning`."
        )
    if scores.shape[1] == 1:
        return "sigmoid"
    shares: tuple[Meaning, ...] = ("probabilities", "log-probabilities")
    return next((one for one in shares if _sum_to_one(probabilities(scores.double(), one))), "softmax")


def _last_functions(value: Value) -> set[str]:
    """Names of the last operations that do more than move numbers; "" for an input."""
    names = {one.producer.name if one.producer else "" for one in (value, *_ancestors(value, _KEEPS))}
    return {name for name in names if name.removeprefix("aten.") not in _KEEPS}


def _are_probable(scores: Tensor, meaning: Meaning) -> bool:
    shares = probabilities(scores.double(), meaning)
    return bool(((shares >= 0) & (shares < 1.001)).all())


def _are_scaled(scores: Tensor) -> bool:
    """Whether scores of several classes are at least 0 and have the same sum for each picture, such as 100 %."""
    return scores.shape[1] > 1 and _sum_to_one(scores / scores.sum(dim=1).mean())


def _sum_to_one(shares: Tensor) -> bool:
    return bool((shares >= 0).all()) and bool(((shares.sum(dim=1) - 1).abs() < 0.002).all())
