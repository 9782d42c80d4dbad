"""Where would you look?, without a browser."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.visiting import headings, page

SMALL = {"model": "scenes_resnet", "picture": "drawn-star"}
ASK = "Where would you look?"


def texts(app: AppTest) -> str:
    return " ".join(one.value for one in [*app.markdown, *app.caption]).replace("\\", "")


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def rows(app: AppTest) -> list[list[str]]:
    table = app.table[0].value
    return [[*table.columns], *(list(row) for row in table.itertuples(index=False))]


def test_asking_hides_the_answer_and_back_shows_it() -> None:
    app = page("explore", **SMALL)
    assert ASK not in headings(app)
    assert "Half of the evidence" in texts(app)
    press(app, ASK)
    assert ASK in headings(app)
    assert "It says “star”. Tap up to 5 places that you think made it say so." in texts(app)
    assert "Half of the evidence" not in texts(app)
    press(app, "Back to the answer")
    assert ASK not in headings(app)


def test_places_in_the_address_are_laid_beside_the_maps() -> None:
    app = page("explore", **SMALL, ask="look:40,40-60,60")
    assert ASK in headings(app)
    assert "of your 2 taps" in texts(app)
    assert "You and the network agree" in texts(app)
    heading, agreement, *others = rows(app)
    assert heading[1:] == ["CNN Fixations", "Grad-CAM", "Blob in the middle", "Random points"]
    assert agreement[0] == "Agreement, of 100"
    assert [row[0] for row in others] == ["NSS", "AUC-Judd", "Correlation", "Gain, bits"]
    press(app, "Again")
    assert "Tap up to 5 places" in texts(app)


@pytest.mark.parametrize("look", ["9999,5", "1,2,3", "a,b", "-5,2", "own", "1,1-" * 5 + "1,1", "", "<b>"])
def test_addresses_that_cannot_be(look: str) -> None:
    app = page("explore", **SMALL, ask=f"look:{look}")
    assert not app.exception
    assert not app.table


def test_another_class_is_asked_about_in_other_words() -> None:
    app = page("explore", **SMALL, ask="look")
    app.selectbox(key="class").set_value(2).run()
    assert "places that you think speak for “" in texts(app)


def test_a_table_in_place_of_taps() -> None:
    app = page("explore", **SMALL, ask="look")
    uploader = app.file_uploader(key="gaze.upload")
    table = (
        b"x,y,observer,picture\n40,40,a,drawn-star.png\n50,55,b,drawn-star.png\nx,1,b,drawn-star.png\n1,1,b,cat.png\n"
    )
    uploader.upload("gaze.csv", table).run()
    assert not app.exception
    assert "The observers and the network agree" in texts(app)
    assert "Line 4 is left out: x is “x”, no number." in texts(app)
    assert rows(app)[0][1:] == [
        "CNN Fixations",
        "Grad-CAM",
        "Blob in the middle",
        "Random points",
        "Half of the observers",
    ]


def test_a_table_without_points_on_this_picture() -> None:
    app = page("explore", **SMALL, ask="look")
    app.file_uploader(key="gaze.upload").upload("gaze.csv", b"x,y,picture\n4,4,cat.png\n").run()
    assert "No point of the table is on drawn-star: it has points on cat." in app.error[0].value.replace("\\", "")


def test_a_table_outside_the_picture() -> None:
    app = page("explore", **SMALL, ask="look")
    app.file_uploader(key="gaze.upload").upload("gaze.csv", b"x,y\n4000,4\n").run()
    assert "lies in the picture, which has 384 x 384 pixels" in app.error[0].value.replace("\\", "")


def test_a_table_that_is_too_large() -> None:
    app = page("explore", **SMALL, ask="look")
    app.file_uploader(key="gaze.upload").upload("gaze.csv", b"x,y\n" + b"1,2\n" * 500_001).run()
    assert "larger than 2 MB" in app.error[0].value.replace("\\", "")


def test_a_file_that_is_no_table_changes_nothing_but_a_message() -> None:
    app = page("explore", **SMALL, ask="look")
    app.file_uploader(key="gaze.upload").upload("gaze.csv", b"1,2\n3,4\n").run()
    assert "must name the columns" in app.error[0].value.replace("\\", "")
    assert "Tap up to 5 places" in texts(app)
