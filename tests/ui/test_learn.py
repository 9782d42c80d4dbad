"""Learn and the frame of a lesson, without a browser."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from cnnfix_core.lessons import Screen, draft_of, list_lessons, load_lesson, read_lesson
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
    assert [heading.value for heading in app.header][: len(list_lessons())] == [
        one.title.replace("?", r"\?").replace("-", r"\-").replace(",", r"\,").replace(":", r"\:")
        for one in list_lessons()
    ]


def test_a_question_is_asked_before_the_page_is_shown() -> None:
    app = lesson(lesson=FIRST, lesson_step="1", picture="chameleon")
    assert not app.exception
    assert app.title[0].value == load_lesson(FIRST).steps[0].title.replace("?", r"\?")
    assert "Predictions" not in {heading.value for heading in app.header}


def test_an_answer_in_the_address_brings_the_reveal_and_the_page() -> None:
    app = lesson(lesson=FIRST, lesson_step="1", picture="chameleon", answers="1:400.250-300.260")
    assert not app.exception
    assert any("on its evidence" in one.value for one in app.info)
    assert "Predictions" in {heading.value for heading in app.header}


@pytest.mark.parametrize("answers", ["1:9000.9000", "1:x", "9:1", "1:-", ",,", "1:1.1-1.1-1.1-1.1"])
def test_a_wrong_address_is_no_fault(answers: str) -> None:
    app = lesson(lesson=FIRST, lesson_step="1", answers=answers)
    assert not app.exception
    assert not app.error


def test_an_unknown_lesson_says_so_and_the_page_opens() -> None:
    app = lesson(lesson="nothing", lesson_step="3", picture="cat")
    assert not app.exception
    assert any("no lesson" in one.value for one in app.info)
    assert "Predictions" in {heading.value for heading in app.header}


def test_answers_in_the_address() -> None:
    first = load_lesson(FIRST)
    given = {1: Taps(((3, 4), (10, 20)))}
    assert read_answers(first, answers_text(given)) == given
    assert read_answers(first, "1:-") == {1: SKIPPED}


def test_a_draft_of_what_was_seen_is_a_lesson() -> None:
    app = lesson(picture="cat", **{"class": "281"})
    app.button(key="draft.add").click().run()
    app.button(key="draft.add").click().run()
    assert not app.exception
    screens = app.session_state["learn.draft"]
    read = read_lesson(draft_of(screens), "draft")
    assert [step.screen.settings for step in read.steps] == [{"picture": "cat", "class": "281"}] * 2
    assert read.steps[0].title == "Explore: Cat"
    app.button(key="draft.discard").click().run()
    assert not app.session_state["learn.draft"]


def test_an_own_picture_cannot_be_in_a_lesson() -> None:
    app = lesson(picture="cat")
    app.query_params["picture"] = "own"
    app.button(key="draft.add").click().run()
    assert not app.exception
    assert any("picture of your own" in one.value for one in app.caption)


def test_an_uploaded_lesson_is_listed_and_a_bad_one_changes_nothing() -> None:
    app = page("learn")
    text = draft_of([Screen("explore", {"picture": "rocket"})])
    app.get("file_uploader")[0].upload("mine.md", text.encode(), "text/markdown").run()
    assert app.header[0].value == "My lesson"
    app.get("file_uploader")[0].upload("bad.md", text.replace("rocket", "rokcet").encode(), "text/markdown").run()
    assert not app.exception
    assert "line 9" in app.error[0].value.replace("\\", "")
    assert app.header[0].value == "My lesson"
