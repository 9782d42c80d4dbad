"""How long a person waits for a click, in a real browser. Prints a Markdown table with a target for each click.

    python benchmarks/clicks.py --rounds 9

Measured is the time from the browser's click event until the new maps are painted; of a start, from the command
`cnnfix app` until the first picture is painted. Needs Chromium and Playwright. With `--parts` also the time that the
server's parts of such a click take, measured in this process.
"""

from __future__ import annotations

import argparse
import io
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

import cnnfix_core as cnnfix
from benchmarks.serving import Server, started, warm
from cnnfix_core.explanations import classes, summary
from cnnfix_core.images import list_samples
from cnnfix_core.regions import MAP_SIDE
from cnnfix_ui.components.panels.component import Panel, panel_data
from cnnfix_ui.widgets import depths

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
SETTLED = """() => {
  const app = document.querySelector('[data-testid="stApp"]')
  const still = app?.dataset.testScriptState === "notRunning" && !document.querySelector('[data-stale="true"]')
  if (!still) { window.stillSince = 0; return false }
  window.stillSince ||= performance.now()
  return performance.now() - window.stillSince > 500
}"""
# `await_map(clicked, before)` notes when a first map is painted that is another than before.
SCRIPT = """window.map = () => {
  for (const host of document.querySelectorAll(".stBidiComponentRegular, [data-testid^=stBidi]")) {
    for (const node of [host, ...host.querySelectorAll("*")]) {
      const found = node.shadowRoot?.querySelector(".overlay")
      if (found) return found
    }
  }
}
window.await_map = (clicked, before) => {
  window.clicked = clicked
  window.answered = 0
  const look = () => {
    const image = window.map()
    if (image && image.src !== before && image.complete && image.naturalWidth) {
      requestAnimationFrame(() => setTimeout(() => { window.answered = performance.now() }))
    } else requestAnimationFrame(look)
  }
  look()
}
window.addEventListener("click", (event) => window.await_map(event.timeStamp, window.map()?.src), true)"""
WAITED = "window.answered && window.answered - window.clicked"


class Target(NamedTuple):
    """A kind of click, and how many seconds it may take at most; None: no target, only to compare with."""

    what: str
    seconds: float | None


CLASS = Target("another class of the list", 0.4)
AGAIN = Target("a class that was asked before", None)
SAMPLE = Target("another sample", 0.6)
UPLOAD = Target("a picture of one's own, from the end of the upload dialog", None)
START = Target("start, from the command to the first picture", 8.0)


def main() -> int:
    """Measure, and print. 1 if a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="samples visited, two classes each (default: 9)")
    parser.add_argument("--starts", type=int, default=3, help="cold starts (default: 3)")
    parser.add_argument("--parts", action="store_true", help="also measure the parts of a click in this process")
    options = parser.parse_args()
    found: dict[Target, list[float]] = {}
    with chromium() as browser:
        if options.starts:
            found[START] = [cold_start(browser) for _ in range(options.starts)]
        if options.rounds:
            with warm() as server:
                found |= clicks(browser, server, options.rounds)
    print("| click | times | median, s | longest, s | target, s | |\n| --- | ---: | ---: | ---: | ---: | --- |")
    missed = False
    for target, seconds in found.items():
        median = statistics.median(seconds)
        verdict = "" if target.seconds is None else "pass" if median < target.seconds else "fail"
        missed |= verdict == "fail"
        cells = [target.what, len(seconds), f"{median:.2f}", f"{max(seconds):.2f}", target.seconds or "", verdict]
        print(f"| {' | '.join(map(str, cells))} |")
    if options.parts:
        print_parts(options.rounds)
    return int(missed)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser."""
    names = ("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, names)), None), args=FLAGS
        )
        yield browser
        browser.close()


def cold_start(browser: Browser) -> float:
    """Seconds from the command to the first picture, in a browser that knows nothing of the app."""
    begun = time.perf_counter()
    with started() as server, opened(browser) as page:
        server.wait_until_healthy()
        page.goto(server.url)
        page.evaluate("window.await_map(0, '')")
        page.wait_for_function(WAITED)
        return time.perf_counter() - begun


@contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    """An empty page in a browser profile of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.add_init_script(SCRIPT)
    yield page
    context.close()


def clicks(browser: Browser, server: Server, rounds: int) -> dict[Target, list[float]]:
    """Seconds of clicks of each kind: samples, two classes each, and back to the first."""
    found: dict[Target, list[float]] = {CLASS: [], AGAIN: [], SAMPLE: [], UPLOAD: []}
    names = [sample.title for sample in list_samples()]
    with opened(browser) as page:
        page.goto(server.url)
        page.wait_for_function(SETTLED)

        def click(role: str, **which: Any) -> float:
            page.get_by_role(role, **which).click()
            return answered(page)

        def click_class(number: int) -> float:
            group = page.get_by_role("radiogroup", name="Classes, most probable first")
            group.get_by_role("radio").nth(number).scroll_into_view_if_needed()
            label = group.get_by_role("radio").nth(number).inner_text()
            return click("radio", name=label.replace("\n", " "))

        for n in range(rounds):
            found[SAMPLE].append(click("radio", name=names[(n + 1) % len(names)], exact=True))
            found[CLASS] += [click_class(1), click_class(2)]
            found[AGAIN].append(click_class(1))
        for seed in range(min(rounds, 3)):
            found[UPLOAD].append(upload(page, seed))
    return found


def upload(page: Page, seed: int) -> float:
    """Seconds from the choice of a file to its explanation."""
    noise = np.random.default_rng(seed).integers(0, 40, (900, 1200, 3), np.uint8)
    content = io.BytesIO()
    image = Image.open(io.BytesIO(list_samples()[seed].read())).convert("RGB").resize((1200, 900))
    Image.fromarray(np.asarray(image) // 2 + noise).save(content, "JPEG", quality=90)
    page.evaluate("window.await_map(performance.now(), window.map().src)")
    file = {"name": "own.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()}
    page.get_by_test_id("stFileUploader").locator("input[type=file]").first.set_input_files([file])
    return answered(page)


def answered(page: Page) -> float:
    """Seconds from the click to the map. Returns when the page is at rest again."""
    seconds: float = page.wait_for_function(WAITED).json_value() / 1000
    page.evaluate("window.stillSince = 0")
    page.wait_for_function(SETTLED)
    return seconds


def print_parts(rounds: int) -> None:
    """The parts of the server's answer to a click on another class, medians."""
    model = cnnfix.load_model()
    taken: dict[str, list[float]] = {}
    for sample in list_samples()[: rounds + 1]:
        for name, seconds in parts(model, cnnfix.open_picture(sample.read())).items():
            taken.setdefault(name, []).append(seconds)
    print("\n| part | median, ms |\n| --- | ---: |")
    for name, found in taken.items():
        print(f"| {name} | {1000 * statistics.median(found[1:]):.0f} |")


def parts(model: cnnfix.Model, picture: cnnfix.Picture) -> dict[str, float]:
    """Seconds of each part, for the second class of the list."""
    target = classes(model, picture).top(2)[1].index
    inputs = model.inputs(picture, model.views(picture, "whole"))
    clock = {"": time.perf_counter()}
    tape = cnnfix.record(model.module, inputs)
    clock["recording"] = time.perf_counter()
    cnnfix.unravel(tape, (0, target), cnnfix.EVIDENCE)
    clock["walk"] = time.perf_counter()
    del tape
    explanation = cnnfix.explain(model, picture, target)
    clock["explain: recording, walk, fixations on the picture"] = time.perf_counter()
    gradcam = cnnfix.attribute(model, picture, target, crops="whole", longest_side=MAP_SIDE)
    clock["Grad-CAM"] = time.perf_counter()
    map_ = explanation.map(MAP_SIDE)
    clock["map"] = time.perf_counter()
    summary(explanation, map_, gradcam)
    clock["sentence"] = time.perf_counter()
    shown = [Panel("", depths.usual(explanation).layers, explanation.kept_fixations), Panel.of("", gradcam)]
    panel_data(picture, shown, points="fixation", opacity=1, alt="")
    clock["drawing and encoding"] = time.perf_counter()
    times = list(clock.values())
    return {name: after - before for name, before, after in zip(list(clock)[1:], times, times[1:], strict=False)}


if __name__ == "__main__":
    sys.exit(main())
