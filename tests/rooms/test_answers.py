from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnfix_core.lessons import Choose, Guess, Look, Question, Which
from cnnfix_ui.rooms.answers import checked, distribution, middle
from cnnfix_ui.rooms.errors import RoomError
from cnnfix_ui.rooms.screen_data import question_data
from tests.rooms.making import QUESTIONS

shares = st.floats(0, 1)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)


@pytest.mark.parametrize("question", [*QUESTIONS, Look(1, box=True)])
@given(sent=ANYTHING)
def test_whatever_is_sent_is_an_answer_or_a_sentence(question: Question, sent: Any) -> None:
    try:
        answer = checked(question, sent)
    except RoomError:
        return
    assert len(repr(answer)) < 2000
    assert checked(question, answer) == answer
    assert sum(count for _, count in distribution(question, [answer])) == (not isinstance(question, Look))


@given(points=st.lists(st.tuples(shares, shares), min_size=1, max_size=3))
def test_points(points: list[tuple[float, float]]) -> None:
    assert checked(Look(3), [list(one) for one in points]) == tuple(points)


@pytest.mark.parametrize(
    ("question", "sent"),
    [
        (Look(3), []),
        (Look(3), [[0.5, 0.5]] * 4),
        (Look(9), [[0.5, 0.5]] * 6),
        (Look(3), [[0.5, 1.01]]),
        (Look(3), [[0.5, float("nan")]]),
        (Look(3), [[True, 0.5]]),
        (Look(1, box=True), [[0.5, 0.5], [0.5, 0.9]]),
        (Look(1, box=True), [[0.5, 0.5]]),
        (Choose(("a", "b"), None), 2),
        (Choose(("a", "b"), None), -1),
        (Choose(("a", "b"), None), True),
        (Which(("fixations", "gradcam")), 2),
        (Guess(0, 100, "%", 1), 100.5),
        (Guess(0, 100, "%", 1), float("inf")),
        (Guess(0, 100, "%", 1), "50"),
        pytest.param(Guess(0, 100, "%", 1), 10**400, id="huge"),
    ],
)
def test_not_an_answer(question: Question, sent: Any) -> None:
    with pytest.raises(RoomError):
        checked(question, sent)


def test_boxes_have_their_corners_in_order() -> None:
    assert checked(Look(1, box=True), [[0.9, 0.1], [0.2, 0.6]]) == ((0.2, 0.1), (0.9, 0.6))


@pytest.mark.parametrize(("low", "high", "step"), [(0, 1280, 1), (0, 49, 1), (0, 1, 0.01), (-1.5, 2, 0.035)])
def test_counts_are_guessed_in_whole_numbers(low: float, high: float, step: float) -> None:
    assert question_data(Guess(low, high, "", low))["step"] == step


@pytest.mark.parametrize(("low", "high"), [(0, 5), (0, 9), (1, 10), (0, 100), (-7, 30), (0, 1280)])
def test_parts_of_whole_numbers_hold_what_they_say(low: int, high: int) -> None:
    bars = distribution(Guess(low, high, "", low), [float(number) for number in range(low, high + 1)])
    ends = [[int(end.replace(",", "")) for end in label.split("–")] for label, _ in bars]
    assert [count for _, count in bars] == [end[-1] - end[0] + 1 for end in ends]
    assert (ends[0][0], ends[-1][-1]) == (low, high)
    assert all(after[0] == end[-1] + 1 for end, after in pairwise(ends))
    assert max(count for _, count in bars) - min(count for _, count in bars) <= 1


def test_distributions() -> None:
    assert distribution(Choose(("a", "b"), 0), [1, 1, 0]) == [("a", 1), ("b", 2)]
    bars = distribution(Guess(0, 2.5, "", 1), [0.0, 0.25, 2.49, 2.5])
    assert [count for _, count in bars] == [1, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert [label for label, _ in bars][:2] == ["0–0.25", "0.25–0.5"]
    assert middle([1.0, 2.0, 9.0]) == 2
    assert middle([1.0, 2.0]) == 1.5
    assert middle([]) is None
