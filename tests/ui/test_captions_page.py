"""The Captions page's logic, without a browser."""

from collections.abc import Callable
from functools import partial

import pytest

from cnnfix_core import open_picture
from cnnfix_core.images import load_sample
from cnnfix_core.modalities.captions import load_captioner
from cnnfix_ui.captions.state import first_noun, parse_box, parse_caption, parse_place, with_word
from tests.ui.visiting import headings, page

visit = partial(page, "captions")


def test_captions_from_the_address() -> None:
    assert parse_caption("A brown DOG, on the sofa…") == "a brown dog on the sofa …"
    assert parse_caption("a dog...") == "a dog …"
    assert len(parse_caption("dog " * 50).split()) == 20
    assert with_word(["a", "dog", "runs"], 2, "cat") == "a cat …"


WRONG = [*((parse_caption, text) for text in ("", "…", "!?")), *((parse_place, text) for text in ("0", "99", "x"))]


@pytest.mark.parametrize(("parse", "text"), WRONG)
def test_what_is_no_caption_and_no_place(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the address falls back, nobody reads the words
        parse(text)


def test_the_caption_is_explained_and_another_can_be_asked_for() -> None:
    app = visit(picture="cat-and-dog", caption="a brown dog", word="3", map="whole")
    assert {"Captions", "Why “dog”?", "Instead of “dog”", "All evidence for each word"} <= headings(app)
    assert not app.error
    assert any("of its evidence came from the picture" in text.value for text in app.markdown)
    app.selectbox(key="instead").select("and").run()
    assert "Why “dog” rather than “and”?" in headings(app)
    app.text_input(key="caption.own").input("a small white …").run()
    assert app.session_state["caption"] == "a small white …"
    assert not app.error
    app.text_input(key="caption.own").input("an ocelot").run()
    assert any("does not know the word" in error.value for error in app.error)
    assert "Captions" in headings(app)


@pytest.mark.parametrize(
    ("caption", "noun"),
    [
        ("a brown and white dog is running in the grass", "dog"),
        ("a man and a woman are sitting on a bench", "man"),
        ("two dogs in the snow", "dogs"),
        ("a man in a red shirt", "man"),
        ("dog", "dog"),
        ("a brown dog", "dog"),
        ("is", "is"),
    ],
)
def test_the_first_noun_is_explained(caption: str, noun: str) -> None:
    words = caption.split()
    assert words[first_noun(words) - 1] == noun


def test_without_words_the_end_is_explained() -> None:
    assert first_noun([]) == 1


def test_a_caption_with_an_unknown_word_stays_in_the_field() -> None:
    app = visit(picture="dog")
    app.text_input(key="caption.own").set_value("a brown xylqz").run()
    assert not app.exception
    assert app.text_input(key="caption.own").value == "a brown xylqz"
    assert any("xylqz" in error.value.replace("\\", "") for error in app.error)


def test_a_box_of_the_address_is_captioned_and_can_be_removed() -> None:
    app = visit(picture="cat-and-dog", boxes="176,53,421,399-0,400,530,799", box="1")
    assert {"Parts of the picture", "Captions"} <= headings(app)
    assert app.session_state["boxes"] == ((176, 53, 421, 399), (0, 400, 530, 799))
    sample = open_picture(load_sample("cat-and-dog").read())
    said = load_captioner().within((176, 53, 421, 399)).describe(sample)[0].words
    assert f"Why “{said[first_noun(said) - 1]}”?" in headings(app)
    of_the_box = [text.value for text in app.markdown]
    next(one for one in app.button if one.label == "Remove box 1").click().run()
    assert app.session_state["boxes"] == ((0, 400, 530, 799),)
    assert app.session_state["box"] is None
    assert [text.value for text in app.markdown] != of_the_box
    assert not app.error


def test_the_page_opens_on_a_picture_that_the_captioner_gets_right() -> None:
    app = visit()
    assert app.session_state["picture"] == "german-shepherd"
    assert "Why “dog”?" in headings(app)


def test_a_box_is_drawn_in_place_of_the_answer() -> None:
    app = visit(picture="dog")
    next(one for one in app.button if one.label == "Draw a box").click().run()
    assert "Draw a box" in headings(app)
    assert not any(one.startswith("Why") for one in headings(app))
    next(one for one in app.button if one.label == "Back to the captions").click().run()
    assert any(one.startswith("Why") for one in headings(app))


def test_boxes_are_suggested() -> None:
    app = visit(picture="dog")
    next(one for one in app.button if one.label == "Suggest boxes").click().run()
    assert not app.error
    assert 1 <= len(app.session_state["boxes"]) <= 3
    assert app.session_state["box"] == 1


@pytest.mark.parametrize(
    ("boxes", "words"),
    [("0,0,5000,100", "does not fit into the picture"), ("0,0,8,8-10,10,200,200", "too small to see anything")],
)
def test_boxes_that_cannot_be_captioned_are_dropped(boxes: str, words: str) -> None:
    app = visit(picture="dog", boxes=boxes, box="1")
    assert any(words in error.value for error in app.error)
    app.run()
    assert any(words in error.value for error in app.error)  # a browser may run the page again at once
    assert (0, 0, 8, 8) not in app.session_state["boxes"]
    assert any(one.startswith("Why") for one in headings(app))


@pytest.mark.parametrize("text", ["0", "9", "x", ""])
def test_what_is_no_box(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the address falls back, nobody reads the words
        parse_box(text)
