"""What one visitor sends is for that visitor alone, and is gone afterwards; a server that is killed comes back."""

import hashlib
import io
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.browsing import ROOT, send, serve, settle

SECRET = "name-that-nobody-else-may-see.png"


def picture() -> bytes:
    """Noise, large enough that a server might put it on disk while it comes."""
    noise = np.random.default_rng(7).integers(0, 255, (900, 900, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(noise).save(content, "PNG")
    return content.getvalue()


def files_below(*folders: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file()}


def test_pictures_are_seen_by_their_visitor_alone_and_not_kept(
    new_page: Callable[..., Page], tmp_path: Path, logs: Path
) -> None:
    temporary, home = tmp_path / "tmp", tmp_path / "home"
    temporary.mkdir()
    home.mkdir()
    content, log = picture(), logs / "privacy.log"
    # The compiled loops' cache is elsewhere, so that a home of its own need not fill it again.
    with serve(ROOT / "app.py", log, TMPDIR=str(temporary), XDG_CACHE_HOME=str(home)) as address:
        mine = new_page(address)
        mine.goto("/")
        settle(mine)
        send(mine, SECRET, content)
        settle(mine)
        expect(mine).to_have_url(re.compile("picture=own"))
        heading = mine.get_by_role("heading", level=2).first.inner_text()
        other = new_page(address)
        other.goto("/?picture=own")
        settle(other)
        expect(other).not_to_have_url(re.compile("picture=own"))
        expect(other.get_by_text("Your picture", exact=True)).to_have_count(0)
        expect(mine.get_by_text("Your picture", exact=True)).to_have_count(1)
        assert mine.get_by_role("heading", level=2).first.inner_text() == heading
        mine.close()
        other.close()
    pixels = np.asarray(Image.open(io.BytesIO(content))).tobytes()
    for file, kept in files_below(temporary, home).items():
        assert content[1000:2000] not in kept, file
        assert pixels[1000:2000] not in kept, file
    said = log.read_text()
    assert SECRET not in said
    assert hashlib.sha256(content).hexdigest() not in said


def test_a_server_that_was_killed_comes_back_with_the_same_addresses(new_page: Callable[..., Page], logs: Path) -> None:
    place = "/backtrack?picture=cat&class=281&step=5"
    with serve(ROOT / "app.py", logs / "killed.log") as address:
        page = new_page(address)
        page.goto(place)
        settle(page)
        title = page.get_by_role("heading", name="Why “tabby”?").inner_text()
        os.kill(_process_on(urlsplit(address).port or 0), signal.SIGKILL)
    with serve(ROOT / "app.py", logs / "again.log") as address:
        again = new_page(address)
        again.goto(place)
        settle(again)
        expect(again.get_by_role("heading", name=title)).to_be_visible()
        expect(again).to_have_url(re.compile("picture=cat&class=281&step=5"))


def _process_on(port: int) -> int:
    """The process that was told to listen there."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            continue
        if f"--server.port={port}".encode() in words:
            return int(file.parent.name)
    raise LookupError(port)
