"""What one visitor may ask of the server, and what is kept of a closed page: real connections, but no browser."""

from __future__ import annotations

import asyncio
import io
import os
import re
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
import websockets
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from cnnfix_site import hosting
from cnnfix_ui.server import connections, uploads
from cnnfix_ui.server.connections import Connections, Pace
from cnnfix_ui.server.visitors import Visitor, visitor_of
from tests.browser.browsing import ROOT, serve

T = TypeVar("T")
TOKEN = "2|00000000|00112233445566778899aabbccddeeff|1"  # any will do that is sent twice
MB = 1_000_000


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server writes."""
    return tmp_path_factory.mktemp("server") / "log"


@pytest.fixture(scope="module")
def server(log: Path) -> Iterator[str]:
    """A server of which own models are off; its address."""
    with serve(ROOT / "app.py", log, "--server.maxUploadSize=25", host="127.0.0.2") as address:
        time.sleep(8)  # the warm-up
        yield address


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a thread of its own: browser tests before may have left a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class OpenPage:
    """A page as a browser has it open."""

    def __init__(self, socket: websockets.ClientConnection, name: str) -> None:
        self.socket, self.name, self.session = socket, name, ""
        self.widgets: dict[str, str] = {}  # kinds by id
        self.errors: list[str] = []

    async def ask(self, times: int = 1, said: Sequence[WidgetState] = ()) -> None:
        message = BackMsg()
        message.rerun_script.page_name = self.name
        message.rerun_script.widget_states.widgets.extend(said)
        for _ in range(times):
            await self.socket.send(message.SerializeToString())

    async def drawn(self) -> None:
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(bytes(await asyncio.wait_for(self.socket.recv(), 60)))
            if answer.WhichOneof("type") == "new_session":
                self.session = answer.new_session.initialize.session_id
            if answer.WhichOneof("type") == "delta":
                self._note(answer.delta.new_element)
            if answer.WhichOneof("type") == "script_finished":
                return

    def _note(self, element: Element) -> None:
        kind = element.WhichOneof("type")
        if kind == "alert" and "went wrong" in element.alert.body:
            self.errors.append(element.alert.body)
        if kind and (name := getattr(getattr(element, kind), "id", "")):
            self.widgets[name] = kind


async def opened(server: str, name: str = "models", **options: object) -> OpenPage:
    place = server.replace("http:", "ws:") + "/_stcore/stream"
    page = OpenPage(await websockets.connect(place, subprotocols=["streamlit"], max_size=None, **options), name)  # type: ignore[arg-type,list-item]
    await page.ask()
    await page.drawn()
    return page


def test_a_flood_of_questions_holds_nobody_up(server: str) -> None:
    async def waits(page: OpenPage) -> list[float]:
        waits = []
        for _ in range(8):
            await asyncio.sleep(0.2)
            started = time.monotonic()
            await page.ask()
            await page.drawn()
            waits.append(time.monotonic() - started)
        return waits

    async def flooded() -> tuple[list[float], list[float]]:
        quiet = await opened(server, additional_headers={"Cookie": f"_streamlit_xsrf={TOKEN}"})
        loud = await opened(server)
        alone = await waits(quiet)
        flood = asyncio.create_task(loud.ask(5000))
        beside = await waits(quiet)
        flood.cancel()
        loud.socket.transport.abort()
        await quiet.socket.close()
        return alone, beside

    alone, beside = run_apart(flooded())
    # The first 150 messages go through at once. Without bounds, each of the last four waits was 1 second or more; the
    # shortest counts, since a busy machine may hold up the others.
    assert min(beside[-4:]) < 0.5 + 4 * max(alone)


def test_states_that_no_browser_sends_are_passed_over(server: str) -> None:
    """Each of them ended the page, for good, and wrote a hundred lines into the log."""
    forged: list[dict[str, Any]] = [
        {"int_value": -1},
        {"string_value": "\u202e<b>"},
        {"json_value": "not json"},
        {"double_value": float("nan")},
        {"trigger_value": False},
        {"bytes_value": b"x"},
        {"file_uploader_state_value": {"uploaded_file_info": [{"file_id": "of somebody else", "name": "a.png"}]}},
    ]
    events = [{"json_trigger_value": f'[{{"event": "chosen", "value": {value}}}]'} for value in ("{}", "[" * 900)]

    async def sent() -> tuple[set[str], list[str]]:
        page = await opened(server, "batch")
        for name, kind in list(page.widgets.items()):
            for state in forged + events * (kind == "bidi_component"):
                target = f"$$STREAMLIT_INTERNAL_KEY_{name}__events" if "json_trigger_value" in state else name
                await page.ask(said=[WidgetState(id=target, **state)])
                await page.drawn()
        await page.socket.close()
        return set(page.widgets.values()), page.errors

    kinds, errors = run_apart(sent())
    assert kinds >= {"bidi_component", "button", "file_uploader", "selectbox", "text_input"}
    assert not errors


def test_files_of_a_page_are_bounded_and_go_with_it(server: str) -> None:
    async def sent() -> list[int]:
        page = await opened(server)
        content = os.urandom(20 * MB)
        found = [await asyncio.to_thread(_put, server, page.session, n, content) for n in range(9)]
        await asyncio.to_thread(_wait_for_files_of, server, 140 * MB)
        await page.socket.close()
        return found

    assert run_apart(sent()) == [204] * 7 + [413] * 2
    _wait_for_files_of(server, 0)


def test_what_is_no_message_ends_the_page_without_a_traceback(server: str, log: Path) -> None:
    """Text, noise, and more than a page ever says; each but the last wrote a traceback."""

    async def sent() -> list[int | None]:
        codes: list[int | None] = []
        for noise in ("hello", b"\xff\xff\xff", bytes(6 * MB)):
            page = await opened(server)
            with suppress(websockets.ConnectionClosed):
                await page.socket.send(noise)
                while True:
                    await asyncio.wait_for(page.socket.recv(), 60)
            codes.append(page.socket.close_code)
        await (await opened(server)).socket.close()
        return codes

    assert run_apart(sent())[-1] == 1009  # too big: 200 MB were kept of each page, while its last part did not come
    assert "Traceback" not in log.read_text()


def test_a_page_whose_connection_breaks_comes_back(server: str) -> None:
    """With its uploads, as after a moment without a network."""

    async def visits() -> bool:
        page = await opened(server)
        page.socket.transport.abort()
        await (await opened(server)).socket.close()  # the server has noticed
        place = server.replace("http:", "ws:") + "/_stcore/stream"
        protocols = [websockets.Subprotocol(one) for one in ("streamlit", "x", page.session)]
        again = OpenPage(await websockets.connect(place, subprotocols=protocols, max_size=None), "models")
        await again.ask()
        await again.drawn()
        await again.socket.close()
        return again.session == page.session

    assert run_apart(visits())


def _put(server: str, session: str, number: int, content: bytes) -> int:
    body = _form(content)
    headers = {
        "Content-Type": "multipart/form-data; boundary=x",
        "Cookie": f"_streamlit_xsrf={TOKEN}",
        "X-Xsrftoken": TOKEN,
    }
    place = f"{server}/_stcore/upload_file/{session}/{number}"
    try:
        with urllib.request.urlopen(urllib.request.Request(place, body, headers, method="PUT"), timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def _form(content: bytes) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    return head + content + b"\r\n--x--\r\n"


def _wait_for_files_of(server: str, size: int) -> None:
    """Until this is what it keeps, by its own count: that does not depend on what else is in memory."""
    end = time.monotonic() + 30
    while (kept := _size_of_files(server)) != size:
        assert time.monotonic() < end, (kept, size)
        time.sleep(0.5)


def _size_of_files(server: str) -> int:
    """In bytes; a few seconds old."""
    with urllib.request.urlopen(f"{server}/_stcore/metrics?families=cache_memory_bytes", timeout=60) as answer:
        told = answer.read().decode()
    found = re.search(r'^cache_memory_bytes\{cache_type="UploadedFileManager".*\} (\d+)$', told, re.MULTILINE)
    return int(found[1]) if found else 0


# --- the parts --------------------------------------------------------------------------------------------------------


def test_messages_wait_only_when_they_come_too_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(connections.time, "monotonic", lambda: now[0])
    pace = Pace(10, 5)
    assert [pace.delay() for _ in range(7)] == pytest.approx([0] * 5 + [0.1, 0.2])
    now[0] += 60
    assert [pace.delay() for _ in range(6)] == pytest.approx([0] * 5 + [0.1])


def test_a_browser_is_known_although_its_cookie_is_masked_anew() -> None:
    from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

    def who(cookie: str, host: str = "10.0.0.1") -> Visitor:
        headers = [(b"cookie", f"_streamlit_xsrf={cookie}".encode())] if cookie else []
        return visitor_of({"type": "websocket", "headers": headers, "client": (host, 1234)})

    token = bytes(range(16))
    assert who(generate_xsrf_token_string(token, 1)) == who(generate_xsrf_token_string(token, 1))
    assert len({who(generate_xsrf_token_string()), who(generate_xsrf_token_string()), who("")}) == 3
    assert who("") == who("2|x") == who("1|2|3|4|5") != who("", "10.0.0.2")


def test_a_machine_with_many_addresses_of_version_6_is_one_visitor() -> None:
    def who(host: str) -> Visitor:
        return visitor_of({"type": "websocket", "headers": [], "client": (host, 1234)})

    assert who("2001:db8:1:2::1") == who("2001:db8:1:2:ffff::9") != who("2001:db8:1:3::1")
    assert who("::ffff:10.0.0.1") == who("10.0.0.1")
    assert who("testclient").address == "testclient"
    assert who("fe80::1%eth0").address == who("fe80::2%eth0").address


def test_a_visitor_has_only_so_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_PAGES", 2)
    leave, answers = asyncio.Event(), []

    async def app(_scope: Scope, receive: Receive, _send: object) -> None:
        await leave.wait()
        await receive()

    async def send(message: Message) -> None:
        answers.append(message)

    async def receive() -> Message:
        return {"type": "websocket.disconnect", "code": 1000}

    async def visits() -> None:
        bounded = Connections(app)
        scope = {"type": "websocket", "headers": [], "client": ("10.0.0.1", 1)}
        pages = [asyncio.create_task(bounded(scope, receive, send)) for _ in range(3)]
        other = asyncio.create_task(bounded({**scope, "client": ("10.0.0.2", 1)}, receive, send))
        await asyncio.sleep(0.01)
        assert [page.done() for page in (*pages, other)] == [False, False, True, False]
        leave.set()
        await asyncio.gather(*pages, other)
        await asyncio.sleep(0)
        await bounded(scope, receive, send)

    run_apart(visits())
    assert [message["code"] for message in answers] == [1013]


def test_broken_connections_make_no_room_for_more_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is kept for a while; who breaks and opens connections without end would have any number of them."""
    monkeypatch.setattr(connections, "MAX_PAGES", 2)
    answers = []

    async def app(_scope: Scope, receive: Receive, _send: object) -> None:
        await receive()

    async def receive() -> Message:
        return {"type": "websocket.disconnect", "code": 1005}

    async def send(message: Message) -> None:
        answers.append(message["code"])

    async def visits() -> None:
        bounded = Connections(app)
        for _ in range(4):
            await bounded({"type": "websocket", "headers": [], "client": ("10.0.0.1", 1)}, receive, send)

    run_apart(visits())
    assert answers == [1013] * 2


