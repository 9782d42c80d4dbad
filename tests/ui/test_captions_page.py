"""The Captions page's logic, without a browser."""

from collections.abc import Callable
from functools import partial

import pytest

from cnnfix_ui.captions.state import first_noun, parse_caption, parse_place, with_word
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
