"""What a lesson file may say, and the line and sentence of each fault."""

from __future__ import annotations

import pytest

from cnnfix_core.errors import LessonError
from cnnfix_core.lessons import Choose, Guess, Lesson, Look, Screen, Which, address_of, parse_screen, read_lesson
from cnnfix_core.lessons.reading import MAX_BYTES, MAX_STEPS, MAX_WORDS

HEAD = "---\ntitle: A title\ngoal: A goal\nminutes: 10\nage: 12 and up\n---\n\n"
STEP = "## A step\nscreen: /explore?picture=cat\n\nText.\n"
ASKING = "## A step\nscreen: /explore?picture=cat\nask: Where?\n{}\n\nText.\n"
CHOICE = ASKING.format("answer: choose")


def faults(text: str | bytes, name: str = "a-lesson") -> list[tuple[int, str]]:
    with pytest.raises(LessonError) as caught:
        read_lesson(text, name)
    return [(fault.line, fault.what) for fault in caught.value.faults]


def read(step: str) -> Lesson:
    return read_lesson(HEAD + step, "a-lesson")


def test_a_whole_lesson() -> None:
    lesson = read(
        "## First\n"
        "screen: http://localhost:8501/compare?picture=cat&class=281&methods=fixations,cam\n"
        "ask: What is it?\n"
        "answer: choose\n"
        "hint: Look\n"
        "  twice.\n"
        "reveal: It is *a cat*.\n"
        "notes: Say it. Ask why.\n"
        "\n"
        "A **cat**, said `tabby`.\n"
        "\n"
        "- [ ] a dog\n"
        "- [x] a cat\n"
        "\n"
        "## Second\n"
        "screen: /\n"
        "\n"
        "See [evidence](#evidence) and [the paper](https://arxiv.org/abs/1708.06670).\n"
    )
    assert (lesson.name, lesson.title, lesson.goal, lesson.minutes, lesson.age) == (
        "a-lesson",
        "A title",
        "A goal",
        10,
        "12 and up",
    )
    first, second = lesson.steps
    assert first.screen == Screen("compare", {"picture": "cat", "class": "281", "methods": "fixations,cam"})
    assert first.question == Choose(("a dog", "a cat"), 1)
    assert first.hint == "Look twice."
    assert first.text == "A **cat**, said `tabby`."
    assert first.notes == "Say it. Ask why."
    assert second.screen == Screen("explore", {})
    assert second.question is None


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        ("answer: look", Look(3)),
        ("answer: look 1", Look(1)),
        ("answer: look box", Look(1, box=True)),
        ("answer: which fixations gradcam", Which(("fixations", "gradcam"))),
        ("answer: guess 0 to 100 %\nright: probability", Guess(0, 100, "%", "probability")),
        ("answer: guess 0 to 100 %\nright: inside", Guess(0, 100, "%", "inside")),
        ("answer: guess -1.5 to 2\nright: 0.5", Guess(-1.5, 2, "", 0.5)),
    ],
)
def test_every_kind_of_question(answer: str, question: object) -> None:
    assert read(ASKING.format(answer)).steps[0].question == question


