"""A lesson file to be written on: its screens are there, its texts are not."""

from __future__ import annotations

from collections.abc import Sequence

from cnnfix_core.lessons.lesson import Screen
from cnnfix_core.lessons.screens import address_of
from cnnfix_core.lessons.seeing import picture_on

_HEAD = """---
title: My lesson
goal: What people can do after it
minutes: 15
age: 12 and up
---
"""
_STEP = """
## {title}
screen: {screen}
notes: What you say, ask, and listen for

What is to be seen here, in at most 60 words. To ask first, add “ask: …” and “answer: look 3” below the screen.
"""


def draft_of(screens: Sequence[Screen]) -> str:
    """The file, with one step for each screen."""
    return _HEAD + "".join(_STEP.format(title=title_of(screen), screen=address_of(screen)) for screen in screens)


def title_of(screen: Screen) -> str:
    """What a screen shows, in a few words."""
    shown = picture_on(screen)
    page = screen.page.capitalize()
    return f"{page}: {shown.title}" if shown else page
