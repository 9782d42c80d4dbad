import ctypes
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from cnnfix_core.utils import no_ctrl_c_lost, without_ctrl_c_in_new_processes


@pytest.fixture
def listening() -> Iterator[None]:
    """A program that was started in the background ignores Ctrl+C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
def test_a_ctrl_c_while_a_process_starts_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt):
        _interrupted_while_a_process_starts()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def _interrupted_while_a_process_starts() -> None:
    with without_ctrl_c_in_new_processes():
        _interrupted()


def test_new_processes_never_see_ctrl_c() -> None:
    context = multiprocessing.get_context("spawn")
    with without_ctrl_c_in_new_processes():
        process = context.Process(target=_interrupted)
        process.start()
    process.join(60)
    assert process.exitcode == 0


def _interrupted() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("listening")
def test_a_ctrl_c_in_a_callback_from_c_is_not_lost() -> None:
    callback = ctypes.CFUNCTYPE(None)(_interrupted_here)
    with pytest.raises(KeyboardInterrupt):
        _wait_after(callback)


def _interrupted_here() -> None:
    signal.raise_signal(signal.SIGINT)


def _wait_after(callback: Callable[[], None]) -> None:
    with no_ctrl_c_lost():
        callback()
        threading.Event().wait(60)