def test_a_connection_that_ends_while_it_is_written_to_ends_quietly() -> None:
    """A phone that goes while its page is drawn: each wrote a traceback into the log."""
    received: Iterator[Message] = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1005}])

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.send", "bytes": b""})
        assert (await receive())["type"] == "websocket.disconnect"

    async def receive() -> Message:
        return next(received)

    async def send(_message: Message) -> None:
        raise OSError

    run_apart(Connections(app)({"type": "websocket", "headers": [], "client": ("10.0.0.1", 1)}, receive, send))


def test_a_form_never_touches_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    uploads.keep_in_memory()
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", lambda _: pytest.fail("it went to the disk"))
    sizes = []

    async def take(request: Request) -> PlainTextResponse:
        form = await request.form()
        sizes.append(len(await form["file"].read()))  # type: ignore[union-attr]
        return PlainTextResponse("")

    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        + bytes(3 * MB)
        + b"\r\n--x--\r\n"
    )
    source = io.BytesIO(body)

    async def receive() -> Message:
        part = source.read(65536)
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    async def send(_message: Message) -> None:
        pass

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    scope = {"type": "http", "method": "PUT", "path": "/", "query_string": b"", "headers": headers}
    run_apart(Starlette(routes=[Route("/", take, methods=["PUT"])])(scope, receive, send))
    assert sizes == [3 * MB]


