"""Work that takes seconds or minutes, done in the background: it reports progress, can be stopped, and is shared."""

from __future__ import annotations

import itertools
import logging
import math
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from cnnfix_core.errors import CnnfixError
from cnnfix_ui.errors import UserError

log = logging.getLogger(__name__)

JobState = Literal["waiting", "running", "done", "failed"]
Turn = Callable[[Any], AbstractContextManager[object]]
# A visitor who has not asked for this many seconds has left; browsers let hidden pages ask only once a minute.
_VISITOR_TIMEOUT = 90.0
# The same for a page that was closed or lost its connection: it may load again or come back, and ask for the same.
_GONE_TIMEOUT = 30.0


class JobCancelledError(Exception):
    """No visitor waits for the result any more."""


class Request(NamedTuple):
    """What a page asked for last: when, which keys, and whose page it is."""

    at: float
    keys: tuple[Hashable, ...]
    person: Hashable


@dataclass(eq=False)
class Job:
    """One piece of work.

    Attributes:
        share: how much is done, 0 to 1.
        result: that of a finished job; of a running job, what it has reported so far, or None.
        message: why the job failed.
        started: when it began to run, on the monotonic clock.
    """

    key: Hashable
    work: Callable[[Job], Any] | None = field(repr=False)
    wanted: Callable[[Hashable], bool] = field(repr=False)
    state: JobState = "waiting"
    share: float = 0.0
    result: Any = None
    message: str = ""
    started: float = math.inf

    @property
    def left(self) -> float:
        """About how many seconds it still takes, by what is done; NaN if that is not known."""
        if self.state != "running" or not self.share:
            return math.nan
        return (time.monotonic() - self.started) / self.share * (1 - self.share)

    def report(self, share: float, result: Any = None) -> None:
        """Report progress and a partial result. Raises JobCancelledError if no visitor waits for it any more."""
        if not self.wanted(self.key):
            raise JobCancelledError
        self.share = share
        if result is not None:
            self.result = result

    @property
    def ended(self) -> bool:
        """Whether it is done or failed."""
        return self.state in ("done", "failed")


