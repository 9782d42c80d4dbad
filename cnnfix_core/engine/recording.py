"""Recording: run a module once and log its tensor operations on a tape.

A dispatch mode sees every operation on real values while the module runs as usual, with the same kernels; frequent
functions take a shorter way (`shortcuts`). Nothing is exported, compiled or rewritten, so data-dependent control flow
is fine. In-place operations are logged as their out-of-place counterparts: values that are kept stay as they were, and
tensors that share the memory get a new value afterwards.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from types import FrameType
from typing import Any

import torch
from torch import Tensor, dtype, from_numpy, inference_mode, nn, no_grad
from torch._C import _DisableTorchDispatch
from torch.nn import Parameter
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_leaves, tree_map_only

from cnnfix_core.engine.aliasing import Overwrite, layout_of, memory_of
from cnnfix_core.engine.dispatch import computed_by
from cnnfix_core.engine.eval_mode import Changes, undisturbed, written_silently
from cnnfix_core.engine.functions import Functions
from cnnfix_core.engine.known_tensors import KnownTensors
from cnnfix_core.engine.parts import own_tensors, submodules
from cnnfix_core.engine.results import returned, tensors_in
from cnnfix_core.engine.shortcuts import Direct
from cnnfix_core.engine.signatures import Signature, signatures
from cnnfix_core.engine.tape import COMPLEX, WHOLE, Operation, Tape, Value, in_module
from cnnfix_core.errors import CnnfixError, RecordError, TargetError, said_by

# Frames with this code object show which module an operation runs in, without hooks, and for this thread only.
_MODULE_CALL = nn.Module._call_impl.__code__


def record(module: nn.Module, *inputs: Any, **options: Any) -> Tape:
    """Run a module once, in evaluation mode and without gradients, and keep on a tape what a walk will read.

    The module's mode, parameters and buffers are restored, even if it fails or other threads record it at the same
    time; there are no hooks and no gradients. What its code does to other attributes stays, as in any forward pass.
    Inputs are not written to. What it computes in threads of its own counts as constant.

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
        return _recorded(_recorder(module), module, inputs, options)


def record_whole(module: nn.Module, *inputs: Any, **options: Any) -> Tape:
    """Do the same, and keep every value for inspection: about three times the memory, until `lighten` frees most."""
    with inference_mode(False):
        return _recorded(_recorder(module, whole=True), module, inputs, options)


def _recorder(module: object, whole: bool = False) -> _Recorder:
    """A new recorder. Raises RecordError for what is not a module, as nothing but types keeps people from giving."""
    if not isinstance(module, nn.Module):
        what = (
            f"the class {module.__name__}" if isinstance(module, type) else f"an object of type {type(module).__name__}"
        )
        raise RecordError(f"record() needs an object of a class derived from torch.nn.Module, and got {what}.")
    return _Recorder(module, whole)


def _recorded(recorder: _Recorder, module: nn.Module, inputs: tuple[Any, ...], options: dict[str, Any]) -> Tape:
    own = tree_map_only(Tensor, lambda tensor: tensor.detach().clone(), (inputs, options))
    values = tuple(recorder.enter(leaf) for leaf in tree_leaves(own) if isinstance(leaf, Tensor))
    if not any(value.depends for value in values):
        given = dict.fromkeys(_kind(leaf) for leaf in tree_leaves(own))
        raise RecordError(
            f"record() needs at least one floating-point input tensor, and got {', '.join(given) or 'nothing'}. Arrays "
            "become tensors with torch.as_tensor, and whole numbers become floating-point ones with .float()."
        )
    with (
        undisturbed(recorder.modules) as recorder.changes,
        no_grad(),
        Functions(recorder),
        computed_by(recorder.compute),
    ):
        try:
            result = recorder.apart(module(*own[0], **own[1]))
        except Exception as error:
            shapes = ", ".join(str(value.shape) for value in values)
            raise RecordError(f"The module failed on inputs of shape {shapes}: {said_by(error)}") from error
    outputs = recorder.values_in(result)
    if not outputs:
        raise RecordError(f"The module returned an object of type {type(result).__name__}, which holds no tensor.")
    if not any(value.depends for value in outputs):
        how = next((f" except through {value.cut}, which walks do not follow" for value in outputs if value.cut), "")
        raise RecordError(f"The module's output does not depend on the input{how}, so there is nothing to walk.")
    outside = tuple(dict.fromkeys(recorder.outside))
    operations = recorder.operations(outputs)
    return Tape(operations, values, outputs, result, recorder.holders, outside, whole=recorder.whole)


