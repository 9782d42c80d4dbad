"""The reveal: the answer beside the network's, with an honest number and one sentence."""

from __future__ import annotations

import base64

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core import METHODS
from cnnfix_core.explanations import question, summary
from cnnfix_core.gaze import Agreed, GazeError, Looks, agreed, agreement, look_map, looks, looks_in
from cnnfix_core.images import Picture, scaled_size
from cnnfix_core.lessons import Choose, Guess, Look, Which, number_text
from cnnfix_core.visualization import overlay, png
from cnnfix_ui.components.panels.component import Layer, Panel, panels
from cnnfix_ui.components.prose.component import prose
from cnnfix_ui.components.taps.component import Overlay, Taps, show_taps
from cnnfix_ui.errors import escaped
from cnnfix_ui.learn.answers import Answer, Skipped
from cnnfix_ui.learn.place import Place
from cnnfix_ui.learn.questions import asked
from cnnfix_ui.learn.screens import Seen

_SIDE = 640
NAMES = {"fixations": "CNN Fixations", "gradcam": "Grad-CAM"}


def reveal(place: Place, seen: Seen | None) -> None:
    """Draw the reveal of a question that was answered."""
    answer = place.answer
    assert answer is not None
    key = place.key
    with st.container(key="lesson-reveal"):
        asked(place)
        match place.step.question:
            case Look() if seen:
                _looked(seen, answer, key)
            case Choose() as question:
                _chosen(question, answer)
            case Which() as question if seen:
                _which(question, seen, answer, key)
            case Guess() as question:
                _guessed(question, seen, answer)
        if place.step.reveal:
            prose(place.step.reveal, key=f"{key}.reveal", size="lead")


def show_maps(seen: Seen, key: str) -> None:
    """Draw the network's maps, as large as fits."""
    maps = {name: map_ for name in NAMES if (map_ := seen.map_by(name)) is not None}
    fixations = seen.explanation.kept_fixations
    shown = [
        Panel(NAMES[name], [Layer.of(map_)], fixations if name == "fixations" else None) for name, map_ in maps.items()
    ]
    st.header(question(seen.explanation.target, seen.explanation.rather_than), anchor=False)
    text = summary(seen.explanation, maps["fixations"])
    panels(seen.picture, shown, points="fixation: bigger dot, more evidence", opacity=0.75, alt=text, key=key)


def right_number(question: Guess, seen: Seen | None) -> float:
    """The number to guess. NaN if it cannot be computed."""
    if isinstance(question.right, float):
        return question.right
    return seen.facts[question.right] if seen else float("nan")


def _looked(seen: Seen, answer: Answer, key: str) -> None:
    own = _looks(answer, seen.picture)
    taps = answer if own is not None and isinstance(answer, Taps) else Taps()
    maps = {name: map_ for name in NAMES if (map_ := seen.map_by(name)) is not None and map_.any()}
    if own is not None:
        _say(_sentence(own, maps, seen))
    overlays = [Overlay(NAMES[name], overlay_uri(map_, seen.picture)) for name, map_ in maps.items()]
    if own is None:
        show_taps(seen.picture, label="What the network used", key=f"{key}.network", overlays=overlays)
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**You**")
        show_taps(seen.picture, taps, label="The picture with your marks", key=f"{key}.own")
    with right:
        st.markdown("**The network**")
        show_taps(seen.picture, taps, label="What the network used", key=f"{key}.network", overlays=overlays)


def _sentence(own: Looks, maps: dict[str, NDArray[np.floating]], seen: Seen) -> str:
    fixations, gradcam = maps.get("fixations"), maps.get("gradcam")
    if fixations is None:
        return ""
    sigma = seen.explanation.kept_fixations.sigma
    found: Agreed = agreed([own], fixations, sigma)
    if gradcam is None:
        return found.sentence
    other = agreement(look_map(own, sigma, max(gradcam.shape)), gradcam)
    return f"{found.sentence} With Grad-CAM you agree {other:.0f} of 100."


def _looks(answer: Answer, picture: Picture) -> Looks | None:
    """What a person marked; None if it lies outside the picture, as an address may say."""
    if not isinstance(answer, Taps):
        return None
    size = picture.width, picture.height
    try:
        return looks_in(answer.box, size) if answer.box else looks(answer.points, size)
    except GazeError:
        return None


def _chosen(question: Choose, answer: Answer) -> None:
    said = "" if isinstance(answer, Skipped) else f"You chose: {question.options[int(_number(answer))]}."
    if question.right is None:
        _say(said)
    elif _number(answer) == question.right:
        _say(f"Right. {said}")
    else:
        _say(f"The answer: {question.options[question.right]}. {said}")


def _which(question: Which, seen: Seen, answer: Answer, key: str) -> None:
    titles = [f"{letter}: {METHODS[name].title}" for letter, name in zip("AB", question.methods, strict=True)]
    _say("" if isinstance(answer, Skipped) else f"You chose {titles[int(_number(answer))]}.")
    maps = zip(titles, (seen.map_by(name) for name in question.methods), strict=True)
    shown = [Panel(title, [Layer.of(map_)]) for title, map_ in maps if map_ is not None]
    panels(seen.picture, shown, points="", opacity=0.75, alt="A map of the picture.", key=f"{key}.maps")


def _guessed(question: Guess, seen: Seen | None, answer: Answer) -> None:
    right = number_text(right_number(question, seen), question.unit)
    if isinstance(answer, Skipped):
        _say(f"It is {right}.")
    else:
        _say(f"You guessed {number_text(_number(answer), question.unit)}. It is {right}.")


def _number(answer: Answer) -> float:
    return float(answer) if isinstance(answer, int | float) else -1.0


def _say(sentence: str) -> None:
    if sentence:
        st.info(escaped(sentence), icon=":material/insights:")


def overlay_uri(map_: NDArray[np.floating], picture: Picture) -> str:
    """A map drawn for a picture, as a data URI."""
    image = png(overlay(map_, scaled_size((picture.width, picture.height), _SIDE)))
    return "data:image/png;base64," + base64.b64encode(image).decode()
