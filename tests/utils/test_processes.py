import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cnnfix_core
from cnnfix_core.utils import no_ctrl_c_lost, without_ctrl_c_in_new_processes
from tests.processes import wait_until_ended


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


_SLOW = """
import os, sys, time
from pathlib import Path
if "--multiprocessing-fork" in sys.orig_argv:
    Path(__file__).with_name(str(os.getpid())).touch()
    time.sleep(3600)
def begin(): pass
"""
_PARENT = """
if __name__ == "__main__":
    import multiprocessing, slow
    from concurrent.futures import ProcessPoolExecutor
    from cnnfix_core.utils import EndingWithParent
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), EndingWithParent(slow.begin))
    pool.submit(abs, 1).result()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_that_still_imports_ends_with_its_parent(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(_SLOW)
    (tmp_path / "parent.py").write_text(_PARENT)
    path = os.pathsep.join([str(tmp_path), str(Path(cnnfix_core.__file__).parents[1])])
    parent = subprocess.Popen([sys.executable, str(tmp_path / "parent.py")], env=os.environ | {"PYTHONPATH": path})
    end = time.monotonic() + 120
    while not (workers := [int(file.name) for file in tmp_path.iterdir() if file.name.isdecimal()]):
        assert time.monotonic() < end
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    wait_until_ended(workers)


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
