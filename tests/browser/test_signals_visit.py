"""A visit to the Signals page: a series, a table, a clip and its frames."""

import io
import re

import numpy as np
from playwright.sync_api import Page, expect

from cnnfix_core.modalities.timeseries.shipped import signal_samples
from cnnfix_core.synthetic.clips import compose_clip
from tests.browser.browsing import send, settle, shoot


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text, exact=True)).to_be_visible()


def test_a_series_and_a_table(page: Page) -> None:
    page.goto("/signals")
    heading(page, "Why “arm raised”?")
    settle(page)
    page.get_by_role("radio", name="Rowing 3").click()
    heading(page, "Why “rowing”?")
    expect(page).to_have_url(re.compile("series=rowing-3"))
    page.get_by_role("radio", name=re.compile("^arm raised")).click()
    heading(page, "Why “arm raised”?")
    shoot(page, "signals")
    text = io.StringIO()
    np.savetxt(text, [one.series for one in signal_samples()[-2:]], delimiter=";")
    send(page, "two.csv", text.getvalue().encode())
    heading(page, "Why “rowing”?")
    expect(page.get_by_text("Series number, of 2 in the file")).to_be_visible()
    send(page, "none.csv", b"nothing, at, all")
    expect(page.get_by_role("alert")).to_contain_text("no numbers")
    heading(page, "Why “rowing”?")


def test_a_clip_and_its_frames(page: Page) -> None:
    page.goto("/signals?clip=blinking")
    settle(page)
    page.get_by_role("radio", name="Clip").or_(page.get_by_role("button", name="Clip", exact=True)).first.click()
    heading(page, "Why “blinking”?")
    settle(page)
    frames = page.get_by_role("radiogroup", name="Frames, with their share of the evidence")
    expect(frames.get_by_role("radio")).to_have_count(16)
    frames.get_by_role("radio", name=re.compile("^12:")).click()
    settle(page)
    expect(page).to_have_url(re.compile("frame=12"))
    expect(page.get_by_role("slider", name="Frame")).to_have_attribute("aria-valuetext", "12")
    page.get_by_role("slider", name="Frame").press("ArrowRight")
    settle(page)
    expect(frames.get_by_role("radio", checked=True)).to_contain_text("13:")
    shoot(page, "clip")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Animation").click()
    assert waiting.value.path().read_bytes().startswith(b"GIF89a")


def test_a_clip_of_ones_own(page: Page) -> None:
    from PIL import Image

    page.goto("/signals?kind=clip")
    heading(page, "Why “moving left”?")
    settle(page)
    made = compose_clip(1_000_777, 3, side=128)
    first, *rest = (Image.fromarray(frame) for frame in made.frames)
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=rest)
    send(page, "down.gif", buffer.getvalue())
    heading(page, "Why “moving down”?")
    send(page, "down.txt", b"Dear diary")
    expect(page.get_by_role("alert")).to_contain_text("not a supported picture format")
    heading(page, "Why “moving down”?")
