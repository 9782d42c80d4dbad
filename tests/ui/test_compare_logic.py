"""The Compare page's logic, without a browser: questions, rows, boxes, events, and the page itself."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnnfix_core import Prediction, load_model, open_picture
from cnnfix_core.images.samples import load_sample
from cnnfix_core.methods import METHODS, attribution
from cnnfix_core.metrics import GroundTruth, numbers
from cnnfix_core.regions.highest_density import MAP_SIDE
from cnnfix_ui.compare import acts, state, tables
from cnnfix_ui.compare.questions import CompareQuestion, Variation
from tests.ui.visiting import page

CAT = CompareQuestion("efficientnet_lite0", "cat", 281)


@pytest.mark.parametrize(
    "question",
    [
        CAT,
        CompareQuestion("efficientnet_lite0", "cat"),
        CompareQuestion("efficientnet_lite0", "coffee", 504, 967),
        CompareQuestion("efficientnet_lite0", "coffee", None, None, "fgsm-2"),
    ],
)
def test_a_question_survives_the_address(question: CompareQuestion) -> None:
    assert CompareQuestion.parse(question.text) == question


@pytest.mark.parametrize(
    "text",
    [
        "",
        "efficientnet_lite0",
        "nope:cat:::",
        "efficientnet_lite0:nope:::",
        "efficientnet_lite0:cat:x::",
        ":::::",
        "::::",
        "efficientnet_lite0:cat:::rm-rf",
        "efficientnet_lite0:own:::",
        "efficientnet_lite0:cat:1:2:brush:more",
    ],
)
def test_what_may_not_be_asked_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        CompareQuestion.parse(text)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("wanted:282", CompareQuestion("efficientnet_lite0", "cat", 282)),
        ("than:282", CompareQuestion("efficientnet_lite0", "cat", 281, 282)),
        ("model:vgg16", CompareQuestion("vgg16", "cat")),
        ("model:vgg16:7", CompareQuestion("vgg16", "cat", 7)),
        ("picture:coffee", CompareQuestion("efficientnet_lite0", "coffee")),
        ("change:forget-all", CompareQuestion("efficientnet_lite0", "cat", 281, None, "forget-all")),
    ],
)
def test_a_row_is_the_question_with_one_thing_changed(text: str, asked: CompareQuestion) -> None:
    variation = Variation.parse(text)
    assert variation.text == text
    assert variation.of(CAT) == asked


@pytest.mark.parametrize("text", ["", "wanted", "wanted:", "wanted:x", "colour:red", "change:sudo", "model:vgg16:1:2"])
def test_rows_that_may_not_be_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Variation.parse(text)


def test_settings_survive_the_address() -> None:
    for name, value in {
        "methods": ("rise", "cmwp"),
        "rows": (Variation("wanted", 3), Variation("model", "vgg16", 5)),
        "pins": (("gradcam", CAT),),
        "boxes": {("cat", None): ((1, 2, 30, 40), (5, 6, 7, 8)), ("cat", 285): ((0, 0, 1, 1),), ("coffee", 504): ()},
    }.items():
        setting = state.SETTINGS[name]
        assert setting.parse(setting.text(value)) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("methods", "gradcam,magic"),
        ("boxes", "cat:1.2.3"),
        ("boxes", "cat:a.b.c.d"),
        ("boxes", "nope:1.2.3.4"),
        ("boxes", "cat@:x.2.3.4"),
        ("boxes", "cat@-1:1.2.3.4"),
        ("boxes", "cat@x:1.2.3.4"),
        ("pins", "gradcam"),
        ("pins", "magic:efficientnet_lite0:cat:::"),
        ("boxes", "cat:-1.2.3.4"),
        ("rows", ","),
    ],
)
def test_settings_that_may_not_be_are_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        state.SETTINGS[name].parse(text)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings, without a session."""
    import streamlit as st

    session: dict[str, Any] = {name: setting.default for name, setting in state.SETTINGS.items()}
    monkeypatch.setattr(st, "session_state", session)
    return session


def test_methods_are_swapped_added_and_removed(kept: dict[str, Any]) -> None:
    kept["methods"] = ("fixations", "gradcam", "cmwp")
    state.swap("fixations", "rise")
    assert kept["methods"] == ("rise", "gradcam", "cmwp")
    state.swap("fixations", "cmwp")  # the browser does not show yet what came there
    assert kept["methods"] == ("cmwp", "gradcam", "rise")
    state.add_method("gradcam")
    state.add_method("saliency")
    assert kept["methods"] == ("cmwp", "gradcam", "rise", "saliency")
    state.remove_method("cmwp")
    with pytest.raises(LookupError):
        state.remove_method("cmwp")  # pressed twice before the browser shows it
    assert kept["methods"] == ("gradcam", "rise", "saliency")
    for name in kept["methods"]:
        state.remove_method(name)
    assert kept["methods"] == ("saliency",)


