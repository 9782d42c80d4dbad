"""Many people at once: real sessions that pick a sample, click classes, and step through layers.

    python benchmarks/visitors.py --people 30 --waves 10
    python benchmarks/visitors.py --people 30 --own 2

Each session is a WebSocket as a browser's, and each click runs the page as a browser's click does; what is measured is
the time until the server has sent all that the click changes, with the pictures that a browser would load. Steps are
asked for by the address, which runs the whole page: more than the page's own keys do. With `--own`, each person sends
so many photographs as from a telephone, 12 million pixels each, which nobody else has, and none is a sample.
"""

import argparse
import asyncio
import functools
import http.client
import io
import random
import re
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import numpy as np
import websockets
from PIL import Image
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

import cnnfix_core as cnnfix
from benchmarks.serving import Server, warm
from cnnfix_core.explanations import classes
from cnnfix_core.images import list_samples

Shown = dict[str, list[int]]  # by sample or photograph, the classes that the page lists
STEPS = 10
PHOTOGRAPHS, OWN_STEPS = 6, 4
# Where a component's data say that a picture is; other depths of a map are loaded only if somebody reaches for them.
PLACE = re.compile(r'"(?:photo|image|uri)": "(shown/\w+)"')
TOKEN = "2|00000000|00112233445566778899aabbccddeeff|1"  # any will do that is sent twice


class Click(NamedTuple):
    """One click: what for, how long it took in seconds, and whether it went well."""

    kind: str
    seconds: float
    good: bool


@functools.cache
def photograph(number: int) -> bytes:
    """A JPEG as a telephone makes it, 3,000 x 4,000 pixels and some 4 MB: an enlarged sample with noise."""
    chance = np.random.default_rng(number)
    sample = list_samples()[number % len(list_samples())]
    large = Image.open(io.BytesIO(sample.read())).convert("RGB").resize((3000, 4000))
    grain = chance.normal(0, 9, (1000, 750, 1)).repeat(4, 0).repeat(4, 1)
    file = io.BytesIO()
    noisy = np.asarray(large, np.float32) + grain
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=92)
    return file.getvalue()


class Session:
    """A page as a browser has it open. uploader: the identity of its upload; sent: the file that was sent last."""

    def __init__(self, server: Server, socket: websockets.ClientConnection) -> None:
        self._server, self._socket = server, socket
        self._name, self._uploader = "", ""
        self._sent: UploadedFileInfo | None = None
        self._loaded: set[str] = set()

    async def click(self, kind: str, page: str, query: str) -> Click:
        """Run the page, as a click does."""
        message = BackMsg()
        message.rerun_script.query_string, message.rerun_script.page_name = query, page
        if self._sent is not None and self._uploader and not page:
            state = WidgetState(id=self._uploader)
            state.file_uploader_state_value.uploaded_file_info.append(self._sent)
            message.rerun_script.widget_states.widgets.append(state)
        started = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        good, places = True, set()
        while True:
            answer = await self._heard()
            element = answer.delta.new_element if answer.HasField("delta") else None
            good &= element is None or not (element.HasField("exception") or element.alert.format == Alert.ERROR)
            if element is not None and element.WhichOneof("type") == "file_uploader":
                self._uploader = element.file_uploader.id
            if element is not None and element.WhichOneof("type") == "bidi_component":
                places |= set(PLACE.findall(element.bidi_component.json or element.bidi_component.mixed.json))
            ended = answer.WhichOneof("type") == "script_finished"
            if ended and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                good &= await asyncio.to_thread(self._load, places - self._loaded)
                return Click(kind, time.perf_counter() - started, good)

    async def send(self, content: bytes) -> Click:
        """Send a photograph, and wait for its answer."""
        started = time.perf_counter()
        message = BackMsg()
        message.file_urls_request.request_id = "photo"
        message.file_urls_request.file_names.append("photo.jpg")
        message.file_urls_request.session_id = self._name
        await self._socket.send(message.SerializeToString())
        while True:
            answer = await self._heard()
            if answer.WhichOneof("type") == "file_urls_response":
                place: FileURLs = answer.file_urls_response.file_urls[0]
                break
        await asyncio.to_thread(self._put, place.upload_url, content)
        self._sent = UploadedFileInfo(name="photo.jpg", size=len(content), file_id=place.file_id, file_urls=place)
        click = await self.click("photograph", "", "picture=own")
        return click._replace(seconds=time.perf_counter() - started)

    def _load(self, places: set[str]) -> bool:
        """Load what was not loaded before, and say whether it was there."""
        connection = http.client.HTTPConnection("localhost", self._server.port, timeout=60)
        found = []
        for place in places:
            connection.request("GET", f"/{place}")
            answer = connection.getresponse()
            answer.read()
            found.append(answer.status == 200)
        connection.close()
        self._loaded |= places
        return all(found)

    def _put(self, place: str, content: bytes) -> None:
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n\r\n'
        headers = {
            "Content-Type": "multipart/form-data; boundary=x",
            "Cookie": f"_streamlit_xsrf={TOKEN}",
            "X-Xsrftoken": TOKEN,
        }
        body = head + content + b"\r\n--x--\r\n"
        request = urllib.request.Request(self._server.url + place, body, headers, method="PUT")
        with urllib.request.urlopen(request, timeout=60):
            pass

    async def _heard(self) -> ForwardMsg:
        answer = ForwardMsg()
        answer.ParseFromString(bytes(await asyncio.wait_for(self._socket.recv(), 120)))
        if answer.WhichOneof("type") == "new_session":
            self._name = answer.new_session.initialize.session_id
        return answer