def go_on(tape: Tape, compute: Callable[[Any], Any]) -> Tape:
    """Record `compute(tape.result)` on top of a tape; what it returns is the new result.

    Raises TargetError if it fails, or returns nothing that depends on the input.
    """
    recorder = _Recorder(nn.Module(), whole=True)  # it needs little memory
    for tensor, value in zip(tensors_in(tape.result), tape.outputs, strict=True):
        recorder.remember(tensor, value)
    with inference_mode(False), no_grad(), Functions(recorder), computed_by(recorder.compute):
        try:
            result = compute(tape.result)
        except CnnfixError:
            raise
        except Exception as error:
            raise TargetError(f"The function that computes the target failed: {said_by(error)}") from error
    outputs = recorder.values_in(result)
    if not outputs or not outputs[0].depends:
        raise TargetError("The function that computes the target must return a tensor that depends on the input.")
    operations = recorder.operations(outputs, after=tape.operations)
    return replace(tape, operations=operations, outputs=outputs, result=result)


def _kind(leaf: Any) -> str:
    return f"a tensor of {leaf.dtype}" if isinstance(leaf, Tensor) else f"an object of type {type(leaf).__name__}"


@cache
def _cut_by(kind: dtype) -> str:
    """What kind of numbers keeps walks from following a tensor; "" where they can."""
    if kind.is_complex:
        return COMPLEX
    return "" if kind.is_floating_point else WHOLE


@dataclass(slots=True)
class _Call:
    """An operator that is called: what an `Operation` is made of, if the result turns out to depend on it.

    args: with values in place of tensors, but for most parameters, and kwargs with values. inputs: the values in both.
    """

    signature: Signature
    operator: Callable[..., Any]
    args: list[Any]
    kwargs: dict[str, Any]
    inputs: list[Value]
    module: str = ""
    outputs: tuple[Value, ...] = ()

    def has_computed_bias(self) -> bool:
        """Whether the operator adds what depends on the network's input, as a bias."""
        biased = self.signature.biased
        if biased is None or biased.at >= len(self.args):
            return False
        bias = self.args[biased.at]
        return isinstance(bias, Value) and bias.depends

    def counts(self) -> bool:
        """Whether it reads anything that depends on the network's input, or would but for its kind of numbers."""
        for value in self.inputs:  # noqa: SIM110  # a generator is slower
            if value.depends or value.cut:
                return True
        return False