class Arrival:
    """An upload of which parts arrive, and then what is told. place: the session's name, and the address of it."""

    def __init__(
        self,
        bounded: uploads.Uploads,
        announced: int,
        parts: int,
        then: Message | None,
        place: tuple[str, str] = ("s", "10.0.0.1"),
    ) -> None:
        self._bounded, self._then = bounded, then
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        self._parts = [head, *[bytes(1000)] * parts]
        self._scope = {
            "type": "http",
            "method": "PUT",
            "path": f"/_stcore/upload_file/{place[0]}/1",
            "client": (place[1], 1),
            "query_string": b"",
            "headers": [
                (b"content-type", b"multipart/form-data; boundary=x"),
                (b"content-length", str(announced).encode()),
            ],
        }

    async def status(self) -> int | None:
        """What it is answered; None: nothing."""
        statuses: list[int] = []

        async def receive() -> Message:
            if self._parts:
                return {"type": "http.request", "body": self._parts.pop(0), "more_body": True}
            if self._then is None:
                await asyncio.Event().wait()
            assert self._then is not None
            return self._then

        async def send(message: Message) -> None:
            statuses.append(message.get("status", 0))

        await self._bounded(self._scope, receive, send)
        return statuses[0] if statuses else None


async def _read_form(scope: Scope, receive: Receive, send: Send) -> None:
    await Request(scope, receive).form()
    await PlainTextResponse("")(scope, receive, send)


