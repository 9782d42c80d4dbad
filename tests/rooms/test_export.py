"""What a teacher takes home."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cnnfix_core.gaze import look_map, looks
from cnnfix_core.images import scaled_size
from cnnfix_core.lessons import list_lessons
from cnnfix_ui.rooms.desk import turns
from cnnfix_ui.rooms.export import answers_csv, report_pdf
from cnnfix_ui.rooms.reveals import make_reveal, reveal_at, revealed
from cnnfix_ui.rooms.room import Room
from cnnfix_ui.rooms.scenes import small
from tests.rooms.making import LESSON, Clock, opened


def a_class(pupils: int) -> Room:
    """Everybody answered the steps with taps, a choice and a number."""
    clock = Clock()
    room = Room(LESSON, "BCDFG", clock=clock, nicknames=True)
    tokens = [room.join(nickname=f"Pupil {n}") for n in range(pupils)]
    for at, sent in ((1, [[0.4, 0.4], [0.5, 0.5]]), (2, 1), (4, 35.0)):
        opened(room, at)
        clock.now += 2
        for token in tokens:
            room.send(token, at, sent)
    return room


def test_a_table_without_names() -> None:
    text = answers_csv(a_class(6))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert "Pupil" not in text
    assert len(rows) == 6 * 2 + 6 + 6
    assert {row["text"] for row in rows if row["kind"] == "choose"} == {"no"}
    assert {row["x"] for row in rows if row["kind"] == "look"} == {"0.4000", "0.5000"}


def test_a_class_has_a_map_from_five_answers_on() -> None:
    few, many = revealed(a_class(4), 1), revealed(a_class(5), 1)
    assert [figure.short for figure in few.figures] == ["CNN Fixations", "Grad-CAM"]
    assert "5 answers make a map of the class; there are 4." in few.sentences
    assert many.figures[0].short == "The class"
    assert any("The class and the network agree" in one for one in many.sentences)
    assert any(one.startswith("Pupil ") and "closest to the network" in one for one in many.sentences)
    assert few.own
    assert len(few.own) == 4  # each phone is told where its own taps lay


def test_wrong_answers_have_no_names() -> None:
    room = a_class(6)
    for at in (2, 4):
        reveal = revealed(room, at)
        assert not any("Pupil" in text for text in (*reveal.sentences, *(label for label, _, _ in reveal.bars)))
    assert {label: n for label, n, _ in revealed(room, 2).bars} == {"yes": 0, "no": 6, "who knows": 0}
    assert "It is 40 %." in " ".join(revealed(room, 4).sentences)


def test_a_reveal_is_made_once_and_follows_the_answers() -> None:
    room = a_class(6)
    assert reveal_at(room, 1) is None
    made = revealed(room, 1)
    assert revealed(room, 1) is made
    assert reveal_at(room, 1) is made
    room.remove(1)
    assert revealed(room, 1) is not made


@given(width=st.integers(150, 5000), height=st.integers(150, 5000))
def test_the_class_and_the_network_have_maps_of_one_size(width: int, height: int) -> None:
    columns, rows = scaled_size((width, height), 448)
    network = small(np.ones((rows, columns)), (width, height))
    assert look_map(looks([[1, 1]], (width, height)), 5.0, max(network.shape)).shape == network.shape


def test_a_page_to_print() -> None:
    content = report_pdf(a_class(6))
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") == 1


def test_screens_without_styles_show_no_markup() -> None:
    step = next(one for one in LESSON.steps if one.question)
    styled = replace(step, reveal="All [probabilities](#probability)\nadd *up*.\n\n- **One** entry.")
    assert make_reveal(styled, None, {}, {}).sentences[:2] == ("All probabilities add up.", "• One entry.")
    assert turns("Say *this*. Ask: why?\n\nListen for `x`.") == ["Say this.", "Ask: why?", "Listen for x."]
    for step in (step for lesson in list_lessons() for step in lesson.steps):
        lines = (*make_reveal(step, None, {}, {}).sentences, *turns(step.notes))
        assert not [line for line in lines for mark in ("](", "*", "`") if mark in line]
