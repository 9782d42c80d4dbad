"""Learn and the frame of a lesson, without a browser."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from cnnfix_core.lessons import list_lessons, load_lesson
from cnnfix_ui.components.taps.component import Taps
from cnnfix_ui.learn.answers import SKIPPED, answers_text, read_answers

from .visiting import ROOT, page

FIRST = "what-made-it-say-that"


def lesson(**address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "cnnfix_ui" / "main.py"), default_timeout=120)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def test_the_page_lists_every_lesson() -> None:
    app = page("learn")
    assert not app.exception
    assert [heading.value for heading in app.subheader][: len(list_lessons())] == [
        one.title.replace("?", r"\?").replace("-", r"\-").replace(",", r"\,").replace(":", r"\:")
        for one in list_lessons()
    ]


def test_a_question_is_asked_before_the_page_is_shown() -> None:
    app = lesson(lesson=FIRST, step="1", picture="chameleon")
    assert not app.exception
    assert app.title[0].value == load_lesson(FIRST).steps[0].title.replace("?", r"\?")
    assert "Predictions" not in {heading.value for heading in app.subheader}


def test_an_answer_in_the_address_brings_the_reveal_and_the_page() -> None:
    app = lesson(lesson=FIRST, step="1", picture="chameleon", answers="1:400.250-300.260")
    assert not app.exception
    assert any("on its evidence" in one.value for one in app.info)
    assert "Predictions" in {heading.value for heading in app.subheader}


@pytest.mark.parametrize("answers", ["1:9000.9000", "1:x", "9:1", "1:-", ",,", "1:1.1-1.1-1.1-1.1"])
def test_a_wrong_address_is_no_fault(answers: str) -> None:
    app = lesson(lesson=FIRST, step="1", answers=answers)
    assert not app.exception
    assert not app.error


def test_an_unknown_lesson_says_so_and_the_page_opens() -> None:
    app = lesson(lesson="nothing", step="3", picture="cat")
    assert not app.exception
    assert any("no lesson" in one.value for one in app.info)
    assert "Predictions" in {heading.value for heading in app.subheader}


def test_answers_in_the_address() -> None:
    first = load_lesson(FIRST)
    given = {1: Taps(((3, 4), (10, 20)))}
    assert read_answers(first, answers_text(given)) == given
    assert read_answers(first, "1:-") == {1: SKIPPED}