def test_there_are_at_most_sixteen_cells(kept: dict[str, Any]) -> None:
    kept["methods"] = ("fixations", "gradcam", "cmwp", "saliency")
    for number in range(9):
        state.add_row(Variation("wanted", number))
    assert len(kept["rows"]) == 3
    state.add_method("rise")
    assert len(kept["methods"]) == 4


def test_what_a_browser_sends_takes_no_more_room_than_the_address(kept: dict[str, Any]) -> None:
    for number in range(60):
        state.pin(("gradcam", CompareQuestion("efficientnet_lite0", "cat", number)))
        state.draw_boxes("cat", number, [[1, 2, 3, 4]])
        state.ask_for("", number)
        kept["rows"] = (Variation("wanted", number),)
        state.ask_for(f"wanted:{number}", number + 1)
    assert [question.wanted for _, question in kept["pins"]] == [*range(44, 60)]
    assert [wanted for _, wanted in kept["boxes"]] == [*range(44, 60)]
    assert len(kept["compare.successors"]) == 50


def test_another_class_redoes_the_row(kept: dict[str, Any]) -> None:
    kept["rows"] = (Variation("wanted", 1), Variation("picture", "coffee"))
    kept["than"] = 5
    state.ask_for("", 5)
    assert (kept["class"], kept["than"]) == (5, None)
    state.ask_for("wanted:1", 2)
    state.ask_for("picture:coffee", 968)
    state.ask_for("picture:coffee", 504)  # before the browser shows the other one
    assert kept["rows"] == (Variation("wanted", 2), Variation("picture", "coffee", 504))
    state.remove_row("wanted:1")
    with pytest.raises(LookupError):
        state.remove_row("wanted:1")
    assert kept["rows"] == (Variation("picture", "coffee", 504),)


def asked_for(label: str, index: int = 285) -> Prediction:
    return Prediction(index, label, 1.0, 0.5)


def test_a_class_has_the_samples_box_until_one_is_drawn(kept: dict[str, Any]) -> None:
    cat, dog = asked_for("Egyptian cat"), asked_for("cocker spaniel", 219)
    picture = "cat-and-dog"
    assert state.boxes_on(picture, cat) == ((0, 400, 530, 799),)  # not the dog's
    assert state.boxes_on(picture, dog) == ((176, 53, 421, 399),)
    state.draw_boxes(picture, cat.index, [[9, 8, 1, 2]])
    assert state.boxes_on(picture, cat) == ((1, 2, 9, 8),)
    assert state.boxes_on(picture, dog) == ((176, 53, 421, 399),)
    state.draw_boxes(picture, cat.index, [])
    assert state.boxes_on(picture, cat) == ()


def test_a_class_that_means_nothing_in_the_picture_has_no_box(kept: dict[str, Any]) -> None:
    assert state.boxes_on("rocket", asked_for("drilling platform")) == ()
    assert state.boxes_on("cat-and-dog", asked_for("drum")) == ()
    assert state.boxes_on("own", asked_for("Egyptian cat")) == ()


def test_boxes_of_addresses_without_a_class_count_for_every_class(kept: dict[str, Any]) -> None:
    kept["boxes"] = state.SETTINGS["boxes"].parse("cat:1.2.3.4")
    assert (
        state.boxes_on("cat", asked_for("Egyptian cat")) == state.boxes_on("cat", asked_for("drum")) == ((1, 2, 3, 4),)
    )


def test_brushing_adds_a_row_and_a_clean_picture_takes_it_away(kept: dict[str, Any]) -> None:
    state.paint("cat", [[10, 10, 5]])
    state.paint("cat", [[10, 10, 5], [12, 10, 5]])
    assert kept["rows"] == (Variation("change", "brush"),)
    state.ask_for("change:brush", 5)
    state.paint("cat", [[10, 10, 5]])
    assert kept["rows"] == (Variation("change", "brush", 5),)
    state.paint("cat", [])
    assert kept["rows"] == ()


def test_what_is_drawn_and_pinned_counts_even_if_what_it_was_drawn_on_has_changed(kept: dict[str, Any]) -> None:
    from cnnfix_ui.compare.grid_data import Grid

    for event in (
        {"do": "boxes", "on": "cat@285", "boxes": [[1, 2, 3, 4]]},
        {"do": "strokes", "on": "cat", "strokes": [[10, 10, 5]]},
        {"do": "pin", "cell": f"gradcam:{CAT.text}"},
    ):
        acts.act(Grid(CAT, [], [], [], []), event)
    assert kept["boxes"] == {("cat", 285): ((1, 2, 3, 4),)}
    assert kept["rows"] == (Variation("change", "brush"),)
    assert kept["pins"] == (("gradcam", CAT),)