LAST: Message = {"type": "http.request", "body": b"\r\n--x--\r\n", "more_body": False}


def test_uploads_that_never_end_take_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_LONGEST_PAUSE", 0.2)
    monkeypatch.setattr(hosting, "upload_limits", lambda _address: (10_000, 20_000))
    bounded = uploads.Uploads(_read_form)

    async def visits() -> None:
        never = [asyncio.create_task(Arrival(bounded, 9_000, 1, None).status()) for _ in range(5)]
        await asyncio.sleep(0.01)
        assert await Arrival(bounded, 4_000, 3, LAST).status() == 200
        assert await asyncio.gather(*never) == [408] * 5
        assert await Arrival(bounded, 11_000, 10, LAST).status() == 413
        assert await Arrival(bounded, 100, 20, LAST).status() == 413  # it was said to be smaller
        assert await Arrival(bounded, 9_000, 8, {"type": "http.disconnect"}).status() is None  # cancelled
        assert not bounded._arriving

    run_apart(visits())


def test_uploads_of_one_address_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "upload_limits", lambda _address: (10_000, 40_000))
    bounded, here, elsewhere = uploads.Uploads(_read_form), "10.0.0.1", "10.0.0.2"

    async def visits() -> None:
        open_ = [asyncio.create_task(Arrival(bounded, 9_000, 8, None, (f"s{n}", here)).status()) for n in range(2)]
        await asyncio.sleep(0.01)
        assert await Arrival(bounded, 9_000, 8, LAST, ("s2", here)).status() == 413
        assert await Arrival(bounded, 9_000, 8, LAST, ("t", elsewhere)).status() == 200
        for one in open_:
            one.cancel()

    run_apart(visits())


def test_limits_of_uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "memory", lambda: 4_000 * MB)
    monkeypatch.delenv(hosting.OWN_MODELS, raising=False)
    assert hosting.upload_limits("0.0.0.0") == (150 * MB, 500 * MB)
    assert not hosting.models_elsewhere("localhost")
    assert hosting.models_elsewhere("0.0.0.0")
    monkeypatch.setenv(hosting.OWN_MODELS, "0")
    assert hosting.upload_limits("localhost") == (150 * MB, 500 * MB)
    monkeypatch.setenv(hosting.OWN_MODELS, "1")  # behind a proxy
    assert hosting.models_elsewhere("localhost")
    monkeypatch.delenv(hosting.OWN_MODELS)
    each, total = hosting.upload_limits("localhost")
    assert each > hosting.LARGE_UPLOAD * MB
    assert total >= 2 * hosting.LARGE_UPLOAD * MB
