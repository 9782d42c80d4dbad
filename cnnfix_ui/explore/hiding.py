"""What happens if a part of the picture is hidden? Places or a box under grey, and what the network says then."""

from __future__ import annotations

from functools import partial

import streamlit as st

from cnnfix_core import Explanation, Picture
from cnnfix_core.explanations import Classes
from cnnfix_core.perturbations import boxed, painted
from cnnfix_core.utils import percent
from cnnfix_ui.components.choices.component import Choice, choices
from cnnfix_ui.components.taps.component import NOTHING, TapQuestion, Taps, ask_taps
from cnnfix_ui.errors import escaped
from cnnfix_ui.explore.question import Question, Subject, answer
from cnnfix_ui.server import results
from cnnfix_ui.widgets.controls import listed
from cnnfix_ui.widgets.places import parse_taps, taps_text

_MOST = 5  # places
_RADIUS = 0.08  # of what is hidden around a place, as a share of the picture's longer side


def _draw(subject: Subject, hidden: Taps) -> None:
    """Let the visitor mark what is hidden, and lay the predictions with and without it side by side."""
    network, picture, explanation = subject.network, subject.picture, subject.explanation
    changed = without(picture, hidden)
    marking, telling = st.columns([1.6, 1], gap="large")
    with marking:
        question = TapQuestion("Picture on which to hide parts.", "Hide it", limit=_MOST, boxes=True)
        ask_taps(changed, question, key="hide.taps", on_send=answer, marked=hidden)
    with telling:
        if changed is picture:
            st.markdown("Tap the part that you think matters most, or draw a box around it, and hide it.")
        after = results.predicted(network, changed)
        before = results.predicted(network, picture)
        target = explanation.target.index
        if changed is not picture:
            st.markdown(escaped(told(before, after, target)))
        _bars(explanation, before, after)


def told(before: Classes, after: Classes, target: int) -> str:
    """One sentence on what became of the class's probability, and what the network says now."""
    was, now, first = before.prediction(target), after.prediction(target), after.top(1)[0]
    shares = percent(was.probability), percent(now.probability)
    moved = f"{'falls' if now.probability < was.probability else 'rises'} from {shares[0]} to {shares[1]}"
    text = f"Without this part, “{was.label}” {moved if shares[0] != shares[1] else f'stays at {shares[1]}'}"
    if first.index == target:
        still = before.top(1)[0].index == target
        return f"{text}, and the network still says it." if still else f"{text}. Now the network says it."
    return f"{text}. The network says “{first.label}” ({percent(first.probability)})."


def without(picture: Picture, hidden: Taps) -> Picture:
    """The picture with these parts under grey."""
    if hidden.box:
        return boxed(picture, hidden.box)
    radius = _RADIUS * max(picture.width, picture.height)
    return painted(picture, [(x + 0.5, y + 0.5, radius) for x, y in hidden.points])


def _bars(explanation: Explanation, before: Classes, after: Classes) -> None:
    shown = [one.index for one in listed(explanation)]
    shown += [one.index for one in after.top(3) if one.index not in shown]
    items = []
    for index in shown:
        was, now = before.prediction(index), after.prediction(index)
        shares = percent(was.probability), percent(now.probability)
        detail = shares[1] if shares[0] == shares[1] else f"{shares[0]} → {shares[1]}"
        items.append(Choice(str(index), now.label, share=now.probability, detail=detail))
    items.sort(key=lambda one: -one.share)

    def choose(value: str) -> None:
        st.session_state["class"] = int(value)

    label = "Classes with what is hidden, most probable first. Choose one to explain it."
    choices(items, selected=str(explanation.target.index), look="bars", label=label, key="hide.bars", on_choose=choose)


QUESTION = Question(
    "hide",
    "What if a part is hidden?",
    ":material/ink_eraser:",
    _draw,
    first=NOTHING,
    parse=partial(parse_taps, most=_MOST, boxes=True),
    text=taps_text,
    again="Hide nothing",
)
