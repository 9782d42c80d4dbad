"""Backtrack's question about a channel or an element inside the network, without a browser."""

from __future__ import annotations

from cnnfix_core import EVIDENCE, Unit, load_model, open_picture
from cnnfix_core.backtrack import Chosen, walked
from cnnfix_core.images.samples import bytes_of
from tests.ui.test_models_logic import headings, opened

NETWORK = "scenes_vgg"


def test_what_is_chosen_becomes_the_question_and_the_address() -> None:
    app = opened("backtrack", model=NETWORK)
    picture = open_picture(bytes_of(app.session_state["picture"]))
    walk = walked(load_model(NETWORK), picture, None, [EVIDENCE])
    step = next(step for step in walk.path.steps if step.module == "3")
    assert step.field is not None
    channel = int(step.field.channels(walk.trace.selection(step.value).index)[0])

    app = opened("backtrack", model=NETWORK, step=str(step.number), chosen=str(Chosen(step.number, channel)))
    app.button(key="unit.ask").click().run()
    assert app.session_state["unit"] == Unit("3", channel)
    app.run()
    assert headings(app)[0] == "A unit inside the network"
    assert headings(app)[1].startswith(f"Why “3:{channel}.")
    assert app.query_params["unit"] in (f"3:{channel}", [f"3:{channel}"])

    app.button(key="unit.end").click().run()
    assert "unit" not in app.query_params
    assert headings(app)[0] == "Predictions"


def test_a_unit_that_the_network_does_not_have_is_dropped() -> None:
    for unit in ("nowhere:3", "0:99999", "0"):
        app = opened("backtrack", model=NETWORK, unit=unit)
        assert headings(app)[0] == "Predictions"
        assert app.session_state["unit"] is None