async def visit(server: Server, seed: int, think: float, shown: Shown, own: int) -> list[Click]:
    """One person's clicks, with about so many seconds between them, on classes that are shown for the picture."""
    chance = random.Random(seed)
    await asyncio.sleep(chance.random() * think)  # nobody comes in the same second as all others
    async with websockets.connect(
        f"ws://localhost:{server.port}/_stcore/stream", subprotocols=["streamlit"], max_size=None
    ) as socket:
        session = Session(server, socket)
        clicks = [click async for click in (_own if own else _samples)(session, chance, think, shown, own)]
    return clicks


async def _samples(
    session: Session, chance: random.Random, think: float, shown: Shown, _own: int
) -> AsyncIterator[Click]:
    sample = chance.choice(list_samples()).name
    yield await session.click("open", "", f"picture={sample}")
    async for click in _asked(session, chance, think, f"picture={sample}", chance.sample(shown[sample], 3), STEPS):
        yield click


async def _own(session: Session, chance: random.Random, think: float, shown: Shown, own: int) -> AsyncIterator[Click]:
    await session.click("open", "", "")
    for turn in range(own):
        await asyncio.sleep(chance.uniform(0.5, 1.5) * think)
        number = chance.randrange(PHOTOGRAPHS)
        # Bytes after a JPEG's end make it a file of its own.
        yield await session.send(photograph(number) + chance.randbytes(16))
        wanted = chance.sample(shown[str(number)], 2)
        async for click in _asked(session, chance, think, "picture=own", wanted, OWN_STEPS if turn == own - 1 else 0):
            yield click


async def _asked(
    session: Session, chance: random.Random, think: float, picture: str, wanted: Sequence[int], steps: int
) -> AsyncIterator[Click]:
    """Classes of a picture, then the walk of the last one."""
    for number in wanted:
        await asyncio.sleep(chance.uniform(0.5, 1.5) * think)
        yield await session.click("class", "", f"{picture}&class={number}")
    for step in range(steps):
        await asyncio.sleep(chance.uniform(0.5, 1.5) * think)
        query = f"{picture}&class={wanted[-1]}&step={step}"
        yield await session.click("step" if step else "backtrack", "backtrack", query)


def listed(own: int = 0) -> Shown:
    """What the page lists of each sample, or of each photograph."""
    model = cnnfix.load_model()
    samples = {sample.name: sample.read() for sample in list_samples()}
    files = {str(number): photograph(number) for number in range(PHOTOGRAPHS)} if own else samples
    return {
        name: [one.index for one in classes(model, cnnfix.open_picture(file)).top(6)] for name, file in files.items()
    }


async def wave(server: Server, people: int, think: float, first: int, shown: Shown, own: int = 0) -> list[Click]:
    """That many people at once."""
    visits = await asyncio.gather(*(visit(server, first + n, think, shown, own) for n in range(people)))
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
    parser.add_argument("--own", type=int, default=0, help="own photographs of each person, instead of samples")
    given = parser.parse_args()
    clicks, shown = [], listed(given.own)
    with warm() as server:
        print(f"memory when warm: {server.megabytes:.0f} MB", flush=True)
        began, computed = time.perf_counter(), server.processor_seconds
        for number in range(given.waves):
            clicks += asyncio.run(wave(server, given.people, given.think, number * given.people, shown, given.own))
            memory = f"{server.megabytes:.0f} MB, at most {server.most_megabytes:.0f} MB"
            print(f"after {(number + 1) * given.people} sessions: {memory}", flush=True)
        computed = server.processor_seconds - computed
    print(f"{computed:.0f} s of a processor in {time.perf_counter() - began:.0f} s")
    print(table(clicks))
    bad = sum(not click.good for click in clicks)
    print(f"{len(clicks)} clicks, {bad} failures")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
