"""What a recorder needs to know about an operator; looked up once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch._ops import HigherOrderOperator

from cnnfix_core.engine import rules
from cnnfix_core.engine.biases import BIASED, Biased
from cnnfix_core.engine.decompositions import decomposition_of
from cnnfix_core.errors import RecordError


@dataclass(frozen=True, slots=True)
class Signature:
    """An operator's arguments and what its rule reads of them.

    Attributes:
        name: PyTorch's name without the overload. In-place operations have the name of the other form.
        tensors: the positions of arguments that are tensors, or lists of them; and whether the rule reads them.
        writes: the positions and names of arguments that are written to.
        fresh: whether it makes a tensor that does not depend on the values of its arguments.
        outputs: the positions of outputs that the rule reads.
        decomposition: what to record instead.
        biased: what to record instead if its bias depends on the input.
        outs: for an operator that writes its result to `out`: the names of such arguments, which it does not read.
        apart: for such an operator: the one that returns its result.
    """

    name: str
    tensors: tuple[tuple[int, bool], ...] = ()
    writes: tuple[tuple[int, str], ...] = ()
    fresh: bool = False
    outputs: frozenset[int] = frozenset()
    decomposition: Callable[..., Any] | None = None
    biased: Biased | None = None
    outs: frozenset[str] = frozenset()
    apart: Callable[..., Any] | None = None

    @classmethod
    def of(cls, func: Any) -> Signature:
        """Raises RecordError for an operator that runs functions."""
        if isinstance(func, HigherOrderOperator):
            raise RecordError(f"{func.name()} runs functions, which cannot be recorded.")
        arguments = func._schema.arguments
        writes = tuple((at, argument.name) for at, argument in enumerate(arguments) if argument.is_write)
        name = func._schema.name.replace("::", ".")
        # relu_ and relu have the same rule.
        name = name.removesuffix("_") if writes else name
        known = rules.find(name)
        reads = known.reads if known else rules.Reads()
        tensors = tuple(
            (at, at in reads.args) for at, argument in enumerate(arguments) if "Tensor" in str(argument.type)
        )
        fresh = not tensors or name.endswith("_like") or name.startswith("aten.new_")
        apart = _without_out(func)
        outs = frozenset(argument.name for argument in arguments if argument.is_out) if apart else frozenset[str]()
        return cls(name, tensors, writes, fresh, reads.outputs, decomposition_of(func), BIASED.get(name), outs, apart)

    def written(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """The arguments that are written to: tensors, or lists of them."""
        return [args[at] if at < len(args) else kwargs[name] for at, name in self.writes]


def _without_out(func: Any) -> Callable[..., Any] | None:
    """The operator that takes the same but `out`; None for one without it."""
    arguments = func._schema.arguments
    read = [(one.name, str(one.type)) for one in arguments if not one.is_out]
    if len(read) == len(arguments):
        return None
    others = (getattr(func.overloadpacket, name) for name in func.overloadpacket.overloads())
    alike = (one for one in others if [(each.name, str(each.type)) for each in one._schema.arguments] == read)
    return next(alike, None)


_signatures: dict[Any, Signature] = {}
_as_of = 0


def signatures() -> dict[Any, Signature]:
    """The signatures that were looked up, by operator. A rule may be registered at any time, so ask again each time."""
    global _signatures, _as_of  # a cache; threads that meet here only look up twice
    if _as_of != rules.changes():
        _signatures, _as_of = {}, rules.changes()
    return _signatures
