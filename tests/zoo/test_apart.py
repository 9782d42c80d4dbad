"""Files that mean harm cost the process that reads them its life, and this one nothing but a wait."""

from __future__ import annotations

import io
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import open_own
from cnnfix_core.zoo.untrusted import apart, export_reader, opening, pickles, program_data, state_dicts
from tests.processes import wait_until_ended

pytestmark = pytest.mark.skipif(not apart.possible(), reason="this system cannot fork")
INT_MIN = -(2**63)


class Small(nn.Module):
    """Three scores. Others add what a hostile file would."""

    def __init__(self) -> None:
        super().__init__()
        self.cut, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.more(self.cut(x).mean((2, 3))))
        return scores

    def more(self, x: Tensor) -> Tensor:
        return x


class Dies(Small):
    """The smallest whole number, divided by -1: the processor stops the process."""

    def more(self, x: Tensor) -> Tensor:
        low, one = torch.full((4,), INT_MIN, dtype=torch.int64), torch.full((4,), -1, dtype=torch.int64)
        return x + torch.div(low, one, rounding_mode="trunc")


class Grows(Small):
    """Three billion bytes at once."""

    def more(self, x: Tensor) -> Tensor:
        return (x.reshape(4, 1).expand(4, 200_000_000) + 1).sum(1).reshape(1, 4)


class Lasts(Small):
    """Much work on few numbers."""

    def more(self, x: Tensor) -> Tensor:
        square = x.reshape(4, 1).expand(4, 2000).repeat(500, 1)
        for _ in range(60):
            square = (square @ square).clamp(-1, 1)
        return x + square.mean()


def program(module: nn.Module) -> bytes:
    content = io.BytesIO()
    torch.export.save(torch.export.export(module.eval(), (torch.rand(1, 3, 16, 16),)), content)
    return content.getvalue()


def legacy(tree: bytes) -> bytes:
    """A file as old versions of torch.save wrote it, around this pickle."""
    head = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {}))
    return head + tree + pickle.dumps([], 2)


def _refused(content: bytes, complaint: str, architecture: str | None = None) -> None:
    with pytest.raises(ModelError, match=complaint) as raised:
        open_own(content, "sent", architecture=architecture)
    assert "\n" not in str(raised.value)
    assert open_own(GOOD, "good").labels  # the next one is read


GOOD = program(Small())


@pytest.mark.parametrize(("module", "complaint"), [(Dies, "divided by -1"), (Grows, "takes more than 2 GB of memory")])
def test_programs_that_would_end_their_process(module: type[Small], complaint: str) -> None:
    before = _peak()
    _refused(program(module()), complaint)
    assert _peak() < before + 200_000


def test_a_program_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    content = program(Lasts())
    monkeypatch.setattr(apart, "MAX_SECONDS", 1)
    with pytest.raises(ModelError, match="more than 1 s"):
        open_own(content, "sent")


def test_pickles_that_would_never_end() -> None:
    doubled = b"\x80\x02]q\x00" + b"h\x00h\x00\x86q\x00" * 60 + b"."  # 2 ** 60 leaves
    _refused(legacy(doubled), "more than 200,000 entries", "resnet18")
    nested = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
    _refused(legacy(nested), "sent", "resnet18")


def _peak() -> int:
    """The most memory that this process had, in kB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


def test_nothing_of_the_file_is_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("read in this process")

    for module, name in (
        (export_reader, "read"),
        (state_dicts, "from_torch"),
        (state_dicts, "from_safetensors"),
        (pickles, "read_pickle"),
        (opening, "_read"),
    ):
        monkeypatch.setattr(module, name, never)
    assert len(open_own(GOOD, "good").labels) == 3
    state = io.BytesIO()
    from cnnfix_core.zoo import architectures

    torch.save(architectures.build("squeezenet1_1", 5).state_dict(), state)
    assert len(open_own(state.getvalue(), "good", architecture="squeezenet1_1").labels) == 5


def test_what_is_handed_back_computes_the_same() -> None:
    module = Small()
    model, x = open_own(program(module), "good"), torch.rand(2, 3, 16, 16)
    assert torch.allclose(model.module(x), module(x), atol=1e-6)
    data = program_data.as_data(model.module)  # type: ignore[arg-type]
    data["steps"][0][1] = "torch.ops.aten.from_file.default"
    with pytest.raises(ModelError, match="not an allowed operation"):
        program_data.from_data(data, {})


def test_reading_can_be_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class GivenUpError(Exception):
        pass

    def watch(seconds: float) -> None:
        if seconds > 0.5:
            raise GivenUpError

    content = program(Lasts())
    open_own(GOOD, "good")  # the process runs
    started = time.monotonic()
    with pytest.raises(GivenUpError):
        open_own(content, "sent", watch=watch)
    assert time.monotonic() - started < apart.MAX_SECONDS
    assert open_own(GOOD, "good").labels


def test_one_file_is_read_at_a_time() -> None:
    seen, now = [], [0]
    read = apart.Process.read

    def counted(*given: object) -> tuple[bytes, bytes]:
        now[0] += 1
        seen.append(now[0])
        try:
            return read(*given)  # type: ignore[arg-type]
        finally:
            now[0] -= 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(apart.Process, "read", counted)
        threads = [threading.Thread(target=open_own, args=(GOOD, "good")) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert seen == [1] * 4


def test_a_reader_that_was_killed_comes_back_and_ends_with_its_parent(tmp_path: Path) -> None:
    file = tmp_path / "good.pt2"
    file.write_bytes(GOOD)
    code = f"""
import os, signal, sys
from pathlib import Path
from cnnfix_core.zoo import open_own
from cnnfix_core.zoo.untrusted import apart
open_own(Path({str(file)!r}), "good")
os.kill(apart._reader._process.pid, signal.SIGKILL)
open_own(Path({str(file)!r}), "good")
print(apart._reader._process.pid, flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        reader = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    wait_until_ended([reader])
