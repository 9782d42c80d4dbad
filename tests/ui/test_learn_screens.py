"""What lessons know of the app's pages, and what they compute of a screen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnfix_core import METHODS
from cnnfix_core.errors import ModelError
from cnnfix_core.images import load_sample
from cnnfix_core.lessons import PAGES, parse_screen, picture_on
from cnnfix_ui.captions import state as captions
from cnnfix_ui.learn.screens import seen_on

from .visiting import page


@pytest.mark.parametrize("name", [name for name in PAGES if name != "models"])
def test_lessons_know_every_setting_of_a_page(name: str) -> None:
    app = page(name)
    assert not app.exception
    assert set(app.session_state["address.values"]) == set(PAGES[name])


def test_a_screen_is_asked_as_its_page_asks() -> None:
    seen = seen_on(parse_screen("/explore?picture=cat-and-dog&class=219&than=285&focus=sharp&depth=8"))
    assert seen is not None
    assert seen.explanation.asked == (219, 285)
    assert seen.explanation.preset.beam == 2000
    assert seen.explanation.preset.depth == 8
    fixations, gradcam, saliency = seen.map(), seen.map_by("gradcam"), seen.map_by("saliency")
    assert fixations is not None
    assert gradcam is not None
    assert saliency is not None
    assert fixations.shape == gradcam.shape == saliency.shape
    assert fixations.sum() == pytest.approx(1, abs=1e-5)
    assert 0 < seen.facts["inside"] <= 100
    assert seen is not seen_on(parse_screen("/explore?picture=cat-and-dog&class=219&than=285&focus=sharp&depth=8"))


def test_the_depth_of_another_network_is_left_out() -> None:
    seen, usual = (seen_on(parse_screen(f"/explore?picture=cat&class=281{more}")) for more in ("&depth=5", ""))
    assert seen is not None
    assert usual is not None
    np.testing.assert_array_equal(seen.map(), usual.map())


def test_screens_without_a_class() -> None:
    assert seen_on(parse_screen("/sketch?sheet=cat")) is None
    assert seen_on(parse_screen("/explore?model=scenes_fcn&picture=drawn-star")) is None


def test_a_sample_without_a_fact_or_a_method() -> None:
    seen = seen_on(parse_screen("/explore?picture=drawn-star&model=scenes_alexnet"))
    assert seen is not None
    assert not math.isnan(seen.facts["probability"])
    assert "cam" in METHODS
    assert seen.map_by("cam") is None  # this network does not end in pooling


def test_a_network_that_is_not_here() -> None:
    with pytest.raises(ModelError, match="not on this machine"):
        seen_on(parse_screen("/explore?model=vgg19"))


def test_the_picture_that_a_page_shows_first() -> None:
    shown, first = picture_on(parse_screen("/captions")), load_sample(captions.SETTINGS["picture"].default)
    assert shown is not None
    assert shown.title == first.title
    assert picture_on(parse_screen("/models")) is None
    assert picture_on(parse_screen("/sketch?sheet=empty")) is None
