"""What lessons know of the app's pages, and what they compute of a screen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from urllib.parse import urlencode

import numpy as np
import pytest

from cnnfix_core import METHODS
from cnnfix_core.errors import ModelError
from cnnfix_core.images import load_sample
from cnnfix_core.lessons import PAGES, list_lessons, parse_screen, picture_on
from cnnfix_ui.address import Setting, one_of, switch
from cnnfix_ui.backtrack.talk import parse_step
from cnnfix_ui.batch import state as batch
from cnnfix_ui.captions import state as captions
from cnnfix_ui.compare import state as compare
from cnnfix_ui.learn import FRAME, frame_of
from cnnfix_ui.learn.place import Place, place_of
from cnnfix_ui.learn.screens import seen_on
from cnnfix_ui.signals import state as signals
from cnnfix_ui.widgets import answer, depths

from .visiting import page


@pytest.mark.parametrize("name", [name for name in PAGES if name != "models"])
def test_lessons_know_every_setting_of_a_page(name: str) -> None:
    app = page(name)
    assert not app.exception
    assert set(app.session_state["address.values"]) == set(PAGES[name])


def test_the_frame_and_the_pages_have_no_setting_in_common() -> None:
    assert not {name for names in PAGES.values() for name in names} & set(FRAME)


def test_older_addresses_of_lessons_lead_to_the_same_step() -> None:
    older = {"lesson": "x", "step": "3", "view": "presenter", "picture": "cat", "answers": "1:2"}
    newer = {"lesson": "x", "lesson_step": "3", "display": "presenter", "answers": "1:2"}
    assert frame_of(older) == newer
    assert frame_of(newer | {"step": "9", "view": "grid"}) == newer
    assert not frame_of({"step": "9", "view": "grid"})


def test_the_address_of_a_step_shows_its_screen() -> None:
    for lesson in list_lessons():
        for number, step in enumerate(lesson.steps, 1):
            place = Place(lesson, number, presenting=True)
            assert place.settings.items() >= step.screen.settings.items(), (lesson.name, step.title)
            assert place_of(place.settings).number == number


# Of each page: the settings that a lesson's file is checked for when it is read, and what the page makes of them.
CHECKED: dict[str, Mapping[str, Setting]] = {
    "explore": {
        "show": one_of(*answer.SHOWN, default="both"),
        "opacity": Setting(75, answer.parse_opacity),
        "depth": depths.DEPTH,
    },
    "backtrack": {"both": switch(), "step": Setting(0, parse_step)},
    "compare": compare.SETTINGS,
    "captions": captions.SETTINGS,
    "signals": signals.SETTINGS,
    "batch": batch.SETTINGS,
}
WORDS = (*answer.SHOWN, *compare.VIEWS, *compare.SCALES, *captions.MAPS, *signals.SIGNAL_KINDS, *batch.ORDERS)
NUMBERS = ("0", "7", "10", "75", "77", "100", "105", "-5", "²")
VALUES = (*WORDS, *NUMBERS, "True", "False", "yes", "", "all", "gradcam", "gradcam,cam", "a,b")
CHECKED_WHEN_READ = {
    *("show", "opacity", "depth", "both", "step", "methods", "view", "scale", "points", "cuts", "curves", "road"),
    *("sensitivity", "map", "kind", "order", "samples"),
}


@pytest.mark.parametrize("page_name", CHECKED)
def test_a_lesson_may_say_of_a_page_what_the_page_accepts(page_name: str) -> None:
    for name, setting in CHECKED[page_name].items():
        if name not in CHECKED_WHEN_READ:
            continue
        for value in VALUES:
            assert accepted(page_name, name, value) == fits(setting, value), (name, value)


def accepted(page_name: str, name: str, value: str) -> bool:
    try:
        parse_screen(f"/{page_name}?{urlencode({name: value})}")
    except ValueError:
        return False
    return True


def fits(setting: Setting, value: str) -> bool:
    try:
        setting.parse(value)
    except ValueError:
        return False
    return True


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
