"""Find the weights of a network in a checkpoint, wherever a training script has put them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from cnnfix_core.zoo.checkpoint import Checkpoint, Stored

Tensors = Mapping[str, Stored]

# Parts of names that wrappers of modules and pickled modules add: DataParallel, torch.compile, FSDP.
_WRAPPERS = {
    "module",
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
    "_modules",
    "_parameters",
    "_buffers",
}
# What training scripts keep beside a network: it computes no score.
_BESIDE = re.compile(
    r"(.*_)?(criterion|loss|loss_fn|metrics?|acc|accuracy|auroc|f1|optim|optimi[sz]ers?|(lr_)?schedulers?|scaler|ema)"
    r"(_.*)?|(train|valid?|test)_.*"
)
_AVERAGED = re.compile(r"(^|[._])ema([._]|$)")
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Found:
    """The weights of a network in a checkpoint.

    Attributes:
        prefix: What stands before their names in the file; "" or a name with a dot at its end.
        inside: The tensors with this prefix, by their names without it.
        outside: All other tensors.
        copies: Prefixes of further copies of the network, as large as this one.
        others: What else is in the file.
    """

    prefix: str
    inside: Tensors
    outside: Tensors
    copies: tuple[str, ...]
    others: Mapping[str, str]

    def beside(self) -> Tensors:
        """The tensors around the network, by their names within the part of the file that holds it."""
        common = self.prefix[: self.prefix[:-1].rfind(".") + 1]
        return {name.removeprefix(common): one for name, one in self.outside.items() if name.startswith(common)}

    def notes(self, used: Iterable[Stored]) -> tuple[str, ...]:
        """What was taken and what was left, in sentences."""
        taken = {id(one) for one in used}
        tensors = {**{self.prefix + name: one for name, one in self.inside.items()}, **self.outside}
        left = [name for name, one in tensors.items() if id(one) not in taken]
        names = [*(name for name in left if not name.endswith("num_batches_tracked")), *self.others]
        holding = _ancestors(name for name, one in tensors.items() if id(one) in taken)
        parts = dict.fromkeys(_part(name, holding) for name in names if name)
        notes = [f"The weights are those under “{self.prefix[:-1]}” in the file."] if self.prefix else []
        if self.copies:
            same = ", ".join(f"“{prefix[:-1]}”" for prefix in self.copies)
            notes.append(f"The file has the same network under {same} too, which was left out.")
        rest = [part for part in parts if f"{part}." not in self.copies]
        if rest:
            more = f" and {len(rest) - _SHOWN} more" if len(rest) > _SHOWN else ""
            shown = (f"{part} ({self.others[part]})" if self.others.get(part) else part for part in rest[:_SHOWN])
            notes.append(f"Left out: {', '.join(shown)}{more}.")
        return tuple(notes)


def find(checkpoint: Checkpoint, wanted: Collection[str]) -> Found | None:
    """The tensors with these names, below the prefix that most of them share; None if there is none of them.

    Of equal copies, an average over training (EMA) is taken, as its accuracy is the published one, else the first.
    """
    tensors = _plain_names(checkpoint, wanted)
    votes: Counter[str] = Counter()
    for name in tensors:
        parts = name.split(".")
        votes.update(".".join((*parts[:n], "")) for n in range(len(parts)) if ".".join(parts[n:]) in wanted)
    if not votes:
        return None
    most = max(votes.values())
    prefix, *copies = sorted(
        (prefix for prefix, count in votes.items() if count == most), key=lambda prefix: not _AVERAGED.search(prefix)
    )
    inside = {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
    outside = {name: one for name, one in tensors.items() if not name.startswith(prefix)}
    return Found(prefix, inside, outside, tuple(copies), checkpoint.others)


def is_beside(name: str, stored: Stored) -> bool:
    """Whether a tensor that a network lacks is none of its weights: a count, or part of a loss, a metric and so on."""
    return math.prod(stored.shape) <= 1 or _BESIDE.fullmatch(name.partition(".")[0]) is not None


def _plain_names(checkpoint: Checkpoint, wanted: Collection[str]) -> dict[str, Stored]:
    """The tensors, without the parts of names that wrappers add."""
    parts = {part for name in wanted for part in name.split(".")}
    removed = _WRAPPERS - parts
    # In many ResNets for small pictures.
    renamed = {"shortcut": "downsample"} if "downsample" in parts and "shortcut" not in parts else {}
    return {
        ".".join(renamed.get(part, part) for part in name.split(".") if part not in removed): one
        for name, one in checkpoint.tensors.items()
    }


def _ancestors(names: Iterable[str]) -> set[str]:
    """Every part of a file that holds one of these names."""
    return {".".join(parts[:n]) for name in names for parts in [name.split(".")] for n in range(len(parts) + 1)}


def _part(name: str, holding: Collection[str]) -> str:
    """The largest part of the file that holds this name, and is none of those that hold others."""
    parts = name.split(".")
    steps = [".".join(parts[: n + 1]) for n in range(len(parts))]
    return next((step for step in steps if step not in holding), name)
