"""Jobs beside the pages: progress, stopping, turns, and what is kept."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

import pytest

from cnnfix_core.errors import CnnfixError
from cnnfix_ui.server import jobs as module
from cnnfix_ui.server.jobs import Job, Jobs


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


class Slow:
    """Work that goes on until it is released, and reports all the time."""

    def __init__(self, result: Any = "result") -> None:
        self.release, self.runs, self.stopped, self.result = threading.Event(), 0, False, result

    def __call__(self, job: Job) -> Any:
        self.runs += 1
        try:
            while not self.release.wait(0.002):
                job.report(0.5, "half")
        except module.JobCancelledError:
            self.stopped = True
            raise
        return self.result


def board(workers: int = 1, max_bytes: int = 10**6) -> Jobs:
    return Jobs(workers, max_bytes, len)


def test_a_job_tells_how_far_it_is_and_is_done_once() -> None:
    jobs, work = board(), Slow()
    job = jobs.request("ann", {"a": work})["a"]
    until(lambda: job.share == 0.5)
    assert (job.state, job.result) == ("running", "half")
    work.release.set()
    until(lambda: job.ended)
    assert (job.state, job.result) == ("done", "result")
    assert jobs.request("bob", {"a": work})["a"] is job
    assert work.runs == 1


def test_what_is_taken_is_not_kept_unless_somebody_else_waits() -> None:
    jobs, work = board(), Slow()
    work.release.set()
    job = jobs.request("ann", {"a": work})["a"]
    jobs.request("bob", {"a": work})
    until(lambda: job.ended)
    assert jobs.take("ann", "a") == "result"
    assert jobs.request("bob", {"a": work})["a"] is job
    assert jobs.take("bob", "a") == "result"
    again = jobs.request("bob", {"a": work})["a"]
    assert again is not job
    until(lambda: again.ended)
    assert work.runs == 2


def test_what_is_not_asked_for_any_more_is_stopped_unless_somebody_else_waits() -> None:
    jobs, work = board(), Slow()
    jobs.request("ann", {"a": work})
    job = jobs.request("bob", {"a": work})["a"]
    until(lambda: job.state == "running")
    jobs.request("ann", {})
    time.sleep(0.05)
    assert not work.stopped
    jobs.request("bob", {})
    until(lambda: work.stopped)
    again = Slow()
    until(lambda: jobs.request("ann", {"a": again})["a"] is not job)
    until(lambda: again.runs == 1)
    again.release.set()


def test_who_has_left_is_not_worked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, work = board(), Slow()
    job = jobs.request("ann", {"a": work})["a"]
    until(lambda: job.state == "running")
    monkeypatch.setattr(module, "_VISITOR_TIMEOUT", 0.0)
    until(lambda: work.stopped)


def test_what_a_closed_page_waited_for_ends_unless_it_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = {"ann", "bob"}
    jobs, work, next_one = Jobs(1, 10**6, len, is_open=lambda page: page in opened), Slow(), Slow()
    jobs.request("ann", {"a": work, "b": next_one})
    until(lambda: work.runs == 1)
    opened.remove("ann")
    time.sleep(0.05)
    assert not work.stopped
    monkeypatch.setattr(module, "_GONE_TIMEOUT", 0.0)
    until(lambda: work.stopped)
    last = Slow()
    jobs.request("bob", {"c": last})
    until(lambda: last.runs == 1)
    assert not next_one.runs


def test_visitors_take_turns() -> None:
    jobs, order = board(), []
    first = Slow()
    jobs.request("ann", {"first": first})
    until(lambda: first.runs == 1)

    def note(name: str) -> Callable[[Job], str]:
        return lambda job: order.append(name) or name  # type: ignore[func-returns-value]

    works: dict[Hashable, Callable[[Job], Any]] = {name: note(name) for name in ("a1", "a2", "a3")}
    jobs.request("ann", {"first": first, **works})
    asked = jobs.request("bob", {"b1": note("b1"), "b2": note("b2")})
    first.release.set()
    until(lambda: len(order) == 5)
    assert all(job.ended for job in asked.values())
    assert order.index("b1") < order.index("a2")
    assert order.index("b2") < order.index("a3")
    assert [name for name in order if name[0] == "a"] == ["a1", "a2", "a3"]


def test_several_workers_work_at_once() -> None:
    jobs, works = board(workers=2), [Slow(), Slow()]
    jobs.request("ann", dict(enumerate(works)))
    until(lambda: all(work.runs == 1 for work in works))
    for work in works:
        work.release.set()


def test_failures_say_why_and_can_be_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    def plain(_: Job) -> None:
        raise CnnfixError("There is no such class.")

    def broken(_: Job) -> None:
        raise RuntimeError("secret details")

    jobs = board()
    asked = jobs.request("ann", {"plain": plain, "broken": broken})
    until(lambda: all(job.ended for job in asked.values()))
    assert asked["plain"].message == "There is no such class."
    assert "secret" not in asked["broken"].message
    assert "secret details" in caplog.text
    jobs.request("ann", {})
    done = jobs.request("ann", {"plain": lambda job: "now it works"})["plain"]
    until(lambda: done.state == "done")


def test_results_are_kept_as_long_as_there_is_room() -> None:
    jobs, runs = board(max_bytes=25), []

    def make(name: str) -> Callable[[Job], str]:
        return lambda job: runs.append(name) or name * 10  # type: ignore[func-returns-value]

    for name in "abc":
        job = jobs.request("ann", {name: make(name)})[name]
        until(lambda job=job: job.ended)  # type: ignore[misc]
    jobs.request("ann", {})
    jobs.request("ann", {"b": make("b"), "c": make("c")})
    assert runs == ["a", "b", "c"]
    job = jobs.request("ann", {"a": make("a")})["a"]
    until(lambda: job.ended)
    assert runs == ["a", "b", "c", "a"]


def test_one_person_s_pages_take_turns_as_one() -> None:
    jobs, first, order = board(), Slow(), []

    def note(name: str) -> Callable[[Job], str]:
        return lambda job: order.append(name) or name  # type: ignore[func-returns-value]

    jobs.request("page 0", {"first": first}, "ann")
    until(lambda: first.runs == 1)
    for n in range(1, 5):
        jobs.request(f"page {n}", {f"a{n}": note(f"a{n}")}, "ann")
    jobs.request("page 5", {"b1": note("b1"), "b2": note("b2")}, "bob")
    assert jobs.ahead("page 5") == 1
    first.release.set()
    until(lambda: len(order) == 6)
    assert order.index("b1") == 0
    assert order.index("b2") == 2
