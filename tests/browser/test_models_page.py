"""The whole way of a visitor through Models, and from there to Explore."""

import io
import os
import pickle
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from torch import nn

from cnnfix_core.zoo import architectures, list_models
from cnnfix_core.zoo.untrusted import apart
from tests.browser.browsing import ROOT, send, serve, settle, shoot
from tests.zoo.test_apart import GOOD, Lasts, program

SMALL = "timm/lcnet_050"
ROW = 35  # pixels; the heading has one more


@pytest.fixture(scope="module")
def server(logs: Path) -> Iterator[str]:
    """A server that has no weights of torchvision's, and cannot fetch any: nobody listens at its proxy."""
    cut_off = {"TORCH_HOME": str(logs / "torch"), "https_proxy": "http://127.0.0.1:9"}
    with serve(ROOT / "app.py", logs / "models.log", **cut_off) as address:
        yield address


@pytest.fixture
def models(page: Page) -> Page:
    page.goto("/models")
    settle(page)
    return page


@pytest.fixture(scope="module")
def weights() -> bytes:
    buffer = io.BytesIO()
    torch.save(architectures.build(SMALL, 5).state_dict(), buffer)
    return buffer.getvalue()


class Command:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.path}",)


def architecture(page: Page, name: str) -> None:
    box = page.get_by_role("combobox", name="Architecture")
    box.click()
    box.fill(name)
    page.get_by_role("option", name=name, exact=True).click()
    settle(page)


def check(page: Page) -> None:
    page.get_by_role("button", name="Check", exact=True).click()
    settle(page)


def explore(page: Page) -> Locator:
    return page.get_by_role("button", name="Explore with this network")


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text, exact=True)).to_be_visible()


def row_of(name: str) -> int:
    return [info.name for info in list_models()].index(name)


def click_row(page: Page, number: int, x: int) -> None:
    page.get_by_test_id("stDataFrame").first.click(position={"x": x, "y": (number + 1.5) * ROW})
    settle(page)


def test_a_network_is_chosen_by_any_cell_and_by_the_keys(models: Page) -> None:
    page = models
    heading(page, "EfficientNet-Lite0")
    click_row(page, row_of("vgg16"), x=60)
    heading(page, "VGG-16")
    expect(page.get_by_text("Right first guess on 71.6 % of ImageNet's test pictures")).to_be_visible()
    click_row(page, 0, x=300)
    for _ in range(row_of("convnext_base")):
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(60)
    settle(page)
    heading(page, "ConvNeXt base")
    page.keyboard.press("Escape")
    settle(page)
    heading(page, "ConvNeXt base")  # one is always chosen
    shoot(page, "models-table")


def test_without_a_connection(models: Page) -> None:
    page = models
    click_row(page, row_of("vgg16"), x=90)
    expect(explore(page)).to_be_disabled()
    page.get_by_role("button", name="Load", exact=True).click()
    settle(page)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("vgg16-397923af.pth (553 MB)")
    expect(alert).to_contain_text("to the folder")
    shoot(page, "models-no-connection")
    page.get_by_role("link", name="Explore").click()
    settle(page)
    heading(page, "Why “African chameleon”?")


@pytest.mark.skipif(not apart.possible(), reason="files are read in the server")
def test_reading_a_file_can_be_cancelled(models: Page) -> None:
    page = models
    send(page, "good.pt2", GOOD)
    check(page)
    expect(page.get_by_role("status")).to_contain_text("good.pt2: 3 classes")
    send(page, "lasts.pt2", program(Lasts()))
    page.get_by_role("button", name="Check", exact=True).click()
    cancel = page.get_by_role("button", name="Cancel", exact=True)
    expect(cancel).to_be_visible()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.wait_for_timeout(1000)
    started = time.monotonic()
    cancel.click()
    settle(page)
    expect(cancel).not_to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("status")).to_contain_text("good.pt2: 3 classes")  # the one before is still there
    send(page, "again.pt2", GOOD)
    check(page)  # it need not wait for the other one, which would take 20 s of a processor
    expect(page.get_by_role("status")).to_contain_text("again.pt2: 3 classes")
    assert time.monotonic() - started < apart.MAX_SECONDS