def test_no_answer_needs_to_be_right() -> None:
    assert read(CHOICE + "- [ ] a\n- [ ] b\n").steps[0].question == Choose(("a", "b"), None)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "begins with title"),
        ("# A lesson\n\n" + STEP, 1, "begins with title"),
        (HEAD.replace("goal: A goal\n", "") + STEP, 1, "no goal"),
        (HEAD.replace("goal: A goal", "goal:") + STEP, 3, "goal is empty"),
        (HEAD.replace("goal: A goal", "gaol: A goal") + STEP, 3, "Did you mean goal"),
        (HEAD.replace("goal: A goal", "A goal") + STEP, 3, "name: value"),
        (HEAD.replace("goal: A goal", "goal: " + "x" * 201) + STEP, 3, "at most 200"),
        (HEAD.replace("goal: A goal", "title: Another") + STEP, 3, "another title in line 2"),
        (HEAD.replace("10", "ten") + STEP, 4, "whole number"),
        (HEAD.replace("10", "0") + STEP, 4, "whole number"),
        (HEAD.replace("10", "241") + STEP, 4, "whole number"),
        (HEAD, 8, "no step"),
        (HEAD + "A word before.\n" + STEP, 8, "before the first step"),
        (HEAD + STEP * (MAX_STEPS + 1), 8 + 4 * MAX_STEPS, "at most 40 steps"),
        (HEAD + STEP.replace("A step", "x" * 81), 8, "1 to 80"),
        (HEAD + "## A step\n\nText.\n", 8, "no screen"),
        (HEAD + STEP.replace("/explore", "/exlpore"), 9, "Did you mean explore"),
        (HEAD + STEP.replace("/explore", "explore"), 9, "address of the app"),
        (HEAD + STEP.replace("picture=cat", "picure=cat"), 9, "Did you mean picture"),
        (HEAD + STEP.replace("picture=cat", "picture=cta"), 9, "no sample picture"),
        (HEAD + STEP.replace("picture=cat", "picture=own"), 9, "picture of your own"),
        (HEAD + STEP.replace("picture=cat", "model=nothing"), 9, "no network"),
        (HEAD + STEP.replace("picture=cat", "model=own"), 9, "network of your own"),
        (HEAD + STEP.replace("picture=cat", "class=tabby"), 9, "is a number"),
        (HEAD + STEP.replace("picture=cat", "focus=soft"), 9, "none of wide"),
        (HEAD + STEP.replace("Text.", "word " * (MAX_WORDS + 1)), 11, "at most 60 words; this one has 61"),
        (HEAD + STEP.replace("Text.", "a\n<b>c</b>"), 12, "HTML"),
        (HEAD + STEP.replace("Text.", "<script>alert(1)</script>"), 11, "HTML"),
        (HEAD + STEP.replace("Text.", "a\n![b](https://c.d)"), 12, "a picture"),
        (HEAD + STEP.replace("Text.", "### b"), 11, "a heading"),
        (HEAD + STEP.replace("Text.", "> b"), 11, "a quotation"),
        (HEAD + STEP.replace("Text.", "a\n\n    b"), 13, "an indented line"),
        (HEAD + STEP.replace("Text.", "```\nb\n```"), 11, "a block of code"),
        (HEAD + STEP.replace("Text.", "[a](ftp://a.b)"), 11, "a link to"),
        (HEAD + STEP.replace("Text.", "[a](/models)"), 11, "a link to"),
        (HEAD + STEP.replace("Text.", "[a](#evidnce)"), 11, "Did you mean evidence"),
        (HEAD + STEP.replace("Text.", "a\u202eb"), 11, "invisible"),
        (HEAD + STEP.replace("Text.", "a\0b"), 11, "invisible"),
        (HEAD + STEP.replace("\n\nText", "\nask: Where?\n\nText"), 10, "both"),
        (HEAD + STEP.replace("\n\nText", "\nanswer: look\n\nText"), 10, "both"),
        (HEAD + STEP.replace("\n\nText", "\nhint: h\n\nText"), 10, "hint but no question"),
        (HEAD + STEP.replace("\n\nText", "\nreveal: h\n\nText"), 10, "reveal but no question"),
        (HEAD + STEP + "\n- [ ] a\n", 13, "answers to choose from but no question"),
        (HEAD + ASKING.format("answer: look 6"), 11, "1 to 5"),
        (HEAD + ASKING.format("answer: look at"), 11, "1 to 5"),
        (HEAD + ASKING.format("answer: sing"), 11, "no answer 'sing'"),
        (HEAD + ASKING.format("answer: look\nright: 3"), 12, "Only a guess"),
        (HEAD + ASKING.format("answer: look\nhint: <i>h</i>"), 12, "HTML"),
        (HEAD + ASKING.format("answer: look") + "- [ ] a\n", 14, "answer: choose"),
        (HEAD + ASKING.format("answer: look").replace("/explore?picture=cat", "/sketch"), 11, "needs a picture"),
        (HEAD + CHOICE + "- [ ] a\n", 11, "here are 1"),
        (HEAD + CHOICE + "- [ ] a\n- [ ] a\n", 14, "the same"),
        (HEAD + CHOICE + "- [x] a\n- [x] b\n", 14, "one right answer"),
        (HEAD + CHOICE + "- [ ] a\n- [ ] " + "b" * 121, 14, "1 to 120"),
        (HEAD + ASKING.format("answer: which fixations"), 11, "two methods"),
        (HEAD + ASKING.format("answer: which cam cam"), 11, "two methods"),
        (HEAD + ASKING.format("answer: which cam gradcma"), 11, "Did you mean gradcam"),
        (HEAD + ASKING.format("answer: which cam rise"), 11, "too long"),
        (HEAD + ASKING.format("answer: guess 0 to 100"), 11, "right"),
        (HEAD + ASKING.format("answer: guess much\nright: 3"), 11, "lowest"),
        (HEAD + ASKING.format("answer: guess 5 to 1\nright: 3"), 11, "lower to a higher"),
        (HEAD + ASKING.format("answer: guess 0 to 1\nright: 3"), 12, "not between"),
        (HEAD + ASKING.format("answer: guess 0 to 1\nright: inside"), 11, "in percent"),
    ],
)
def test_each_fault_has_its_line_and_a_sentence(text: str, line: int, said: str) -> None:
    found = faults(text)
    assert [(at, what) for at, what in found if at == line and said in what], found


def test_all_faults_are_found_at_once() -> None:
    found = faults(
        HEAD.replace("10", "ten") + STEP.replace("cat", "cta") + ASKING.format("answer: sing") + "<b>b</b>\n", "A B"
    )
    assert [line for line, _ in found] == [1, 4, 9, 15, 18]


def test_a_file_that_is_no_text() -> None:
    assert faults(b"---\ntitle: \xff\n") == [
        (2, "This is not text in UTF-8: save the file as plain text with that encoding.")
    ]
    assert "at most 64 kB" in faults(b"a" * (MAX_BYTES + 1))[0][1]


def test_a_file_from_another_system_is_read() -> None:
    lesson = read_lesson(b"\xef\xbb\xbf" + (HEAD + STEP).replace("\n", "\r\n").encode(), "a-lesson")
    assert lesson.steps[0].text == "Text."


@pytest.mark.parametrize(
    "address", ["/explore", "/compare?picture=cat&rows=wanted:281,picture:dolphin", "/captions?caption=a+cat+%26+dog"]
)
def test_the_address_of_a_screen_restores_it(address: str) -> None:
    screen = parse_screen(address)
    assert parse_screen(address_of(screen)) == screen
