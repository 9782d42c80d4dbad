"""Recording: run a module once and log its tensor operations on a tape.

A dispatch mode sees every operation on real values while the module runs as usual, with the same kernels. Nothing
is exported, compiled or rewritten, so data-dependent control flow is fine. In-place operations are logged as their
out-of-place counterparts: kept values are copied before they are overwritten, and tensors that share the memory get a
new value afterwards.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from types import FrameType
from typing import Any

from torch import Tensor, dtype, from_numpy, inference_mode, nn, no_grad
from torch._ops import HigherOrderOperator
from torch.utils._pytree import tree_leaves, tree_map_only

from cnnfix_core.engine import rules
from cnnfix_core.engine.aliasing import Overwrite, layout_of, memory_of
from cnnfix_core.engine.decompositions import decomposition_of
from cnnfix_core.engine.dispatch import computed_by
from cnnfix_core.engine.eval_mode import undisturbed, written_silently
from cnnfix_core.engine.outside import Outside
from cnnfix_core.engine.parts import own_tensors, submodules
from cnnfix_core.engine.results import tensors_in
from cnnfix_core.engine.tape import COMPLEX, WHOLE, Operation, Tape, Value, in_module
from cnnfix_core.errors import CnnfixError, RecordError, TargetError

# Frames with this code object show which module an operation runs in, without hooks, and for this thread only.
_MODULE_CALL = nn.Module._call_impl.__code__
_Entry = tuple[weakref.ref[Tensor], Value]


def record(module: nn.Module, *inputs: Any, **options: Any) -> Tape:
    """Run a module once, in evaluation mode and without gradients, and keep on a tape what a walk will read.

    The module's mode, buffers, hooks and gradients stay unchanged, even if it fails or other threads record it at the
    same time. Inputs are not written to.

    Args:
        module: any PyTorch module.
        inputs: its arguments, with at least one floating-point tensor, perhaps inside lists or dicts.
        options: its keyword arguments.

    Returns:
        The tape of `module(*inputs, **options)`. `tape.result` is what the module returned.

    Raises:
        RecordError: the module fails, or its output does not depend on a floating-point input tensor.
    """
    with inference_mode(False):
        return _recorded(_Recorder(module), module, inputs, options)


def record_whole(module: nn.Module, *inputs: Any, **options: Any) -> Tape:
    """Do the same, and keep every value for inspection: about three times the memory, until `lighten` frees most."""
    with inference_mode(False):
        return _recorded(_Recorder(module, whole=True), module, inputs, options)


def _recorded(recorder: _Recorder, module: nn.Module, inputs: tuple[Any, ...], options: dict[str, Any]) -> Tape:
    own = tree_map_only(Tensor, lambda tensor: tensor.detach().clone(), (inputs, options))
    values = tuple(recorder.enter(leaf) for leaf in tree_leaves(own) if isinstance(leaf, Tensor))
    if not any(value.depends for value in values):
        raise RecordError("record() needs at least one floating-point input tensor.")
    with undisturbed(module) as recorder.before_write, no_grad(), Outside(recorder), computed_by(recorder.compute):
        try:
            result = module(*own[0], **own[1])
        except Exception as error:
            shapes = ", ".join(str(value.shape) for value in values)
            raise RecordError(f"The module failed on inputs of shape {shapes}: {error}") from error
    outputs = recorder.values_in(result)
    if not outputs:
        raise RecordError(f"The module returned an object of type {type(result).__name__}, which holds no tensor.")
    if not any(value.depends for value in outputs):
        how = next((f" except through {value.cut}, which walks do not follow" for value in outputs if value.cut), "")
        raise RecordError(f"The module's output does not depend on the input{how}, so there is nothing to walk.")
    outside = tuple(dict.fromkeys(recorder.outside))
    operations = _ancestry(recorder.operations, outputs)
    return Tape(operations, values, outputs, result, recorder.holders, outside, whole=recorder.whole)


def go_on(tape: Tape, compute: Callable[[Any], Any]) -> Tape:
    """Record `compute(tape.result)` on top of a tape; what it returns is the new result.

    Raises TargetError if it fails, or returns nothing that depends on the input.
    """
    recorder = _Recorder(nn.Module(), tape.operations, whole=True)  # it needs little memory
    for tensor, value in zip(tensors_in(tape.result), tape.outputs, strict=True):
        recorder.remember(tensor, value)
    with inference_mode(False), no_grad(), Outside(recorder), computed_by(recorder.compute):
        try:
            result = compute(tape.result)
        except CnnfixError:
            raise
        except Exception as error:
            raise TargetError(f"The function that computes the target failed: {error}") from error
    outputs = recorder.values_in(result)
    if not outputs or not outputs[0].depends:
        raise TargetError("The function that computes the target must return a tensor that depends on the input.")
    return replace(tape, operations=_ancestry(recorder.operations, outputs), outputs=outputs, result=result)


def _flat(result: Any) -> list[Tensor]:
    """The tensors that an operator returned: one, several, or none if it returned a number."""
    if isinstance(result, Tensor):
        return [result]
    return [leaf for leaf in result if isinstance(leaf, Tensor)] if isinstance(result, (list, tuple)) else []


@cache
def _cut_by(kind: dtype) -> str:
    """What kind of numbers keeps walks from following a tensor; "" where they can."""
    if kind.is_complex:
        return COMPLEX
    return "" if kind.is_floating_point else WHOLE


def _ancestry(operations: Sequence[Operation], outputs: Sequence[Value]) -> tuple[Operation, ...]:
    """The operations that the outputs were computed by; the others are dropped with their values."""
    wanted = {id(value) for value in outputs}
    kept: list[Operation] = []
    for operation in reversed(operations):
        if any(id(value) in wanted for value in operation.outputs):
            kept.append(operation)
            wanted.update(id(value) for value in operation.activations())
    return tuple(reversed(kept))


@dataclass(frozen=True, slots=True)
class _Signature:
    """What the recorder needs to know about an operator; looked up once."""

    name: str
    tensors: tuple[int, ...]  # the positions of arguments that are tensors, or lists of them
    writes: tuple[tuple[int, str], ...]
    fresh: bool  # makes a tensor that does not depend on the values of its arguments
    reads: rules.Reads
    rule: rules.Rule | None  # the rule that was registered at the time
    decomposition: Callable[..., Any] | None = None  # what to record instead

    @classmethod
    def of(cls, func: Any) -> _Signature:
        if isinstance(func, HigherOrderOperator):
            raise RecordError(f"{func.name()} runs functions, which cannot be recorded.")
        arguments = func._schema.arguments
        writes = tuple((at, argument.name) for at, argument in enumerate(arguments) if argument.is_write)
        name = func._schema.name.replace("::", ".")
        # relu_ and relu have the same rule.
        name = name.removesuffix("_") if writes else name
        known = rules.find(name)
        tensors = tuple(at for at, argument in enumerate(arguments) if "Tensor" in str(argument.type))
        fresh = not tensors or name.endswith("_like") or name.startswith("aten.new_")
        return cls(name, tensors, writes, fresh, known.reads if known else rules.Reads(), known, decomposition_of(func))

    @classmethod
    def unread(cls, name: str) -> _Signature:
        """Of what is no operator, and reads no values."""
        return cls(name, (), (), False, rules.Reads(), None)


_signatures: dict[Any, _Signature] = {}


def _signature(func: Any) -> _Signature:
    known = _signatures.get(func)
    if known is None or known.rule is not rules.find(known.name):  # a rule may be registered at any time
        known = _signatures[func] = _Signature.of(func)
    return known


class _Recorder:
    """Logs operations. Each recording has its own recorder, so threads share nothing."""

    def __init__(self, module: nn.Module, operations: Sequence[Operation] = (), whole: bool = False) -> None:
        self.whole = whole
        self.operations = list(operations)
        self.outside: list[str] = []
        self.before_write: Callable[[Tensor], None] = lambda tensor: None
        named = submodules(module)
        self._modules = list(named.values())
        self._names: dict[int, str] = {id(child): name for name, child in named.items()}
        holders = nn.ModuleList | nn.ModuleDict
        self.holders = frozenset(name for name, child in named.items() if isinstance(child, holders))
        # Tensors by identity and by memory; an entry is stale once its weak reference is dead. They are sorted by
        # memory only when something is written: asking each tensor for its memory takes as long as all else here.
        self._values: dict[int, _Entry] = {}
        self._sharing: dict[int, list[_Entry]] = {}
        self._unsorted: list[_Entry] = []

    def enter(self, tensor: Tensor) -> Value:
        """Register an input, where walks may end."""
        return self.remember(tensor, Value(tuple(tensor.shape), depends=tensor.is_floating_point(), kept=tensor))

    def value_of(self, tensor: Tensor) -> Value:
        """The tensor's value; a tensor that no logged operation computed is a constant."""
        return self._known(tensor) or self._constant(tensor)

    def _known(self, tensor: Tensor) -> Value | None:
        entry = self._values.get(id(tensor))
        if entry is not None and entry[0]() is tensor:
            return entry[1]
        # PyTorch does not tell of tensors made of NumPy arrays, whose memory it cannot resize.
        if self.outside and not tensor.untyped_storage().resizable() and not self._is_own(tensor):
            return self._from_numbers(tensor, from_numpy)
        return None

    def _is_own(self, tensor: Tensor) -> bool:
        """Whether the module holds the tensor: as a parameter, a buffer, or a plain attribute."""
        memory = memory_of(tensor)
        held = chain.from_iterable((*own_tensors(child), *vars(child).values()) for child in self._modules)
        return any(isinstance(one, Tensor) and memory_of(one) == memory for one in held)

    def _constant(self, tensor: Tensor) -> Value:
        return self.remember(tensor, Value(tuple(tensor.shape), depends=False, kept=tensor))

    def values_in(self, result: Any) -> tuple[Value, ...]:
        """The values of the tensors of a result, with their data kept."""
        tensors = tensors_in(result)
        values = tuple(self.value_of(tensor) for tensor in tensors)
        for value, tensor in zip(values, tensors, strict=True):
            value.kept = tensor
        return values

    def compute(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call an operator, and log the operation."""
        signature = _signature(func)
        if signature.decomposition:
            with computed_by(self.compute):
                return signature.decomposition(*args, **kwargs)
        if signature.writes:
            return self._write(func, signature, args, kwargs)
        if signature.fresh:
            return func(*args, **kwargs)
        for statistic in written_silently(func, args):
            self.before_write(statistic)
        result = func(*args, **kwargs)
        given, logged = self._given(args, kwargs, signature)
        if logged:
            self._append(func, signature, given, result)
        else:
            # These may be views of a constant, through which it may be written to.
            for tensor in (*_flat(result), *_flat(args)):
                self.value_of(tensor)
        return result

    def _write(self, func: Any, signature: _Signature, args: Any, kwargs: Any) -> Any:
        written = [args[at] if at < len(args) else kwargs[name] for at, name in signature.writes]
        given, logged = self._given(args, kwargs, signature)
        for tensor in written:
            self._copy_kept(tensor)
            if not self.value_of(tensor).depends:  # otherwise it is no parameter, or was saved already
                self.before_write(tensor)
        result = func(*args, **kwargs)
        if not logged:
            for tensor in written:
                for other in self._alive(tensor):
                    self._constant(other)
            return result
        # The outputs are nearly always the written tensors, but some operators write to others.
        made = _flat(result) or written
        operation = self._append(func, signature, given, made)
        for tensor, value in zip(made, operation.outputs, strict=True):
            self._update_sharing(tensor, value)
        return result

    def _given(self, args: Any, kwargs: Any, signature: _Signature) -> tuple[tuple[Any, Any], bool]:
        """The arguments with Values for tensors, keeping data that rules read; and if any depends on the input."""
        seen: list[Value] = []
        given = list(args)
        for at in signature.tensors:
            if at < len(given):
                given[at] = self._replaced(given[at], self.whole or at in signature.reads.args, seen)
        options = {name: self._replaced(item, True, seen) for name, item in kwargs.items()} if kwargs else kwargs
        logged = False
        for value in seen:
            logged = logged or value.depends or bool(value.cut)
        return (tuple(given), options), logged

    def _replaced(self, item: Any, keep: bool, seen: list[Value]) -> Any:
        # A method, because a recursive nested function is a reference cycle, which would keep the recording alive.
        if isinstance(item, Tensor):
            # A parameter that no rule reads need not be registered.
            value = self._known(item) or (self._constant(item) if keep else Value(tuple(item.shape), depends=False))
            seen.append(value)
            if keep:
                value.kept = item
            return value
        return [self._replaced(entry, keep, seen) for entry in item] if isinstance(item, (list, tuple)) else item

    def _append(self, func: Any, signature: _Signature, given: tuple[Any, Any], result: Any) -> Operation:
        tensors = _flat(result)
        outputs = tuple(
            [Value(tuple(one.shape), one.dtype.is_floating_point, cut=_cut_by(one.dtype)) for one in tensors]
        )
        index = self.operations[-1].index + 1 if self.operations else 0
        operation = Operation(index, signature.name, self._module_name(), *given, outputs, func)
        self.operations.append(operation)
        for at, (tensor, value) in enumerate(zip(tensors, outputs, strict=True)):
            value.producer = operation
            if self.whole or at in signature.reads.outputs:
                value.kept = tensor
            self.remember(tensor, value)
        return operation

    def left(self, tensor: Tensor, how: str) -> None:
        """Note that numbers of a tensor left PyTorch, if they depend on the input."""
        value = self._known(tensor)
        if value is not None and (value.depends or value.cut == COMPLEX):
            self.outside.append(f"{how}() {in_module(self._module_name())}")

    def entered(self, tensor: Tensor, how: Callable[..., Any]) -> None:
        """Register a tensor made of plain numbers: memory of a tensor is its value, others may depend on the input."""
        known = self._known(tensor)
        if self.outside and not (known is not None and (known.depends or known.cut)):
            self._from_numbers(tensor, how)

    def _from_numbers(self, tensor: Tensor, how: Callable[..., Any]) -> Value:
        layout = layout_of(tensor)
        twin = next(
            (other for other in self._alive(tensor) if other is not tensor and layout_of(other) == layout), None
        )
        if twin is not None:
            return self.remember(tensor, self.value_of(twin))
        signature = _Signature.unread("cnnfix.from_numbers")
        return self._append(how, signature, ((), {}), tensor).outputs[0]

    def remember(self, tensor: Tensor, value: Value) -> Value:
        """Register the tensor's value."""
        entry = (weakref.ref(tensor), value)
        self._values[id(tensor)] = entry
        self._unsorted.append(entry)
        return value

    def _in_memory(self, memory: int) -> Sequence[_Entry]:
        """The entries of tensors at this address that are in use, or whose values were kept."""
        for entry in self._unsorted:
            tensor = entry[0]()
            if tensor is None:
                tensor = entry[1].kept
            if tensor is not None:
                self._sharing.setdefault(memory_of(tensor), []).append(entry)
        self._unsorted.clear()
        return self._sharing.get(memory, ())

    def _copy_kept(self, tensor: Tensor) -> None:
        """Before memory is overwritten: copy values that a rule will read."""
        memory = memory_of(tensor)
        for _, value in self._in_memory(memory):
            if value.kept is not None and memory_of(value.kept) == memory:
                value.kept = value.kept.clone()

    def _alive(self, tensor: Tensor) -> list[Tensor]:
        """The tensors in the same memory that are still in use."""
        entries = self._in_memory(memory_of(tensor))
        return list({id(other): other for ref, _ in entries if (other := ref()) is not None}.values())

    def _update_sharing(self, tensor: Tensor, written: Value) -> None:
        """After memory was overwritten through `tensor`: give other tensors in that memory new values."""
        for other in self._alive(tensor):
            if other is tensor:
                continue
            if layout_of(other) == layout_of(tensor):
                self.remember(other, written)
                continue
            call = Overwrite(layout_of(other), layout_of(tensor))
            if not call.reaches():
                continue
            given: tuple[Any, Any] = ((self.value_of(other), written), {})
            self._append(call, _Signature.unread(Overwrite.name), given, other)

    def _module_name(self) -> str:
        """The name of the innermost recorded module that is being called in this thread."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            if frame.f_code is _MODULE_CALL:
                name = self._names.get(id(frame.f_locals["self"]))
                if name is not None:
                    return name
            frame = frame.f_back
        return ""
