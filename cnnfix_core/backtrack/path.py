"""The path of a walk: the layers from the score back to the picture, grouped into blocks and stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from cnnfix_core.engine import Operation, Trace, Value, family_of, known_as
from cnnfix_core.engine.rules.indexing import same_order
from cnnfix_core.receptive_fields import Field, fields

# A block has at least two of these.
_LINEAR = {"aten.convolution", "aten._convolution", "aten.addmm", "aten.mm"}
_LOOSE = object()
_NO_OPS = {"aten.dropout", "aten.native_dropout"}


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One stop of a walk: a tensor, and the operation that computed it, through which the walk goes on.

    number: 0 at the score, increasing towards the picture. operation: None for the picture. field: the receptive
    fields of its elements; None if the tensor is not a map. block: number of the step's block.
    """

    number: int
    value: Value
    operation: Operation | None
    field: Field | None
    block: int

    @property
    def module(self) -> str:
        """Full name of the module that computed it, "" if there is none."""
        return self.operation.module if self.operation else ""

    @property
    def size(self) -> tuple[int, ...]:
        """Rows and columns of the feature map, () if the tensor is not a map."""
        return self.field.size if self.field else ()


@dataclass(frozen=True, slots=True)
class Block:
    """Steps that belong together: first to last, both included. stage: number of its stage."""

    title: str
    first: int
    last: int
    stage: int

    @property
    def short(self) -> str:
        """The title from its last part that is not a number: "denselayer4" for "features.denseblock2.denselayer4"."""
        parts = self.title.split(".")
        word = max((n for n, part in enumerate(parts) if not part[0].isdecimal()), default=0)
        return ".".join(parts[word:])


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks, first to last, whose feature maps have the same size: rows and columns, () without a map."""

    size: tuple[int, ...]
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Path:
    """All steps, from the score to the picture; blocks and stages in the same order. fields: of all maps."""

    steps: tuple[Step, ...]
    blocks: tuple[Block, ...]
    stages: tuple[Stage, ...]
    fields: Mapping[Value, Field] = field(repr=False)
    _numbers: dict[Value, int] = field(repr=False)

    def step_of(self, value: Value) -> Step | None:
        """The step that shows a tensor; None if the path skips it."""
        number = self._numbers.get(value)
        return None if number is None else self.steps[number]

    def seen_at(self, value: Value) -> Step | None:
        """The step that shows a tensor, or the tensor before it that differs from it only in shape."""
        step = self.step_of(value)
        return step or self.step_of(_before_silent(value))


def path_of(*traces: Trace) -> Path:
    """The path of one or several walks over the same tape: every tensor that at least one of them went through.

    Tensors that differ only in shape are skipped, and so is dropout.
    """
    tape = traces[0].tape
    where = fields(tape)
    made = [(output, operation) for operation in tape.operations for output in operation.outputs if _is_stop(operation)]
    values = [(tape.inputs[0], None), *made]
    visited = [(v, o) for v, o in values if any(len(trace.selection(v)) for trace in traces)]
    sizes = [where[value].size if value in where else () for value, _ in visited]
    for number, (_, operation) in reversed(list(enumerate(visited[:-1]))):
        if operation is not None and "_pad" in operation.name:  # padding belongs to the layer that needs it
            sizes[number] = sizes[number + 1]
    tree = _Modules([(o, size) for (_, o), size in zip(visited, sizes, strict=True) if o is not None])
    keys = [("input",) if o is None else tree.block(o, size) for (_, o), size in zip(visited, sizes, strict=True)]
    order = range(len(visited) - 1, -1, -1)  # from the score on
    steps: list[Step] = []
    blocks: list[tuple[str, int, int, tuple[int, ...]]] = []
    for _, run in groupby(order, key=keys.__getitem__):
        numbers = list(run)
        first = len(steps)
        for n in numbers:
            value, operation = visited[n]
            steps.append(Step(len(steps), value, operation, where.get(value), len(blocks)))
        blocks.append((_title(steps[first:], keys[numbers[0]]), first, len(steps) - 1, sizes[numbers[0]]))
    stages = [
        Stage(size, members[0], members[-1])
        for size, run in groupby(range(len(blocks)), key=lambda n: blocks[n][3])
        if (members := list(run))
    ]
    of_block = {n: number for number, stage in enumerate(stages) for n in range(stage.first, stage.last + 1)}
    numbered = tuple(Block(title, first, last, of_block[n]) for n, (title, first, last, _) in enumerate(blocks))
    return Path(tuple(steps), numbered, tuple(stages), where, {step.value: step.number for step in steps})


def _before_silent(value: Value) -> Value:
    """The tensor before the skipped operations."""
    while value.producer is not None and not _is_stop(value.producer):
        value = value.producer.args[0]
    return value


def _is_stop(operation: Operation) -> bool:
    return known_as(operation) not in _NO_OPS and family_of(operation) is not same_order


class _Modules:
    """The tree of modules that a walk's operations ran in, and which of them are blocks.

    A block is an outermost module with submodules and at least one linear operation that is not itself a row of
    blocks: a residual or inception block or a fully connected head, but not a stage of such blocks. Operations outside
    all blocks are grouped as long as the size of their feature maps stays the same.
    """

    def __init__(self, operations: Sequence[tuple[Operation, tuple[int, ...]]]) -> None:
        self._operations = operations

    def block(self, operation: Operation, size: tuple[int, ...]) -> tuple[object, ...]:
        """A key that all operations of one block share."""
        parts = operation.module.split(".") if operation.module else []
        prefixes = [".".join(parts[: n + 1]) for n in range(len(parts))]
        for module in prefixes:
            if module in self._blocks:
                return (module,)
        return _LOOSE, size

    @cached_property
    def _members(self) -> dict[str, list[int]]:
        """For each module, the indices of the operations in it."""
        members: dict[str, list[int]] = {}
        for number, (operation, _) in enumerate(self._operations):
            parts = operation.module.split(".")
            for n in range(len(parts)):
                members.setdefault(".".join(parts[: n + 1]), []).append(number)
        return members

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for module in self._members:
            if "." in module:
                children.setdefault(module.rpartition(".")[0], []).append(module)
        return children

    @cached_property
    def _blocks(self) -> frozenset[str]:
        """The outermost modules that are blocks, found by descending from the top-level modules."""
        return frozenset(block for module in self._members if "." not in module for block in self._found(module))

    def _found(self, module: str) -> Iterator[str]:
        children = self._children.get(module, [])
        if not module or not children or not self._linear(module):
            return
        if self._is_row(module, children):
            for child in children:
                yield from self._found(child)
        else:
            yield module

    def _linear(self, module: str) -> int:
        return sum(known_as(self._operations[number][0]) in _LINEAR for number in self._members[module])

    def _is_row(self, module: str, children: Sequence[str]) -> bool:
        """Whether a module is a sequence of other blocks: a stage, or all feature layers."""
        sizes = {self._operations[number][1] for number in self._members[module]}
        heavy = [child for child in children if self._linear(child) > 1]
        return len(sizes) > 2 or (len(heavy) > 1 and self._follow_each_other(heavy))

    def _follow_each_other(self, modules: Sequence[str]) -> bool:
        """Whether the second module takes an output of the first as input."""
        first, second = (self._members[module] for module in modules[:2])
        given = {id(output) for number in first for output in self._operations[number][0].outputs}
        taken = [value for number in second for value in self._operations[number][0].activations()]
        return any(id(_before_silent(value)) in given for value in taken)


def _title(steps: Sequence[Step], key: tuple[object, ...]) -> str:
    """The block's module; for layers outside all blocks, the module of a linear one, or the range of their numbers."""
    if steps[0].operation is None:
        return "picture"
    if key[0] != _LOOSE:
        return str(key[0])
    modules = [step.module for step in reversed(steps) if step.module]
    parents, numbers = zip(*(module.rpartition(".")[::2] for module in modules), strict=True) if modules else ((), ())
    if len(set(parents)) == 1 and all(map(str.isdecimal, numbers)):
        numbered = numbers[0] if len(set(numbers)) == 1 else f"{numbers[0]}–{numbers[-1]}"
        return f"{parents[0]}.{numbered}".strip(".")
    linear = [step.module for step in steps if step.operation and known_as(step.operation) in _LINEAR and step.module]
    return next(iter((*linear, *modules)), name_of(steps[0].operation))


def name_of(operation: Operation) -> str:
    """An operation's name without its library, such as "max_pool2d"."""
    return operation.name.partition(".")[2].removesuffix("_with_indices")
