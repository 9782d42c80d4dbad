"""A visit to the Batch page: pictures in an archive, the table, the sheet, and a row in Explore."""

import io
import re
import zipfile

from playwright.sync_api import Page, expect

from cnnfix_core.images.samples import list_samples
from tests.browser.browsing import send, settle, shoot


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for sample in list_samples()[:3]:
            made.writestr(f"zoo/{sample.name}.jpg", sample.read())
        made.writestr("zoo/broken.jpg", b"nothing")
    return content.getvalue()


def test_an_archive_and_a_row_in_explore(page: Page) -> None:
    page.goto("/batch")
    settle(page)
    send(page, "zoo.zip", archive())
    expect(page.get_by_role("heading", name="3 pictures")).to_be_visible()
    expect(page.get_by_text("1 file was skipped")).to_be_visible()
    settle(page)
    shoot(page, "batch")
    page.get_by_role("tab", name="Contact sheet").click()
    first = list_samples()[0].name
    tile = page.get_by_role("radio", name=re.compile("chameleon"))
    expect(tile).to_have_attribute("title", f"zoo/{first}.jpg: open on the Explore page")
    shoot(page, "batch_sheet")
    tile.click()
    expect(page).to_have_url(re.compile("picture=own"))
    expect(page.get_by_role("heading", name="Why “African chameleon”?")).to_be_visible()
    page.get_by_role("link", name="Batch").first.click()
    expect(page.get_by_role("heading", name="3 pictures")).to_be_visible()


def test_the_tab_stays_open_while_pictures_come_and_are_filtered(page: Page) -> None:
    page.goto("/batch")
    settle(page)
    page.get_by_role("button", name="Try it with the sample pictures").click()
    page.get_by_role("tab", name="Contact sheet").click()
    tab = page.get_by_role("tab", selected=True)
    expect(page.get_by_role("heading", name=f"{len(list_samples())} pictures")).to_be_visible()
    settle(page)
    expect(tab).to_have_text("Contact sheet")
    page.get_by_role("textbox", name="Name or class").fill("dog")
    page.keyboard.press("Enter")
    expect(page.get_by_text("pictures match.")).to_be_visible()
    settle(page)
    expect(tab).to_have_text("Contact sheet")


def test_files_that_are_taken_away_are_gone(page: Page) -> None:
    page.goto("/batch")
    settle(page)
    send(page, "notes.txt", b"no picture")
    expect(page.get_by_text("not a supported picture format")).to_be_visible()  # nothing to open first
    page.get_by_test_id("stFileUploader").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("button", name="Try it with the sample pictures")).to_be_visible()


def test_the_button_of_a_row(page: Page) -> None:
    page.goto("/batch")
    settle(page)
    page.get_by_role("button", name="Try it with the sample pictures").click()
    expect(page.get_by_role("heading", name=f"{len(list_samples())} pictures")).to_be_visible()
    settle(page)
    table = page.get_by_test_id("stDataFrame")
    table.locator(".dvn-scroller").click(position={"x": 50, "y": 38 + 64 * 4 + 32})
    expect(page).to_have_url(re.compile(f"picture={list_samples()[4].name}"))