def test_what_was_removed_comes_back(kept: dict[str, Any]) -> None:
    assert not state.can_undo()
    before = state.state("methods")
    state.add_row(Variation("wanted", 3))
    state.remove_method(before[1])
    state.keep("methods", state.state("methods"))  # no change
    state.undo()
    assert (kept["methods"], kept["rows"]) == (before, (Variation("wanted", 3),))
    state.undo()
    assert kept["rows"] == ()
    state.undo()
    assert not state.can_undo()
    assert kept["methods"] == before


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"do": "swap", "column": "rise", "method": "cmwp"},
        {"do": "swap", "column": "fixations", "method": "magic"},
        {"do": "remove", "column": "rise"},
        {"do": "remove", "column": 0},
        {"do": "pin", "cell": "nope"},
        {"do": "pin", "cell": "gradcam:nope:cat:::"},
        {"do": "stop", "cell": "gradcam:efficientnet_lite0:cat:::"},
        {"do": "ask", "row": "wanted:7", "class": 1},
        {"do": "boxes", "on": "nope", "boxes": []},
        {"do": "boxes", "on": "cat@x", "boxes": []},
        {"do": "strokes", "on": "nope", "strokes": [[1, 2, 3]]},
        {"do": "remove_row", "row": ""},
        {"do": ["swap"]},
    ],
)
def test_events_that_make_no_sense_change_nothing(kept: dict[str, Any], event: dict[str, Any]) -> None:
    from cnnfix_ui.compare.grid_data import Grid

    before = dict(kept)
    acts.act(Grid(CAT, [], [], [], []), event)
    assert kept == before


def compare(**address: str) -> AppTest:
    return finished(page("compare", **address))


def finished(app: AppTest) -> AppTest:
    """Run it again until all maps are there, as the browser would."""
    deadline = time.monotonic() + 60
    assert not app.exception
    while app.session_state["compare.pending"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        app.run()
    assert not app.exception
    assert not app.error
    return app


def table(app: AppTest, number: int = 0) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = app.table[number].value.to_dict("records")
    return rows


def test_the_page_opens_with_maps_and_numbers() -> None:
    app = compare(picture="cat", boxes="cat:100.40.300.200")
    rows = table(app)
    assert [row["Method"] for row in rows] == [
        METHODS[name].title for name in (*state.SETTINGS["methods"].default, "centre", "random")
    ]


def test_its_numbers_are_those_of_the_package() -> None:
    app = compare(picture="cat", methods="gradcam,fixations", boxes="cat:100.40.300.200")
    picture = open_picture(load_sample("cat").read())
    model = load_model()
    truth = GroundTruth(picture.width, picture.height, ((100, 40, 300, 200),))
    for row, name in zip(table(app), ("gradcam", "fixations", "centre", "random"), strict=True):
        found = numbers(attribution(model, picture, None, name, longest_side=MAP_SIDE), truth)
        assert row["Strongest point in the box"] == ("yes" if found.peak else "no")
        assert row["Box match (IoU)"].removesuffix(", the whole picture") == f"{found.iou:.2f}"
        assert float(row["Map inside"].split()[0]) == pytest.approx(100 * found.energy, rel=0.06)


def test_a_box_beside_the_picture_is_none() -> None:
    app = compare(picture="cat", methods="gradcam,centre", boxes="cat:9000.9000.9100.9100")
    assert "Strongest point in the box" not in app.table[0].value.columns


def test_each_two_methods_agree_once_and_a_verdict_says_how() -> None:
    app = compare(picture="cat", methods="gradcam,centre", boxes="cat:100.40.300.200")
    (only,) = table(app, 1)
    assert (only["Method"], only["Other method"]) == ("Grad-CAM", "Centre")
    assert only["Similarity"] != "–"
    said = [one.value.replace("\\", "") for one in app.markdown]
    assert f"Most alike: Grad-CAM and Centre ({only['Similarity']})." in said
    assert any(one.startswith("Largest share of a map in the box: Grad-CAM,") for one in said)


def test_a_forgotten_network_moves_the_maps_and_curves_are_measured() -> None:
    app = compare(picture="cat", methods="gradcam,centre", rows="change:forget-all", curves="True")
    moved, still = next(table.value for table in app.table if "Verdict" in table.value.columns).to_dict("records")
    assert float(moved["Similarity"]) < 0.9
    assert (still["Similarity"], still["Shared top tenth"], still["Verdict"]) == ("1.00", "100 %", "hardly moved")
    said = [one.value.replace("\\", "") for one in app.markdown]
    assert any(f"All weights shuffled: Grad-CAM ({moved['Similarity']}) {moved['Verdict']}" in one for one in said)
    areas = app.table[-1].value
    assert {"Insertion", "Deletion"} <= set(areas.columns)
    assert "–" not in areas["Insertion"].tolist()


def test_a_box_that_is_the_whole_picture_is_called_that() -> None:
    picture = SimpleNamespace(width=40, height=30)
    cell = SimpleNamespace(case=SimpleNamespace(picture=picture))
    whole, part = (
        SimpleNamespace(cell=cell, found=SimpleNamespace(box=box)) for box in ((0, 0, 39, 29), (1, 0, 39, 29))
    )
    assert tables._is_whole(whole)  # type: ignore[arg-type]
    assert not tables._is_whole(part)  # type: ignore[arg-type]
    assert not tables._is_whole(SimpleNamespace(cell=cell, found=None))  # type: ignore[arg-type]
