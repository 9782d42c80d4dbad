"""Lessons alone, by keyboard, after a reload, on a projector; and a file with faults."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cnnfix_core.lessons import Choose, Guess, Lesson, Look, load_lesson
from tests.browser.browsing import send, settle, shoot

LESSON = "two-animals-one-picture"


def title(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def answer_by_keyboard(page: Page, lesson: Lesson, number: int) -> None:
    """Answer the question of a step without a mouse."""
    question = lesson.steps[number - 1].question
    if isinstance(question, Look):
        page.locator(".taps .stage").focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Answer", exact=True).focus()
        page.keyboard.press("Enter")
    elif isinstance(question, Choose):
        page.get_by_role("radio").first.focus()
        page.keyboard.press("Space")
        page.get_by_role("button", name="Answer", exact=True).focus()
        page.keyboard.press("Enter")
    elif isinstance(question, Guess):
        page.get_by_role("slider").focus()
        page.keyboard.press("ArrowRight")
        page.get_by_role("button", name="Answer", exact=True).focus()
        page.keyboard.press("Enter")


def leave_focus(page: Page) -> None:
    page.evaluate("document.activeElement?.blur()")


def test_a_whole_lesson_by_keyboard(page: Page) -> None:
    lesson = load_lesson(LESSON)
    page.goto("/learn")
    settle(page)
    page.locator(f".st-key-card-{LESSON}").get_by_role("button", name="Start", exact=True).focus()
    page.keyboard.press("Enter")
    settle(page)
    for number, step in enumerate(lesson.steps, 1):
        title(page, step.title)
        expect(page.locator(".st-key-lesson-reveal")).to_have_count(0)
        answer_by_keyboard(page, lesson, number)
        settle(page)
        expect(page.locator(".st-key-lesson-reveal")).to_contain_text(step.ask)
        expect(page).to_have_url(re.compile(rf"answers=.*{number}(:|%3A)"))
        if number == 2:  # a reload in the middle
            page.reload()
            settle(page)
            title(page, step.title)
            expect(page.locator(".st-key-lesson-reveal")).to_contain_text("The network")
        leave_focus(page)
        page.keyboard.press("ArrowRight")
        settle(page)
    title(page, "What does a network look at?")
    expect(page).to_have_url(re.compile("/learn$"))


def test_back_hint_terms_and_leaving(page: Page) -> None:
    page.goto(f"/?lesson={LESSON}&lesson_step=4&picture=cat-and-dog&class=285&than=219")
    settle(page)
    page.keyboard.press("h")
    settle(page)
    expect(page.get_by_text("Whatever speaks for both animals")).to_be_visible()
    term = page.get_by_role("button", name="Rather than", exact=True)
    term.click()
    expect(page.get_by_role("complementary")).to_contain_text("A question about two classes")
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary")).to_be_hidden()
    leave_focus(page)
    page.keyboard.press("ArrowLeft")
    settle(page)
    title(page, "Why the cat?")
    page.get_by_role("button", name="Leave").click()
    settle(page)
    title(page, "Which pixels made the network say that?")
    expect(page).to_have_url(re.compile("picture=cat-and-dog"))
    expect(page).not_to_have_url(re.compile("lesson="))


def test_another_page_in_between(page: Page) -> None:
    page.goto(f"/?lesson={LESSON}&lesson_step=1&picture=cat-and-dog&answers=1:2")
    settle(page)
    page.get_by_role("link", name="Models").click()
    settle(page)
    expect(page).to_have_url(re.compile("models.*lesson="))
    page.get_by_role("button", name="Back to the step").click()
    settle(page)
    title(page, "It may choose one")


def test_a_file_with_faults(page: Page) -> None:
    page.goto("/learn")
    settle(page)
    good = "---\ntitle: Mine\ngoal: g\nminutes: 5\nage: all\n---\n\n## One\nscreen: /explore?picture=cat\n\nHere.\n"
    send(page, "mine.md", good.encode())
    expect(page.get_by_role("heading", name="Mine", exact=True)).to_be_visible()
    bad = good.replace("minutes: 5", "minutes: five").replace("Here.", "<img src=x onerror=alert(1)> <b>Here</b>")
    send(page, "bad.md", bad.encode())
    expect(page.get_by_role("alert")).to_contain_text("line 4: The minutes are a whole number")
    expect(page.get_by_role("alert")).to_contain_text("line 11: A text cannot have HTML")
    expect(page.get_by_role("heading", name="Mine", exact=True)).to_be_visible()  # nothing is lost
    shoot(page, "learn-faults")


def test_presenting(page: Page) -> None:
    page.goto(f"/?lesson={LESSON}&lesson_step=1&picture=cat-and-dog&display=presenter")
    settle(page)
    expect(page.get_by_test_id("stHeader")).to_be_hidden()
    expect(page.get_by_text("Ask: is it confused?")).to_have_count(0)  # the teacher's notes
    page.keyboard.press("Space")
    settle(page)
    expect(page.locator(".st-key-lesson-reveal")).to_be_visible()
    page.keyboard.press("PageDown")
    settle(page)
    title(page, "Why the dog?")
    page.keyboard.press("PageUp")
    settle(page)
    title(page, "It may choose one")


def test_the_card_for_a_first_visit(page: Page) -> None:
    page.goto("/")
    settle(page)
    card = page.get_by_text("New here?")
    expect(card).to_be_visible()
    page.get_by_role("button", name="Close this note").click()
    expect(card).to_be_hidden()
    page.reload()
    settle(page)
    expect(card).to_be_hidden()


def test_the_card_leads_to_the_lessons(page: Page) -> None:
    page.goto("/")
    settle(page)
    page.get_by_role("button", name="See the lessons").click()
    title(page, "What does a network look at?")


@pytest.mark.parametrize(("width", "dark"), [(390, True), (820, False), (1400, True), (1900, False)])
def test_it_fits(server: str, new_page: Callable[..., Page], width: int, dark: bool) -> None:
    page = new_page(server, width=width, height=900, dark=dark)
    for name, place in {
        "learn": "/learn",
        "question": "/?lesson=what-made-it-say-that&lesson_step=1",
        "reveal": "/?lesson=what-made-it-say-that&lesson_step=1&answers=1:200.200-400.250",
    }.items():
        page.goto(place)
        settle(page)
        shoot(page, f"lesson-{name}-{width}-{'dark' if dark else 'light'}")
        overflow = page.get_by_test_id("stMain").evaluate("node => node.scrollWidth - node.clientWidth")
        assert overflow <= 0
