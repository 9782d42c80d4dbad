"""Untrusted networks that never run in this process: they are asked in one of their own."""

from __future__ import annotations

import pickle
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

import torch
from torch import nn

from cnnfix_core.errors import ModelError
from cnnfix_core.utils.plain_data import PlainDataError, result_type, unpacked
from cnnfix_core.zoo.classifier import Classifier
from cnnfix_core.zoo.untrusted import apart

Of = TypeVar("Of", bound=Classifier)
Result = TypeVar("Result")
P = ParamSpec("P")
Report = Callable[..., None]
_MOST = 2  # such processes at once; they take up to the memory that `apart` allows each


def asked(model: Of, function: Callable[Concatenate[Of, P], Result], *args: P.args, **options: P.kwargs) -> Result:
    """What `function(model, ...)` returns, computed where the model's network may run.

    Args:
        model: any model.
        function: a function of a module, which says what it returns: plain data, see `utils.plain_data`.
        args: its other arguments.
        options: its named ones. `report`, called with the share that is done and a part of the result, is called here.

    Raises:
        CnnfixError: as the function; or its process took too much or crashed.
    """
    return asked_while(lambda: None, model, function, *args, **options)


def asked_while(
    wanted: Callable[[], object],
    model: Of,
    function: Callable[Concatenate[Of, P], Result],
    *args: P.args,
    **options: P.kwargs,
) -> Result:
    """The same, for as long as somebody wants to know.

    Args:
        wanted: called a few times a second while another process computes; an error that it raises ends that process.
        model: any model.
        function: as for `asked`.
        args: as for `asked`.
        options: as for `asked`.

    Raises:
        CnnfixError: as `asked`.
    """
    if not isinstance(model.module, Elsewhere):
        return function(model, *args, **options)
    found: Result = model.module.process.asked(function, args, dict(options), wanted)
    return found


def is_elsewhere(model: Classifier) -> bool:
    """Whether the model's network never runs in this process."""
    return isinstance(model.module, Elsewhere)


class Elsewhere(nn.Module):
    """Stands for a network that runs in a process of its own; its weights have shapes, and no numbers.

    Attributes:
        process: Where the network is.
    """

    def __init__(self, process: OwnProcess, weights: Sequence[tuple[tuple[int, ...], str]]) -> None:
        super().__init__()
        self.process = process
        for number, (shape, dtype) in enumerate(weights):
            of = getattr(torch, dtype)
            self.register_buffer(f"weight {number}", torch.empty(shape, dtype=of, device="meta"))
        weakref.finalize(self, process.end)

    def forward(self, *_: object) -> NoReturn:
        """Refuse."""
        raise ModelError("This is not possible with your own network on a server that others can reach.")


class OwnProcess:
    """A process with one model, one question at a time. It is started again if it has ended.

    Args:
        request: what `opening.examined` takes.
        content: the file.
        name: of the file, for messages.
        library: what the process is to have imported.
    """

    def __init__(self, request: bytes, content: bytes, name: str, library: apart.Library) -> None:
        self._file = request, content, name, library
        self._process: apart.Process | None = None
        self._asking = threading.Lock()

    def begin(self, watch: apart.Watch | None) -> bytes:
        """Start it and have the file read; what it says. Raises ModelError."""
        with apart.acquired(self._asking, apart.ticker(watch)):
            return self._begin(watch)

    def _begin(self, watch: apart.Watch | None) -> bytes:
        self._process, facts, _ = apart.begun(*self._file, watch)
        _make_room(self)
        return facts

    def asked(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        options: Mapping[str, Any],
        wanted: Callable[[], object] = lambda: None,
    ) -> Any:
        """What the function returns there. Raises CnnfixError. wanted: as for `asked_while`."""
        kind = result_type(function)
        report: Report | None = options.get("report")
        given = {name: value for name, value in options.items() if name != "report"}
        question = pickle.dumps((torch.get_num_threads(), function, args, given, report is not None))
        share = 0.0

        def heard(text: bytes, arrays: bytes) -> None:
            nonlocal share
            share, result = unpacked(_progress(kind), text, arrays)
            if report is not None:
                report(share, result)

        def wait(_: float) -> None:
            wanted()
            if report is not None:
                report(share)  # it raises an error if nobody waits any more

        tick = apart.ticker(wait)
        with apart.acquired(self._asking, tick):
            if self._process is None or self._process.ended:
                self._begin(wait)
            assert self._process is not None
            _make_room(self)
            try:
                return unpacked(kind, *self._process.answer(question, tick, heard))
            except PlainDataError as error:
                self._process.end()
                raise ModelError(f"{self._file[2]} cannot be used: what comes back is no answer.") from error

    def end_if_idle(self) -> bool:
        """End the process if nobody waits for it; whether nobody did."""
        if not self._asking.acquire(blocking=False):
            return False
        self.end()
        self._asking.release()
        return True

    def end(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.end()
        with _changing:
            if self in _alive:
                _alive.remove(self)


def _progress(kind: Any) -> Any:
    """The type of a share that is done, with a part of a result or none."""
    return tuple.__class_getitem__((float, kind | None))


_alive: list[OwnProcess] = []  # the one that was asked least recently first
_changing = threading.RLock()


def _make_room(one: OwnProcess) -> None:
    """End the processes that were asked least recently."""
    with _changing:
        others = [other for other in _alive if other is not one]
        _alive[:] = [*others, one]
        for other in others[: max(0, len(_alive) - _MOST)]:
            other.end_if_idle()
