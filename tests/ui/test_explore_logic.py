"""The Explore page's logic, without a browser. Components and addresses are tested in tests/browser."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnnfix_core import load_model
from cnnfix_core.images.samples import list_samples
from cnnfix_core.zoo import Labels
from cnnfix_ui.widgets import controls

ROOT = Path(__file__).parents[2]
LABELS = load_model().labels


def explore(**address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "cnnfix_ui" / "main.py"), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def headings(app: AppTest) -> list[str]:
    assert not app.exception
    return [heading.value for heading in app.header]


def picture(colour: str, size: tuple[int, int] = (40, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_first_sample_is_explained_at_once() -> None:
    app = explore()
    assert set(headings(app)) == {"Why “African chameleon”?", "Predictions", "How to read this"}
    assert any("the walk back from “African chameleon”" in text.value.replace("\\", "") for text in app.markdown)
    assert not app.error


@pytest.mark.parametrize("name", [sample.name for sample in list_samples()])
def test_every_sample_is_explained(name: str) -> None:
    app = explore(picture=name)
    assert any(heading.startswith("Why “") for heading in headings(app))
    assert not app.error


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"picture": "dolphin"}, "has no class for “dolphin”. Its nearest is “hammerhead”, at "),
        ({"picture": "raccoon"}, "has no class for “raccoon”. Its nearest is "),
        ({"picture": "chameleon", "model": "scenes_resnet"}, "has no class for “chameleon”. Its nearest is "),
        ({"picture": "drawn-star", "model": "scenes_resnet"}, ""),
        ({"picture": "chameleon"}, ""),
        ({"picture": "fig"}, ""),  # it has a class, which the network does not predict
        ({"picture": "dolphin", "class": "3"}, ""),  # another class is asked about
    ],
)
def test_a_picture_of_what_the_network_never_learnt_says_so(address: dict[str, str], said: str) -> None:
    app = explore(**address)
    sentences = [one.value.replace("\\", "") for one in app.info]
    assert [said in one and "of it lies in the box of" in one for one in sentences] == ([True] if said else [])


def test_the_address_restores_class_contrast_and_settings() -> None:
    address = {
        "picture": "cat",
        "class": "281",
        "than": "282",
        "preset": "evidence",
        "focus": "sharp",
        "show": "points",
    }
    app = explore(**address)
    assert "Why “tabby” rather than “tiger cat”?" in headings(app)
    assert app.selectbox(key="focus").value == "sharp"
    assert app.segmented_control(key="show").value == "points"
    assert app.selectbox(key="class").value == 281


@pytest.mark.parametrize(
    "address",
    [
        {"picture": "nope"},
        {"picture": "own"},
        {"picture": "../../etc/passwd"},
        {"class": "1000"},
        {"class": "-1"},
        {"class": "cat"},
        {"than": "99999999999999999999"},
        {"preset": "best"},
        {"focus": "<script>"},
        {"opacity": "75.5"},
        {"opacity": "101"},
        {"model": "no_such_model"},
        {"sees": ""},
        {"unheard_of": "1"},
    ],
)
def test_what_an_address_says_wrongly_falls_back(address: dict[str, str]) -> None:
    app = explore(**address)
    assert "Why “African chameleon”?" in headings(app)
    assert not app.error


def test_a_class_is_found_by_search_and_let_go_again() -> None:
    app = explore(picture="cat")
    app.selectbox(key="class").set_value(281).run()
    assert "Why “tabby”?" in headings(app)
    app.selectbox(key="class").set_value(None).run()
    assert f"Why “{LABELS.short[285]}”?" in headings(app)


def test_rather_than() -> None:
    app = explore(picture="cat")
    app.selectbox(key="than").set_value(281).run()
    assert "Why “Egyptian cat” rather than “tabby”?" in headings(app)
    # The second class becomes the first: it cannot be set against itself, so the contrast ends.
    app.selectbox(key="class").set_value(281).run()
    assert "Why “tabby”?" in headings(app)


def test_as_published_has_no_focus() -> None:
    app = explore(picture="cat", preset="published")
    assert app.selectbox(key="focus").disabled
    assert any("crops" in text.value for text in app.markdown)


def test_an_upload_is_explained_and_a_bad_one_changes_nothing() -> None:
    app = explore(picture="cat", **{"class": "281"})
    uploader = app.get("file_uploader")[0]
    uploader.upload("grey.png", picture("grey"), "image/png").run()
    assert not app.error
    assert "Why “tabby”?" not in headings(app)  # a new picture, a new question
    before = headings(app)
    app.get("file_uploader")[0].upload("not.png", b"this is text", "image/png").run()
    assert "not a supported picture format" in app.error[0].value.replace("\\", "")
    assert headings(app) == before
    app.get("file_uploader")[0].upload("red.png", picture("red", (1, 1)), "image/png").run()
    assert not app.error


def test_two_visitors_do_not_see_each_others_pictures() -> None:
    first, second = explore(picture="cat"), explore(picture="cat")
    first.get("file_uploader")[0].upload("blue.png", picture("blue"), "image/png").run()
    second.run()
    assert "Why “Egyptian cat”?" in headings(second)
    assert "Why “Egyptian cat”?" not in headings(first)


@pytest.mark.parametrize(
    ("names", "views", "words"),
    [
        (["a"], 1, "The network knows one class: a."),
        (["a", "b"], 1, "The network knows a and b, and takes whatever it sees for one of them."),
        (list("abcd"), 1, "The network knows a, b, c and d, and takes whatever it sees for one of them."),
        (
            list("abcde"),
            1,
            "The network knows 5 classes, such as a, b, c and d, and takes whatever it sees for one of them.",
        ),
        (
            list("ab"),
            5,
            "Means over 5 crops, so other percentages than for the whole picture. The network knows a and b",
        ),
    ],
)
def test_what_percentages_and_classes_mean(names: list[str], views: int, words: str) -> None:
    answer = SimpleNamespace(views=(None,) * views)
    assert controls.about_predictions(answer, Labels.of(names)).startswith(words)  # type: ignore[arg-type]