def test_own_weights_from_the_file_to_the_answer(models: Page, weights: bytes, tmp_path: Path) -> None:
    page = models
    expect(page.get_by_role("button", name="Check", exact=True)).to_be_disabled()
    send(page, "pets.pth", weights)
    architecture(page, "resnet18")
    check(page)
    expect(page.get_by_role("alert")).to_contain_text("The weights do not fit resnet18")
    shoot(page, "models-wrong-architecture")
    architecture(page, SMALL)
    send(page, "labels.txt", b"cat\n<b>dog</b>\nfox\nowl\ncarp", which=1)
    check(page)
    expect(page.get_by_role("status")).to_contain_text("pets.pth: 5 classes, pictures of 224 × 224 pixels")
    expect(page.get_by_role("status")).to_contain_text("This network works: every step can be followed")
    page.get_by_text("Operations of the network").click()
    shoot(page, "models-own")
    send(page, "hostile.pth", pickle.dumps(Command(tmp_path / "ran")))
    check(page)
    expect(page.get_by_role("alert")).to_contain_text("hostile.pth")
    expect(page.get_by_role("status")).to_contain_text("pets.pth: 5 classes")  # nothing is lost
    assert not (tmp_path / "ran").exists()
    shoot(page, "models-hostile")
    explore(page).last.click()
    settle(page)
    expect(page).to_have_url(re.compile("model=own"))
    expect(page.get_by_role("radio", name=re.compile("^owl"))).to_be_visible()
    expect(page.get_by_role("heading", name="Why “")).to_be_visible()
    shoot(page, "explore-own")
    page.get_by_role("radio", name="<b>dog</b>").click()
    settle(page)
    heading(page, "Why “<b>dog</b>”?")
    page.get_by_role("link", name="Models").click()
    settle(page)
    expect(page.get_by_role("status")).to_contain_text("pets.pth: 5 classes")
    page.get_by_role("button", name="Remove").click()
    settle(page)
    expect(page.get_by_role("status")).to_have_count(0)
    page.get_by_role("link", name="Explore").click()
    settle(page)
    expect(page.get_by_role("status")).to_contain_text("Your own model was deleted when its page was closed")
    heading(page, "Why “African chameleon”?")


def test_a_program(models: Page) -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(net.eval(), (torch.rand(1, 3, 64, 96),)), buffer)
    send(models, "small.pt2", buffer.getvalue())
    check(models)
    expect(models.get_by_role("status")).to_contain_text("small.pt2: 4 classes, pictures of 96 × 64 pixels")
    explore(models).last.click()
    settle(models)
    expect(models.get_by_role("radio", name="class 3")).to_be_visible()


def test_the_way_to_more_networks_and_back(page: Page) -> None:
    page.goto("/?picture=coffee&class=504&focus=sharp")
    settle(page)
    page.get_by_role("combobox", name="Network").click()
    page.get_by_role("option", name="More networks …").click()
    settle(page)
    heading(page, "Which networks can I use?")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Explore").click()
    settle(page)
    heading(page, "Why “coffee mug”?")
    expect(page.get_by_role("combobox", name="Network")).to_have_value("EfficientNet-Lite0")
    assert set(page.url.split("?")[1].split("&")) == {"picture=coffee", "class=504", "focus=sharp"}


def test_a_link_to_a_network_that_is_not_here(server: str, new_page: Callable[..., Page]) -> None:
    for width in (390, 1280):
        page = new_page(server, width=width)
        page.goto("/?model=vgg16&picture=cat")
        settle(page)
        expect(page.get_by_role("status")).to_contain_text(
            "VGG-16 is not on this machine yet: load it on the Models page. EfficientNet-Lite0 is used"
        )
        heading(page, "Why “Egyptian cat”?")
        shoot(page, f"explore-not-here-{width}")
    page.get_by_test_id("stMain").get_by_role("link", name="Go to the Models page").click()
    settle(page)
    heading(page, "Which networks can I use?")


@pytest.fixture(scope="module")
def public_server(logs: Path) -> Iterator[str]:
    """A server that others could reach."""
    with serve(ROOT / "app.py", logs / "public.log", "--server.address=0.0.0.0") as address:
        yield address


def test_own_models_are_off_where_others_can_come(public_server: str, new_page: Callable[..., Page]) -> None:
    page = new_page(public_server)
    page.goto("/models")
    settle(page)
    expect(page.get_by_text("Own models are turned off on this server")).to_be_visible()
    expect(page.get_by_test_id("stFileUploader")).to_have_count(0)


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1280, True), (1900, False)])
def test_it_fits(server: str, new_page: Callable[..., Page], width: int, dark: bool, weights: bytes) -> None:
    page = new_page(server, width=width, height=900, dark=dark)
    page.goto("/models")
    settle(page)
    send(page, "weights-of-epoch-017-with-a-rather-long-name.pth", weights)
    architecture(page, SMALL)
    page.get_by_text("Preprocessing").click()
    check(page)
    expect(page.get_by_role("status")).to_contain_text("5 classes")
    overflow = page.get_by_test_id("stMain").evaluate("node => node.scrollWidth - node.clientWidth")
    assert overflow <= 0
    page.set_viewport_size({"width": width, "height": 2200})
    shoot(page, f"models-{width}-{'dark' if dark else 'light'}")