class Jobs:
    """Jobs by key, shared by all visitors of a server; `workers` of them run at once, and persons take turns.

    Args:
        workers: number of threads.
        max_bytes: results are kept up to this size; the least recently used go first.
        size_of: bytes of a result.
        turn: makes the context in which a person's job runs, such as a place in the queue of `turns`.
        is_open: whether a visitor's page is connected; jobs that only others wait for soon end.
    """

    def __init__(
        self,
        workers: int,
        max_bytes: int,
        size_of: Callable[[Any], int],
        turn: Turn = nullcontext,
        is_open: Callable[[str], bool] = lambda _visitor: True,
    ) -> None:
        self._workers, self._max_bytes, self._size_of, self._turn = workers, max_bytes, size_of, turn
        self._is_open = is_open
        self._jobs: dict[Hashable, Job] = {}  # least recently requested first
        self._requests: dict[str, Request] = {}  # by visitor, the newest first
        self._served: dict[Hashable, int] = {}  # number of the last turn, by visitor and by person
        self._turns = itertools.count(1)
        self._change = threading.Condition()
        self._started = 0

    def request(
        self, visitor: str, tasks: Mapping[Hashable, Callable[[Job], Any]], person: Hashable = None
    ) -> dict[Hashable, Job]:
        """The jobs with these keys; new ones are started in this order.

        Jobs that the visitor requested before, but not now, are stopped unless another visitor waits for them.

        Args:
            visitor: An open page.
            tasks: The work by key.
            person: Whose page it is: persons take turns, however many pages they have. None: somebody else's.
        """
        with self._change:
            for key, work in tasks.items():
                self._jobs[key] = self._jobs.pop(key) if key in self._jobs else Job(key, work, self._is_wanted)
            self._add_request(visitor, Request(time.monotonic(), tuple(tasks), visitor if person is None else person))
            self._discard()
            self._start()
            self._change.notify_all()
            return {key: self._jobs[key] for key in tasks}

    def take(self, visitor: str, key: Hashable) -> Any:
        """The result of a finished job of the visitor. It is not kept, unless another visitor waits for it."""
        with self._change:
            result = self._jobs[key].result
            asked = self._requests[visitor]
            self._requests[visitor] = asked._replace(keys=tuple(one for one in asked.keys if one != key))
            if not any(key in keys for keys in self._current_requests()):
                del self._jobs[key]
            return result

    def ahead(self, visitor: str) -> int:
        """How many other persons have jobs that wait or run."""
        with self._change:
            self._current_requests()  # drops those who have left
            own = self._requests[visitor].person if visitor in self._requests else visitor
            return len({one.person for one in self._requests.values() if one.person != own and self._waits(one)})

    def _waits(self, request: Request) -> bool:
        return any(key in self._jobs and not self._jobs[key].ended for key in request.keys)

    def _add_request(self, visitor: str, request: Request) -> None:
        if visitor in self._requests:
            self._requests[visitor] = request  # keeps its turn
        else:
            self._requests = {visitor: request, **self._requests}

    def _is_wanted(self, key: Hashable) -> bool:
        with self._change:
            return any(key in keys for keys in self._current_requests())

    def _current_requests(self) -> list[tuple[Hashable, ...]]:
        self._requests = {name: one for name, one in self._requests.items() if self._waits_still(name, one)}
        known = {*self._requests, *(one.person for one in self._requests.values())}
        self._served = {name: turn for name, turn in self._served.items() if name in known}
        return [one.keys for one in self._requests.values()]

    def _waits_still(self, visitor: str, request: Request) -> bool:
        limit = _VISITOR_TIMEOUT if self._is_open(visitor) else _GONE_TIMEOUT
        return time.monotonic() - request.at < limit

    def _discard(self) -> None:
        """Drop unwanted jobs that wait or failed, and the oldest results beyond `max_bytes`."""
        wanted = {key for keys in self._current_requests() for key in keys}
        for job in [job for job in self._jobs.values() if job.key not in wanted and job.state in ("waiting", "failed")]:
            del self._jobs[job.key]
        done = {job.key: self._size_of(job.result) for job in self._jobs.values() if job.state == "done"}
        over = sum(done.values()) - self._max_bytes
        for key in [key for key in done if key not in wanted]:
            if over <= 0:
                break
            over -= done[key]
            del self._jobs[key]

    def _start(self) -> None:
        for number in range(self._started, self._workers):
            threading.Thread(target=self._work, name=f"jobs-{number}", daemon=True).start()
        self._started = self._workers

    def _work(self) -> None:
        while True:
            with self._change:
                found = self._next_job()
                while found is None:
                    self._change.wait()
                    found = self._next_job()
                job, person = found
                job.started, job.state = time.monotonic(), "running"
            self._run(job, person)

    def _next_job(self) -> tuple[Job, Hashable] | None:
        """The first waiting job of the person and the visitor who were served least recently."""
        self._current_requests()  # drops those who have left
        for visitor, (_, keys, person) in sorted(self._requests.items(), key=self._last_turn):
            for key in keys:
                job = self._jobs.get(key)
                if job is not None and job.state == "waiting":
                    self._served[visitor] = self._served[person] = next(self._turns)
                    return job, person
        return None

    def _last_turn(self, item: tuple[str, Request]) -> tuple[int, int]:
        visitor, request = item
        return self._served.get(request.person, 0), self._served.get(visitor, 0)

    def _run(self, job: Job, person: Hashable) -> None:
        work, job.work = job.work, None  # so that a cached result does not keep its network in memory
        assert work
        try:
            with self._turn(person):
                job.result = work(job)
            job.share, job.state = 1.0, "done"
        except JobCancelledError:
            with self._change:
                self._jobs.pop(job.key, None)
        except (CnnfixError, UserError) as error:
            job.message, job.state = str(error), "failed"
        except Exception:
            log.exception("The job %s failed", job.key)
            job.message, job.state = "This failed unexpectedly. Try again; the server's log has the details.", "failed"