class _Recorder:
    """Logs operations. Each recording has its own recorder, so threads share nothing."""

    def __init__(self, module: nn.Module, whole: bool = False) -> None:
        self.whole = whole
        self.outside: list[str] = []
        self.steps = 0
        self.changes = Changes(())
        self._log: list[_Call] = []
        self._alive: list[Any] | None = None  # results of operations, while a function may disguise them
        self._disguises = False  # whether there are tensors of other classes
        # Of the module's own tensors: memory that was written, and what was given other memory.
        self._rewritten: list[Tensor] = []
        self._assigned: list[Tensor] = []
        self._settled = 0
        self._tensors = KnownTensors()
        self._signatures = signatures()
        self._of_shape: dict[torch.Size, Value] = {}
        named = submodules(module)
        self.modules = list(named.values())
        self._names: dict[int, str] = {id(child): name for name, child in named.items()}
        holders = nn.ModuleList | nn.ModuleDict
        self.holders = frozenset(name for name, child in named.items() if isinstance(child, holders))

    def enter(self, tensor: Tensor) -> Value:
        """Register an input, where walks may end."""
        self._disguises = self._disguises or type(tensor) is not Tensor
        return self.remember(tensor, Value(tuple(tensor.shape), depends=tensor.is_floating_point(), kept=tensor))

    def remember(self, tensor: Tensor, value: Value) -> Value:
        """Register the tensor's value."""
        return self._tensors.remember(tensor, value)

    def value_of(self, tensor: Tensor) -> Value:
        """The tensor's value; a tensor that no logged operation computed is a constant."""
        return self._known(tensor) or self._constant(tensor)

    def values_in(self, result: Any) -> tuple[Value, ...]:
        """The values of the tensors of a result, with their data kept."""
        tensors = tensors_in(result)
        values = tuple(self.value_of(tensor) for tensor in tensors)
        for value, tensor in zip(values, tensors, strict=True):
            value.kept = tensor
        return values

    def operations(self, results: Sequence[Value], after: tuple[Operation, ...] = ()) -> tuple[Operation, ...]:
        """The operations that these values were computed by, `after` others; the rest is dropped with its values."""
        start = after[-1].index + 1 if after else 0
        wanted = set(map(id, results))
        made: list[Operation] = []
        for at in range(len(self._log) - 1, -1, -1):
            one = self._log[at]
            if not wanted.isdisjoint(map(id, one.outputs)):
                wanted.update([id(value) for value in one.inputs if value.depends])
                self._settle(one)
                parts = (one.signature.name, one.module, tuple(one.args), one.kwargs, one.operator, one.outputs)
                made.append(Operation(start + at, *parts).noted())
        for operation in reversed(after):
            if not wanted.isdisjoint(map(id, operation.outputs)):
                wanted.update([id(value) for value in operation.activations()])
                made.append(operation)
        return tuple(reversed(made))

    def direct(self, step: Direct, *args: Any) -> Any:
        """Call an operator without the dispatcher, and log the operation."""
        call = self._call(step.operator, self._signature(step.operator), args, {})
        if call.signature.writes:
            return self._write(call, step, args, {})
        if call.has_computed_bias():
            return self.compute(step.operator, args, {})
        result = step.call(*args)
        self._note(call, args, result)
        return result

    def compute(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call an operator, and log the operation."""
        signature = self._signature(func)
        if signature.decomposition:
            with computed_by(self.compute):
                return signature.decomposition(*args, **kwargs)
        if signature.fresh:
            return func(*args, **kwargs)
        call = self._call(func, signature, args, kwargs)
        if signature.biased is not None and len(signature.writes) < 2 and call.has_computed_bias():
            read = {name: item for name, item in kwargs.items() if name not in signature.outs}
            result = signature.biased.as_sum(self.compute, call.operator, *args, **read)
            for written in signature.written(args, kwargs):
                result = self.compute(torch.ops.aten.copy_.default, (written, result), {})
            return result
        if signature.writes:
            return self._write(call, Direct(func, func), args, kwargs)
        for statistic in written_silently(func, args):
            self.changes.before_write(statistic)
        result = func(*args, **kwargs)
        self._note(call, args, result)
        return result

    def _signature(self, func: Any) -> Signature:
        known = self._signatures.get(func)
        if known is None:
            known = self._signatures[func] = Signature.of(func)
        return known

    def _note(self, call: _Call, args: Any, result: Any) -> None:
        """Log an operation that was computed, if it depends on the network's input."""
        self.steps += 1
        if call.counts():
            self._append(call, result)
        else:
            # These may be views of a constant, through which it may be written to.
            for tensor in (*returned(result), *returned(args)):
                self.value_of(tensor)

    def _write(self, call: _Call, step: Direct, args: Any, kwargs: Any) -> Any:
        given = call.signature.written(args, kwargs)
        written = [one for item in given for one in (item if isinstance(item, (list, tuple)) else (item,))]
        alone = len(written) == 1 and self._tensors.is_alone(written[0])
        if alone and step.apart and self._replace(args, step.apart):
            result = args[0]
        else:
            for tensor in written:
                self._copy_kept(tensor, alone)
            result = step.call(*args, **kwargs)
        self.steps += 1
        if not call.counts():
            for tensor in written:
                for other in self._tensors.alive(tensor):
                    self._constant(other)
            return result
        # The outputs are nearly always the written tensors, but some operators write to others.
        made = returned(result) or returned(written)
        outputs = self._append(call, made)
        if not alone:
            for tensor, value in zip(made, outputs, strict=True):
                self._update_sharing(tensor, value)
        return result

    def _copy_kept(self, tensor: Tensor, alone: bool) -> None:
        """Before memory is overwritten: copy what is kept there. `alone`: no other tensor lies there."""
        value = self.value_of(tensor)
        if not value.depends:  # otherwise it is no parameter, or was saved already
            self._settle_all()
            if self.changes.before_write(tensor):
                self._rewritten.append(tensor.detach())
        self._move_kept(tensor, [value] if alone else self._tensors.values_with(tensor))

    def _move_kept(self, tensor: Tensor, values: Sequence[Value]) -> None:
        """Copy what these values keep in the tensor's memory."""
        for one in values:
            if one.kept is not None and memory_of(one.kept) == memory_of(tensor):
                one.kept = one.kept.clone()

    def apart(self, result: Any) -> Any:
        """The module's result, apart from memory of the module that will be restored; so is all that is kept."""
        if self._rewritten or self._assigned:
            restored = set(map(memory_of, (*self._rewritten, *self._assigned)))
            result = tree_map_only(Tensor, lambda one: one.clone() if memory_of(one) in restored else one, result)
            with _DisableTorchDispatch():
                self._settle_all()
                for tensor in self._rewritten:
                    self._move_kept(tensor, self._tensors.values_with(tensor))
                for tensor in self._assigned:
                    self._let_go(tensor)
        return result

    def assigned(self, tensor: Tensor, other: Tensor) -> None:
        """Give a tensor the value of another, whose memory it is about to become."""
        if is_lazy(tensor):
            return
        self._settle_all()
        with _DisableTorchDispatch():
            if self.changes.before_assignment(tensor):
                self._assigned.append(tensor)
            self._let_go(tensor)
        self.remember(tensor, self.value_of(other))

    def _let_go(self, tensor: Tensor) -> None:
        """Keep what is kept of a tensor apart from it, in the same memory."""
        for value in self._tensors.values_with(tensor):
            if value.kept is tensor:
                value.kept = tensor.detach()

    def _replace(self, args: tuple[Any, ...], apart: Callable[..., Any]) -> bool:
        """Give the first argument new memory with the result, and what is kept the old one: no copy, if that may be."""
        tensor: Tensor = args[0]
        value = self.value_of(tensor)
        if self.outside or not value.depends or value.kept is not tensor:
            return False
        new = apart(*args)
        if new.dtype != tensor.dtype or layout_of(new) != layout_of(tensor):
            return False
        value.kept = tensor.detach()
        tensor.data = new
        return True

    def _call(self, func: Any, signature: Signature, args: Any, kwargs: dict[str, Any]) -> _Call:
        """The call of an operator; keeps the data that rules read."""
        inputs: list[Value] = []
        given = list(args)
        for at, read in signature.tensors:
            if at >= len(given):
                break
            item = given[at]
            # Most parameters become values in the end, which saves time now: see `_settle`.
            if item is not None and (type(item) is not Parameter or self.outside or self._tensors.find(item)):
                given[at] = self._replaced(item, read or self.whole, inputs)
        if signature.apart is not None:
            func, kwargs = signature.apart, {name: kwargs[name] for name in kwargs if name not in signature.outs}
        if kwargs:
            kwargs = {name: self._replaced(item, True, inputs) for name, item in kwargs.items()}
        return _Call(signature, func, given, kwargs, inputs)

    def _replaced(self, item: Any, keep: bool, inputs: list[Value]) -> Any:
        # A method, because a recursive nested function is a reference cycle, which would keep the recording alive.
        if isinstance(item, Tensor):
            value = self._known(item) or (self._constant(item) if keep else self._unread(item.shape))
            inputs.append(value)
            if keep:
                value.kept = item
            return value
        if isinstance(item, (list, tuple)):
            return [self._replaced(entry, keep, inputs) for entry in item]
        return item

    def _append(self, call: _Call, result: Any) -> tuple[Value, ...]:
        outputs = []
        for at, tensor in enumerate(returned(result)):
            kind = tensor.dtype
            value = Value(tuple(tensor.shape), kind.is_floating_point, cut=_cut_by(kind))
            if self.whole or at in call.signature.outputs:
                value.kept = tensor
            self._tensors.remember(tensor, value)
            outputs.append(value)
        call.outputs, call.module = tuple(outputs), self._module_name()
        self._log.append(call)
        if self._alive is not None:
            self._alive.append(result)
        return call.outputs

    def _settle(self, call: _Call) -> None:
        """Give each parameter among an operation's arguments a value."""
        for at, read in call.signature.tensors:
            if at < len(call.args) and isinstance(call.args[at], Tensor):
                call.args[at] = self._replaced(call.args[at], read or self.whole, call.inputs)

    def _settle_all(self) -> None:
        """Do so for all operations so far, before a parameter is written to."""
        for call in self._log[self._settled :]:
            self._settle(call)
        self._settled = len(self._log)

    def _known(self, tensor: Tensor) -> Value | None:
        value = self._tensors.find(tensor)
        if value is None and (self._disguises or type(tensor) not in (Tensor, Parameter)):
            self._disguises = True
            value = self._unmasked(tensor)
        # PyTorch does not tell of tensors made of NumPy arrays, whose memory it cannot resize.
        if value is None and self.outside and not tensor.untyped_storage().resizable() and not self._is_own(tensor):
            return self._from_numbers(tensor, from_numpy)
        return value

    def _is_own(self, tensor: Tensor) -> bool:
        """Whether the module holds the tensor: as a parameter, a buffer, or a plain attribute."""
        memory = memory_of(tensor)
        held = chain.from_iterable((*own_tensors(child), *vars(child).values()) for child in self.modules)
        return any(isinstance(one, Tensor) and memory_of(one) == memory for one in held)

    def _unread(self, shape: torch.Size) -> Value:
        """The value of all parameters of this shape that no rule reads; they need not be registered."""
        value = self._of_shape.get(shape)
        if value is None:
            value = self._of_shape[shape] = Value(tuple(shape), depends=False)
        return value

    def _constant(self, tensor: Tensor) -> Value:
        return self.remember(tensor, Value(tuple(tensor.shape), depends=False, kept=tensor))

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

    def disguised(self, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call a function; tensors of other classes that it returns have the value of one in the same memory."""
        outer, self._alive = self._alive, []
        try:
            result = func(*args, **kwargs)
            for tensor in tensors_in(result):
                self._known(tensor)
            return result
        finally:
            self._alive = outer

    def _unmasked(self, tensor: Tensor) -> Value | None:
        """The value of a tensor that another one, of whatever class, is the same memory as."""
        twin = self._twin(tensor)
        value = None if twin is None else self._tensors.find(twin)
        return value and self.remember(tensor, value)

    def _twin(self, tensor: Tensor) -> Tensor | None:
        """Another tensor with the same elements in the same memory."""
        alive = self._tensors.alive(tensor)
        return next((one for one in alive if one is not tensor and layout_of(one) == layout_of(tensor)), None)

    def _from_numbers(self, tensor: Tensor, how: Callable[..., Any]) -> Value:
        twin = self._twin(tensor)
        if twin is not None:
            return self.remember(tensor, self.value_of(twin))
        return self._append(_Call(Signature("cnnfix.from_numbers"), how, [], {}, []), tensor)[0]

    def _update_sharing(self, tensor: Tensor, written: Value) -> None:
        """After memory was overwritten through `tensor`: give other tensors in that memory new values."""
        for other in self._tensors.alive(tensor):
            if other is tensor:
                continue
            if layout_of(other) == layout_of(tensor):
                self.remember(other, written)
                continue
            overwrite = Overwrite(layout_of(other), layout_of(tensor))
            if overwrite.reaches():
                given = [self.value_of(other), written]
                self._append(_Call(Signature(Overwrite.name), overwrite, given, {}, given), other)

    def _module_name(self) -> str:
        """The name of the innermost recorded module that is being called in this thread."""
        frame: FrameType | None = sys._getframe(4)  # above are frames of this recorder
        while frame is not None:
            if frame.f_code is _MODULE_CALL:
                name = self._names.get(id(frame.f_locals["self"]))
                if name is not None:
                    return name
            frame = frame.f_back
        return ""
