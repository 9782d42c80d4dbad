"""What is said about something that was refused goes with the field that it is about."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.visiting import page


def upload(app: AppTest) -> None:
    app.file_uploader(key="batch.upload").upload("bad.zip", b"PK\x03\x04", "application/zip").run()


def name_a_unit(app: AppTest) -> None:
    app.text_input(key="unit.text").input("nothing").run()


def caption(app: AppTest) -> None:
    app.text_input(key="caption.own").input("a xyzzy").run()


@pytest.mark.parametrize(("name", "give"), [("batch", name_a_unit), ("batch", upload), ("captions", caption)])
def test_leaving_the_page_ends_it(name: str, give: Callable[[AppTest], None]) -> None:
    app = page(name)
    give(app)
    assert not app.exception
    assert len(app.error) == 1
    app.switch_page("../pages/models.py").run()
    app.switch_page(f"../pages/{name}.py").run()
    assert not app.exception
    assert not app.error


def test_another_question_ends_what_was_said_of_a_caption() -> None:
    app = page("captions")
    caption(app)
    assert len(app.error) == 1
    next(one for one in app.button if one.label == "Draw a box").click().run()
    assert not app.error
