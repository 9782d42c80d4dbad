"""A class of real sessions that take a lesson together, while other visitors use the app.

    python benchmarks/classroom.py --pupils 30 --rooms 3
    python benchmarks/classroom.py --pupils 5 --together 20 --steps 2 --others 0
    python benchmarks/classroom.py --pupils 60 --together 20 --steps 8 --without-server

Each phone, the desk and the board are WebSockets with cookies of their own, which run the page as a browser does and
ask as often as a browser whether the room has changed. Measured are the time from an answer until the desk counts it,
from the press of Reveal until a phone has it, the clicks of visitors elsewhere meanwhile, what a phone is sent, and
the server's memory after each class. Each class comes from an address of its own, as if through a proxy. Without a
server, the rooms alone are driven, which no page draws.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import secrets
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.serving import Server, warm
from benchmarks.visitors import Click, listed, visit
from cnnfix_core.lessons import read_lesson
from cnnfix_site import hosting
from cnnfix_ui.rooms.registry import Rooms
from cnnfix_ui.server.visitors import Visitor

PICTURES = ("chameleon", "cat", "giraffe", "coffee", "rocket", "red-panda", "dolphin", "paintbrushes")
_PATIENCE = 60.0  # seconds until a benchmark gives up
_AGAIN = 4.0  # as in watching.js


def lesson_text(steps: int) -> str:
    """A lesson whose steps all ask for taps, the answer that makes most work."""
    head = "---\ntitle: A class\ngoal: To be measured.\nminutes: 10\nage: any\n---\n"
    asks = (
        f"\n## Step {n + 1}\nscreen: /explore?picture={PICTURES[n % len(PICTURES)]}\nask: Where does it look?\n"
        "answer: look 3\n\nTap.\n"
        for n in range(steps)
    )
    return head + "".join(asks)


class Screen:
    """One open page, kept as a browser keeps it. Use as an asynchronous context manager.

    school: the number of the address from which it comes.
    """

    def __init__(self, server: Server, query: str, school: int = 0) -> None:
        self._server, self._query, self._school = server, query, school
        self._page = ""
        self._changed = asyncio.Event()
        self._component_id = ""
        self._tell_at, self._patience = 0.0, _AGAIN
        self.buttons: dict[str, str] = {}  # id by label
        self.links: dict[str, str] = {}
        self.code = ""
        self.component: dict[str, Any] = {}  # data of a room's component
        self.answered = 0  # as the page shows it
        self.received = 0  # bytes
        self.bad = 0

    async def __aenter__(self) -> Screen:
        cookie = f"_streamlit_xsrf=2|00000000|{secrets.token_hex(16)}|1"
        self._socket = await websockets.connect(
            f"ws://localhost:{self._server.port}/_stcore/stream",
            subprotocols=[websockets.Subprotocol("streamlit")],
            max_size=None,
            additional_headers={"Cookie": cookie, "X-Forwarded-For": f"10.0.0.{self._school}"},
        )
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._ask())]
        await self._socket.send(self._message().SerializeToString())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._socket.close()

    async def press(self, label: str) -> None:
        """Press the button with this label, once it is there."""
        await self.wait(lambda: label in self.buttons)
        message = self._message()
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = self.buttons.pop(label), True
        await self._socket.send(message.SerializeToString())

    async def answer(self, value: Any) -> None:
        """Send what a phone sends when its button is pressed."""
        await self._tell("answer", {"step": self.component["step"], "value": value})

    async def wait(self, ready: Callable[[], bool]) -> float:
        """Wait until that is so; the time at which it was seen."""
        end = time.monotonic() + _PATIENCE
        while not ready():
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), end - time.monotonic())
        return time.monotonic()

    async def _tell(self, event: str, value: Any) -> None:
        message = self._message()
        state = message.rerun_script.widget_states.widgets.add()
        state.id = f"$$STREAMLIT_INTERNAL_KEY_{self._component_id}__events"
        state.json_trigger_value = json.dumps([{"event": event, "value": value}])
        await self._socket.send(message.SerializeToString())

    def _message(self) -> BackMsg:
        message = BackMsg()
        message.rerun_script.query_string = self._query
        message.rerun_script.page_script_hash = self._page
        message.rerun_script.page_name = "" if self._page else "room"
        return message

    async def _read(self) -> None:
        while True:
            content = bytes(await self._socket.recv())
            self.received += len(content)
            message = ForwardMsg()
            message.ParseFromString(content)
            self._take(message)
            self._changed.set()

    def _take(self, message: ForwardMsg) -> None:
        match message.WhichOneof("type"):
            case "navigation":
                self._page = message.navigation.page_script_hash
            case "page_info_changed":
                self._query = message.page_info_changed.query_string
            case "delta":
                self._draw(message.delta.new_element)

    def _draw(self, element: Any) -> None:
        match element.WhichOneof("type"):
            case "button":
                self.buttons[element.button.label] = element.button.id
            case "link_button":
                self.links[element.link_button.label] = element.link_button.url
            case "html":
                found = re.search(r"room-code\">([A-Z]{5})", element.html.body)
                self.code = found[1] if found else self.code
            case "bidi_component":
                data = json.loads(element.bidi_component.json or element.bidi_component.mixed.json or "{}")
                if "watch" in data:
                    if data["watch"] != self.component.get("watch"):
                        self._tell_at, self._patience = 0.0, _AGAIN
                    self._component_id, self.component = element.bidi_component.id, data
            case "exception" | "alert":
                self.bad += 1

    async def _ask(self) -> None:
        """What watching.js does."""
        while True:
            watch, seconds = self.component.get("watch"), 0.2
            if watch:
                found = await self._moment(watch["key"])
                seconds = found["seconds"] * random.uniform(0.9, 1.1)
                self.answered = found.get("answered", 0)
                self._changed.set()
                if found["version"] != watch["version"] and time.monotonic() > self._tell_at:
                    self._tell_at = time.monotonic() + self._patience
                    self._patience *= 2
                    await self._tell("changed", found["version"])
            await asyncio.sleep(seconds)

    async def _moment(self, key: str) -> dict[str, Any]:
        reader, writer = await asyncio.open_connection("localhost", self._server.port)
        writer.write(
            f"GET /class-moment HTTP/1.1\r\nHost: localhost\r\nX-Class-Key: {key}\r\nConnection: close\r\n\r\n".encode()
        )
        content = await reader.read()
        writer.close()
        self.received += len(content)
        head, _, body = content.partition(b"\r\n\r\n")
        found: dict[str, Any] = json.loads(body) if b" 200 " in head[:20] else {"version": "ended", "seconds": 3}
        return found


class Times(dict[str, list[float]]):
    """Seconds by what was timed."""

    def add(self, what: str, seconds: float) -> None:
        """Note one."""
        self.setdefault(what, []).append(seconds)

    def table(self) -> str:
        """A row each."""
        lines = ["| | times | median | p95 | longest |", "| --- | ---: | ---: | ---: | ---: |"]
        for what, found in self.items():
            seconds = sorted(found)
            half, most = seconds[len(seconds) // 2], seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]
            lines.append(f"| {what} | {len(seconds):,} | {half:.2f} s | {most:.2f} s | {seconds[-1]:.2f} s |")
        return "\n".join(lines)


async def take_lesson(
    server: Server, pupils: int, steps: int, think: float, times: Times, school: int = 0
) -> tuple[float, int]:
    """One class from joining to the end. Bytes that a phone was sent for each step, and how many errors were shown."""
    async with Screen(server, "begin=class", school) as desk:
        await desk.press("Open a room")
        await desk.wait(lambda: bool(desk.code) and "Open the board" in desk.links)
        async with Screen(server, desk.links["Open the board"].partition("?")[2], school) as board:
            phones = [Screen(server, f"code={desk.code}", school) for _ in range(pupils)]
            started = time.monotonic()
            await asyncio.gather(*(phone.__aenter__() for phone in phones))
            joined = await asyncio.gather(*(phone.wait(lambda phone=phone: bool(phone.component)) for phone in phones))
            for at in joined:
                times.add("a phone joins, all at once", at - started)
            await desk.press("Start the lesson")
            before = sum(phone.received for phone in phones)
            for number in range(steps):
                await take_step(desk, board, phones, think, times)
                if number + 1 < steps:
                    await desk.press("Next step")
            sent = (sum(phone.received for phone in phones) - before) / steps / pupils
            await desk.press("End and erase")
            await asyncio.gather(*(phone.__aexit__() for phone in phones))
            return sent, desk.bad + board.bad + sum(phone.bad for phone in phones)


async def take_step(desk: Screen, board: Screen, phones: Sequence[Screen], think: float, times: Times) -> None:
    """Open, answer, close, reveal."""
    await desk.press("Open answers")
    await asyncio.gather(*(phone.wait(lambda phone=phone: phone.component["phase"] == "open") for phone in phones))
    sent: list[float] = []

    async def answer(phone: Screen) -> None:
        await asyncio.sleep(random.random() * think)
        sent.append(time.monotonic())
        await phone.answer([[round(random.random(), 3), round(random.random(), 3)] for _ in range(3)])

    async def count() -> list[float]:
        """When the desk showed how many."""
        seen: list[float] = []
        while len(seen) < len(phones):
            many = len(seen)
            at = await desk.wait(lambda: desk.answered > many)  # noqa: B023  # it is waited for here
            seen += [at] * (desk.answered - many)
        return seen

    await desk.wait(lambda: desk.answered == 0)
    counting = asyncio.create_task(count())
    await asyncio.gather(*map(answer, phones))
    for begun, seen in zip(sorted(sent), await counting, strict=True):
        times.add("an answer is counted on the desk", seen - begun)
    await desk.press("Close answers")
    await desk.wait(lambda: "Reveal" in desk.buttons)
    started = time.monotonic()
    await desk.press("Reveal")
    for name, screens in (("a phone has the reveal", phones), ("the board has the reveal", [board])):
        for at in await asyncio.gather(
            *(one.wait(lambda one=one: one.component["phase"] == "revealed") for one in screens)
        ):
            times.add(name, at - started)


async def measure(server: Server, given: argparse.Namespace, shown: dict[str, list[int]], times: Times) -> list[Click]:
    """All classes, one after the other or together; others visit while the first goes on. Their clicks."""

    async def classes() -> None:
        for number in range(given.rooms):
            steps, think = (given.steps, given.think) if number == 0 else (1, 0.5)
            schools = (
                take_lesson(server, given.pupils, steps, think, times, school) for school in range(given.together)
            )
            found = await asyncio.gather(*schools)
            sent, bad = sum(sent for sent, _ in found) / len(found), sum(bad for _, bad in found)
            words = f"class {number + 1}: {sent / 1000:.0f} kB to a phone for each step, {bad} errors shown"
            print(f"{words}, memory {server.megabytes:.0f} MB", flush=True)

    others: list[Coroutine[Any, Any, list[Click]]] = [visit(server, n, 3.0, shown, own=0) for n in range(given.others)]
    _, *visits = await asyncio.gather(classes(), *others)
    return [click for clicks in visits for click in clicks]


def drive_rooms(given: argparse.Namespace, times: Times) -> None:
    """All rooms at once without pages: each phone answers each step."""
    lesson = read_lesson(lesson_text(given.steps).encode(), "class")
    now = 0.0
    every = Rooms(clock=lambda: now)
    tracemalloc.start()
    opened = [every.open(lesson, who=Visitor(f"10.0.0.{n}", "")) for n in range(given.together)]
    tokens = [(room, [room.join(str(n)) for n in range(given.pupils)]) for room in opened]
    for room in opened:
        room.advance(room.moment)
    for step in range(given.steps):
        now += 10.0  # no answer comes too early
        for room, phones in tokens:
            room.advance(room.moment)
            for token in phones:
                started = time.perf_counter()
                every.watched("phone", token)
                room.send(token, step, [[random.random(), random.random()] for _ in range(3)])
                times.add("a phone asks and answers", time.perf_counter() - started)
            for _ in range(3):
                room.advance(room.moment)
    print(f"memory of the rooms: {tracemalloc.get_traced_memory()[0] / 1e6:.1f} MB")


def main() -> int:
    """Serve, teach, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pupils", type=int, default=30)
    parser.add_argument("--steps", type=int, default=8, help="of the first class; later ones take one step each")
    parser.add_argument("--rooms", type=int, default=1, help="classes, one after the other")
    parser.add_argument("--together", type=int, default=1, help="classes at once")
    parser.add_argument("--without-server", action="store_true", help="the rooms alone, without pages")
    parser.add_argument("--others", type=int, default=3, help="visitors elsewhere while the first class goes on")
    parser.add_argument("--think", type=float, default=3.0, help="seconds within which all answer")
    given = parser.parse_args()
    times = Times()
    if given.without_server:
        drive_rooms(given, times)
        print(times.table())
        return 0
    shown = listed()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "class.md").write_text(lesson_text(given.steps), "utf-8")
        os.environ[hosting.LESSONS] = folder
        with warm() as server:
            print(f"memory when warm: {server.megabytes:.0f} MB", flush=True)
            for click in asyncio.run(measure(server, given, shown, times)):
                times.add("a click of another visitor", click.seconds)
    print(times.table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
