from __future__ import annotations

import pytest

from cnnfix_ui.rooms import codes
from cnnfix_ui.rooms.codes import LETTERS, Guesses, code_in, new_code, new_key
from cnnfix_ui.rooms.errors import RoomError
from cnnfix_ui.rooms.nicknames import nickname_in
from tests.rooms.making import Clock, visitor


def test_codes() -> None:
    assert len(set(LETTERS)) == 20
    found = {new_code(()) for _ in range(200)}
    assert all(code_in(code) == code for code in found)
    assert len(found) > 190
    assert len({new_key() for _ in range(100)}) == 100
    assert len(new_key()) == 22  # 128 bits in letters of 6


def test_a_taken_code_is_not_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = iter("BBBBBCCCCC")
    monkeypatch.setattr(codes.secrets, "choice", lambda _: next(letters))
    assert new_code({"BBBBB"}) == "CCCCC"


@pytest.mark.parametrize("typed", ["bcdfg", " BCD FG ", "bc-dfg", "b c d f g"])
def test_codes_as_people_type_them(typed: str) -> None:
    assert code_in(typed) == "BCDFG"


@pytest.mark.parametrize("typed", ["", "BCDF", "BCDFGH", "BCDFA", "BCDF1", "<b>", "ẞẞẞ", "B" * 10_000])
def test_not_a_code(typed: str) -> None:
    assert code_in(typed) == ""


def test_twenty_wrong_codes_then_wait() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    stranger, pupil = visitor("stranger"), visitor("pupil")
    for _ in range(20):
        guesses.check(stranger)
        guesses.wrong(stranger)
    with pytest.raises(RoomError, match="try again in 15 seconds"):
        guesses.check(stranger)
    guesses.check(pupil)  # behind the same address
    clock.now += 15.1
    guesses.check(stranger)
    guesses.wrong(stranger)
    with pytest.raises(RoomError):
        guesses.check(stranger)


def test_new_cookies_do_not_help() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    tried = 0
    for number in range(1000):
        try:
            guesses.check(visitor(str(number)))
        except RoomError:
            break
        guesses.wrong(visitor(str(number)))
        tried += 1
    assert tried == 200
    guesses.check(visitor("elsewhere", "10.0.0.2"))


def test_guesses_at_the_same_moment_are_all_paid_for() -> None:
    clock = Clock()
    guesses, who = Guesses(clock), visitor("stranger")
    for _ in range(30):
        guesses.check(who)
    for _ in range(30):
        guesses.wrong(who)
    clock.now += 10 * 15
    with pytest.raises(RoomError):
        guesses.check(who)


def test_memory_of_guesses_is_bounded() -> None:
    guesses = Guesses(Clock())
    for number in range(30_000):
        guesses.wrong(visitor(str(number), f"10.0.{number // 250}.{number % 250}"))
    assert len(guesses._tries) <= codes._MOST_KNOWN


def test_nicknames() -> None:
    assert nickname_in("  Mia   B. ", ()) == "Mia B."
    assert nickname_in("Zoë", ["mia"]) == "Zoë"
    assert nickname_in("हिन्दी", ()) == "हिन्दी"
    assert nickname_in("น้ำผึ้ง", ())
    for bad in (
        "",
        "   ",
        "a" * 17,
        "<b>x</b>",
        "a\u202eb",
        "a\x00b",
        "...",
        "[a](b)",
        "😀",
        "\u3164",
        "a\u115f",
        "a\ufe0f",
    ):
        with pytest.raises(RoomError):
            nickname_in(bad, ())
    with pytest.raises(RoomError):
        nickname_in("a" + 6 * "\u0301", ())  # marks that would cover other lines
    with pytest.raises(RoomError, match="take another"):
        nickname_in("MIA", ["mia"])
    with pytest.raises(RoomError, match="take another"):
        nickname_in("\uff2d\uff49\uff41", ["Mia"])  # wide letters are the same name
