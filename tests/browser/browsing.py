"""What the tests in this folder share besides fixtures: serving, waiting, screenshots."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from tests.processes import free_port

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PICTURES = HERE.parent / ".out"
PATIENCE = 120_000  # milliseconds: nothing takes so long, but a busy machine may come near

# Streamlit says what it is doing; it is done when this has held for a while.
SETTLED = """() => {
  const app = document.querySelector('[data-testid="stApp"]')
  const busy = '[data-stale="true"], ' +
    '[data-testid="stSkeleton"], [data-testid="stSpinner"], [data-testid="stAppSkeleton"]'
  const still = app?.dataset.testScriptState === "notRunning" && app.dataset.testConnectionState === "CONNECTED"
    && !document.querySelector(busy)
  if (!still) { window.stillSince = 0; return false }
  window.stillSince ||= performance.now()
  return performance.now() - window.stillSince > 300
}"""


def profile(browser: Browser, address: str) -> BrowserContext:
    """A browser with storage and cookies of its own, whose pages open at this address."""
    # With less motion the first visit of Explore is as any other: tests/browser/test_hook.py tries it with motion.
    context = browser.new_context(base_url=address, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    return context


def settle(page: Page) -> None:
    """Wait until the page has been quiet for 300 ms. Call it after every action that makes the script run."""
    page.evaluate("window.stillSince = 0")
    page.wait_for_function(SETTLED)


def hear_late(page: Page, milliseconds: int) -> None:
    """From the next page on, let what the server says arrive later, as over a slow network."""
    page.add_init_script(
        f"""
        const listen = WebSocket.prototype.addEventListener
        WebSocket.prototype.addEventListener = function (kind, heard, ...rest) {{
          const late = (event) => setTimeout(() => heard.call(this, event), {milliseconds})
          return listen.call(this, kind, kind === "message" ? late : heard, ...rest)
        }}
        """
    )


def send(page: Page, name: str, content: bytes, which: int = 0) -> None:
    """Give a file to the page's uploader of that number and wait until it was dealt with."""
    files = page.get_by_test_id("stFileUploader").nth(which).locator("input[type=file]")
    with page.expect_response(lambda answer: "upload_file" in answer.url):  # before that, the script does not run
        files.set_input_files([{"name": name, "mimeType": "application/octet-stream", "buffer": content}])
    settle(page)


def shown(page: Page) -> str:
    """What Streamlit says it is doing, and the page's text without that inside components."""
    state: str = page.evaluate(
        """() => {
          const app = document.querySelector('[data-testid="stApp"]')?.dataset
          return `${app?.testScriptState}, ${app?.testConnectionState}`
        }"""
    )
    return f"{state}\n{page.locator('body').inner_text()[:3000]}"


def shoot(page: Page, name: str) -> Path:
    """Keep a screenshot of the whole page as tests/.out/NAME.png, for looking at."""
    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path


@contextmanager
def serve(
    script: Path, log: Path, *more: str, folder: Path = ROOT, host: str = "127.0.0.1", **variables: str
) -> Iterator[str]:
    """A server of its own for `script`, cold; yields its address. What it says goes to the file `log`.

    more: options for Streamlit. folder: where it is started, whose packages count. host: where it listens.
    variables: of the environment.
    """
    port = free_port()
    options = f"--server.port={port} --server.address={host} --server.headless=true".split()
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options, *more]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    with (
        log.open("w") as out,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out) as process,
    ):
        try:
            _wait_until_healthy(f"http://{host}:{port}", process, log)
            yield f"http://{host}:{port}"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server did not start:\n{log.read_text()}")
