"""Parts of the picture that a visitor hides on Explore, without a browser."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import cnnfix_core as cnnfix
from cnnfix_core.explanations import Classes
from cnnfix_core.images import load_sample
from cnnfix_core.perturbations import boxed
from cnnfix_core.utils import percent
from cnnfix_ui.components.taps.component import Taps
from cnnfix_ui.explore import hiding
from cnnfix_ui.explore.hiding import told
from cnnfix_ui.explore.question import Open
from tests.ui.visiting import page

visit = partial(page, "explore")
LABELS = cnnfix.Labels.of(("cat", "dog", "fox"))


def says(*probabilities: float) -> Classes:
    return Classes(LABELS, np.log(np.array([probabilities])))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ((0.9, 0.06, 0.04), (0.2, 0.7, 0.1), "“cat” falls from 90 % to 20 %. The network says “dog” (70 %)."),
        ((0.9, 0.06, 0.04), (0.6, 0.3, 0.1), "“cat” falls from 90 % to 60 %, and the network still says it."),
        ((0.4, 0.5, 0.1), (0.6, 0.3, 0.1), "“cat” rises from 40 % to 60 %. Now the network says it."),
        ((0.4, 0.5, 0.1), (0.4, 0.3, 0.3), "“cat” stays at 40 %. Now the network says it."),
    ],
)
def test_the_sentence(before: tuple[float, ...], after: tuple[float, ...], words: str) -> None:
    assert told(says(*before), says(*after), 0) == f"Without this part, {words}"


def test_hiding_changes_what_the_network_says_and_the_answer_comes_back() -> None:
    app = visit(model="scenes_resnet")
    next(button for button in app.button if button.label == "What if a part is hidden?").click().run()
    assert not app.exception
    assert any("Tap the part" in one.value for one in app.markdown)
    picture = cnnfix.open_picture(load_sample(app.session_state["picture"]).read())
    box = (0, 0, picture.width - 1, picture.height // 2)
    app.session_state["ask"] = Open(hiding.QUESTION, Taps(box=box))
    app.run()
    model = cnnfix.load_model("scenes_resnet")
    explanation = cnnfix.explain(model, picture)
    again = cnnfix.explain(model, boxed(picture, box), explanation.target.index).target
    assert any(f"to {percent(again.probability)}" in one.value.replace("\\", "") for one in app.markdown)
    app.button(key="ask.back").click().run()
    assert any(one.value.startswith("Why") for one in app.header)
