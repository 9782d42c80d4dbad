"""Many people at once: real sessions that pick a sample, click classes, and step through layers.

    python benchmarks/visitors.py --people 30 --waves 10

Each session is a WebSocket as a browser's, and each click runs the page as a browser's click does; what is measured is
the time until the server has sent all that the click changes. Steps are asked for by the address, which runs the whole
page: more than the page's own keys do.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

import cnnfix_core as cnnfix
from benchmarks.serving import Server, warm
from cnnfix_core.explanations import classes
from cnnfix_core.images import list_samples

Shown = dict[str, list[int]]  # by sample, the classes that the page lists
STEPS = 10


class Click(NamedTuple):
    """One click: what for, how long it took in seconds, and whether it went well."""

    kind: str
    seconds: float
    good: bool


async def visit(server: Server, seed: int, think: float, shown: Shown) -> list[Click]:
    """One person's clicks, with about so many seconds between them, on classes that are shown for the sample."""
    chance = random.Random(seed)
    sample = chance.choice(list_samples()).name
    clicks = []
    await asyncio.sleep(chance.random() * think)  # nobody comes in the same second as all others
    async with websockets.connect(
        f"ws://localhost:{server.port}/_stcore/stream", subprotocols=["streamlit"], max_size=None
    ) as session:
        clicks.append(await _click(session, "open", "", f"picture={sample}"))
        wanted = chance.sample(shown[sample], 3)
        for number in wanted:
            await asyncio.sleep(chance.uniform(0.5, 1.5) * think)
            clicks.append(await _click(session, "class", "", f"picture={sample}&class={number}"))
        for step in range(STEPS):
            await asyncio.sleep(chance.uniform(0.5, 1.5) * think)
            query = f"picture={sample}&class={wanted[-1]}&step={step}"
            clicks.append(await _click(session, "step" if step else "backtrack", "backtrack", query))
    return clicks


async def _click(session: websockets.ClientConnection, kind: str, page: str, query: str) -> Click:
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.page_name = page
    started = time.perf_counter()
    await session.send(message.SerializeToString())
    good = True
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(bytes(await asyncio.wait_for(session.recv(), 120)))
        kinds = answer.delta.new_element.WhichOneof("type") if answer.HasField("delta") else ""
        good &= kinds not in ("exception", "alert")
        ended = answer.WhichOneof("type") == "script_finished"
        if ended and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return Click(kind, time.perf_counter() - started, good)


def listed() -> Shown:
    """What the page lists of each sample."""
    model = cnnfix.load_model()
    return {
        sample.name: [one.index for one in classes(model, cnnfix.open_picture(sample.read())).top(6)]
        for sample in list_samples()
    }


async def wave(server: Server, people: int, think: float, first: int, shown: Shown) -> list[Click]:
    """That many people at once."""
    visits = await asyncio.gather(*(visit(server, first + n, think, shown) for n in range(people)))
    return [click for clicks in visits for click in clicks]


def table(clicks: Sequence[Click]) -> str:
    """A line a kind: how many, and the seconds that half of them and 95 % of them stay below."""
    lines = [f"{'click':10}{'times':>8}{'median':>9}{'p95':>8}{'longest':>9}"]
    for kind in (*dict.fromkeys(click.kind for click in clicks), "all"):
        seconds = sorted(click.seconds for click in clicks if kind in (click.kind, "all"))
        half, most = seconds[len(seconds) // 2], seconds[int(0.95 * len(seconds))]
        lines.append(f"{kind:10}{len(seconds):8}{half:9.2f}{most:8.2f}{seconds[-1]:9.2f}")
    return "\n".join(lines)


def main() -> int:
    """Serve, visit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--waves", type=int, default=1)
    parser.add_argument("--think", type=float, default=5.0, help="seconds between two clicks of a person, on average")
    given = parser.parse_args()
    clicks, shown = [], listed()
    with warm() as server:
        print(f"memory when warm: {server.megabytes:.0f} MB", flush=True)
        for number in range(given.waves):
            clicks += asyncio.run(wave(server, given.people, given.think, number * given.people, shown))
            print(f"after {(number + 1) * given.people} sessions: {server.megabytes:.0f} MB", flush=True)
    print(table(clicks))
    bad = sum(not click.good for click in clicks)
    print(f"{len(clicks)} clicks, {bad} failures")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
