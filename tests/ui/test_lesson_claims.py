"""What the shipped lessons say is what the app shows: every number in them is computed again here."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnfix_core import explain, explain_caption, load_captioner, load_model, open_picture
from cnnfix_core.backtrack import walked
from cnnfix_core.engine import EVIDENCE
from cnnfix_core.explanations import classes
from cnnfix_core.images import load_sample
from cnnfix_core.lessons import Guess, Lesson, Screen, Step, list_lessons, parse_screen, picture_on
from cnnfix_core.methods import attribution
from cnnfix_core.metrics import energy_in, rank_correlation
from cnnfix_core.modalities.sketches import sketch_samples
from cnnfix_core.perturbations import add_adversarial_noise, randomised
from cnnfix_core.regions import Box, GroundTruth
from cnnfix_ui.backtrack.playback_data import playback_data
from cnnfix_ui.explore import hiding, questions
from cnnfix_ui.learn.reveals import right_number
from cnnfix_ui.learn.screens import Seen, seen_on
from cnnfix_ui.sketch import sections

from .visiting import page

STEPS = [(lesson, number) for lesson in list_lessons() for number in range(1, len(lesson.steps) + 1)]
FEWEST, MOST = 5, 10  # steps


def seen(screen: str) -> Seen:
    found = seen_on(parse_screen(screen))
    assert found is not None
    return found


def share(screen: str, box: Box, method: str = "fixations") -> float:
    """The share of a map in a box, in percent."""
    shown = seen(screen)
    map_: NDArray[np.floating] | None = shown.map_by(method)
    assert map_ is not None
    return 100 * energy_in(map_, GroundTruth(shown.picture.width, shown.picture.height, (box,)).on(map_.shape))


def covered(picture: str, label: str) -> float:
    sample = load_sample(picture)
    opened = open_picture(sample.read())
    return 100 * GroundTruth(opened.width, opened.height, sample.boxes_of(label)).covered


def predictions(screen: str) -> dict[str, float]:
    return {one.label: 100 * one.probability for one in seen(screen).explanation.predictions}


@pytest.mark.parametrize(("lesson", "number"), STEPS, ids=[f"{one.name}-{number}" for one, number in STEPS])
def test_the_screen_of_every_step_opens(lesson: Lesson, number: int) -> None:
    step = lesson.steps[number - 1]
    app = page(step.screen.page, **step.screen.settings)
    assert not app.exception
    assert not app.error
    # A setting that the page refuses falls back to its default and leaves the address.
    written = {name for name in step.screen.settings if app.session_state["address.values"].get(name) is not None}
    assert written == set(step.screen.settings)


def test_every_lesson_has_five_to_ten_steps_notes_and_questions() -> None:
    assert len(list_lessons()) >= 7
    for lesson in list_lessons():
        assert FEWEST <= len(lesson.steps) <= MOST
        assert all(step.notes and step.text for step in lesson.steps), lesson.name
        assert sum(step.question is not None for step in lesson.steps) >= len(lesson.steps) / 2


@pytest.mark.parametrize(("lesson", "number"), STEPS, ids=[f"{one.name}-{number}" for one, number in STEPS])
def test_a_class_that_a_step_names_is_that_of_its_screen(lesson: Lesson, number: int) -> None:
    """“It says X” is what the network says on that screen."""
    step = lesson.steps[number - 1]
    named = re.search(r"(?:It|network) says “([^”]+)”", step.ask)
    shown = seen_on(step.screen) if named else None
    if named and shown:
        assert shown.explanation.predictions[0].label == named[1]


@pytest.mark.parametrize(("lesson", "number"), STEPS, ids=[f"{one.name}-{number}" for one, number in STEPS])
def test_a_number_to_guess_can_be_computed(lesson: Lesson, number: int) -> None:
    step = lesson.steps[number - 1]
    if isinstance(step.question, Guess):
        right = right_number(step.question, seen_on(step.screen))
        assert step.question.low <= right <= step.question.high


@pytest.mark.parametrize(
    ("screen", "box", "method", "low", "high"),
    [
        ("/explore?picture=chameleon", (83, 150, 240, 446), "fixations", 9.5, 10.5),  # the head
        ("/explore?picture=chameleon", (241, 150, 778, 446), "fixations", 84.5, 85.5),  # the body
        ("/explore?picture=coffee", (172, 16, 409, 308), "fixations", 75, 90),  # the cup, drink included
        ("/explore?picture=giraffe", (331, 0, 899, 505), "fixations", 92.5, 93.9),  # head and throat
        ("/explore?picture=telltale-tag&model=scenes_resnet", (173, 150, 326, 315), "fixations", 71, 72.5),
        ("/explore?picture=cat-and-dog&class=219", (0, 0, 599, 399), "fixations", 93.5, 94.5),
        ("/explore?picture=cat-and-dog&class=285&than=219", (0, 0, 599, 399), "fixations", 0.5, 1.5),
        ("/explore?picture=cat&class=281&than=282", (226, 0, 450, 299), "fixations", 62, 63.5),
        ("/explore?picture=dolphin", (307, 69, 601, 477), "fixations", 83, 84.5),
        ("/explore?picture=dolphin", (307, 69, 601, 477), "gradcam", 52.5, 53.5),
        ("/explore?picture=dolphin", (307, 69, 601, 477), "centre", 47.5, 48.5),
    ],
)
def test_the_share_of_a_map_on_a_part(screen: str, box: Box, method: str, low: float, high: float) -> None:
    assert low <= share(screen, box, method) <= high


@pytest.mark.parametrize(
    ("screen", "fact", "low", "high"),
    [
        ("/explore?picture=chameleon", "probability", 97, 100),  # nearly all
        ("/explore?picture=coffee", "inside", 45, 52),  # about half
        ("/explore?picture=giraffe", "probability", 22, 23.5),
        ("/explore?picture=telltale-tag&model=scenes_cleverhans", "inside", 90, 97),  # more than nine tenths
        ("/explore?picture=telltale-tag&model=scenes_cleverhans", "probability", 99.5, 100),
        ("/explore?picture=drawn-star&model=scenes_cleverhans", "inside", 95, 100),
        ("/explore?picture=cat-and-dog&class=285", "inside", 99, 100),
        ("/explore?picture=guitar-and-drums&class=541", "inside", 78, 82),  # four fifths
        ("/explore?picture=red-panda", "probability", 80, 84),
        ("/explore?picture=cat", "probability", 76.5, 77.5),
    ],
)
def test_the_facts_of_a_screen(screen: str, fact: str, low: float, high: float) -> None:
    assert low <= dict(seen(screen).facts)[fact] <= high


def test_what_boxes_cover() -> None:
    assert covered("coffee", "espresso") == pytest.approx(7, abs=0.5)
    assert covered("dolphin", "hammerhead") == pytest.approx(26, abs=0.5)
    assert covered("telltale-tag", "heart") == pytest.approx(17, abs=0.5)
    assert covered("telltale-tag", "fish") == pytest.approx(1, abs=0.5)


def test_what_networks_say() -> None:
    assert predictions("/explore?picture=cat-and-dog")["cocker spaniel"] == pytest.approx(20, abs=0.6)
    assert predictions("/explore?picture=cat-and-dog")["Egyptian cat"] == pytest.approx(19, abs=0.6)
    assert next(iter(predictions("/explore?picture=guitar-and-drums"))) == "electric guitar"
    assert next(iter(predictions("/explore?picture=drawn-star&model=scenes_cleverhans"))) == "star"
    assert len(load_model().labels) == 1000
    assert len(load_model("sketches").labels) == 40
    assert len(load_model("scenes_resnet").labels) == 10


@pytest.mark.parametrize(("strength", "label", "probability"), [(2, "red fox", 97), (8, "collie", 94)])
def test_noise(strength: int, label: str, probability: float) -> None:
    shown = seen("/compare?picture=red-panda")
    noisy = add_adversarial_noise(shown.network.model, shown.picture, "pgd", strength).picture
    best = classes(shown.network.model, noisy).top(1)[0]
    assert best.label == label
    assert 100 * best.probability == pytest.approx(probability, abs=2.5)  # many steps: processors differ


def test_hidden_eyes() -> None:
    screens = {step.screen.settings.get("ask", "") for lesson in list_lessons() for step in lesson.steps} - {""}
    assert len(screens) == 1
    shown = seen("/explore?picture=cat")
    hidden = hiding.without(shown.picture, questions.SETTINGS["ask"].parse(screens.pop()).answer)
    best = classes(shown.network.model, hidden).top(1)[0]
    assert best.label == "Egyptian cat"
    assert 100 * best.probability == pytest.approx(58, abs=0.6)


def test_shuffled_weights() -> None:
    shown = seen("/compare?picture=red-panda")
    other, asked = randomised(shown.network.model, part="all"), shown.explanation.asked
    fixations = explain(other, shown.picture, asked).map(224)
    gradcam = attribution(other, shown.picture, asked, "gradcam", longest_side=224).map
    own, rival = shown.map(), shown.map_by("gradcam")
    assert own is not None
    assert rival is not None
    assert rank_correlation(fixations, explain(shown.network.model, shown.picture, asked).map(224)) > 0.6
    usual = attribution(shown.network.model, shown.picture, asked, "gradcam", longest_side=224).map
    assert abs(rank_correlation(gradcam, usual)) < 0.2


def test_the_steps_of_the_walk() -> None:
    shown = seen("/backtrack?picture=giraffe")
    found = walked(shown.network.model, shown.picture, None, (EVIDENCE,))
    steps = playback_data(found, "test")["steps"]
    assert steps[0]["words"] == "1 element holds 100 % of the evidence."
    assert steps[0]["shape"] == "1,000 units"
    assert steps[1]["words"].startswith("394 elements hold 100 %")
    assert steps[1]["shape"] == "1,280 units"
    assert steps[2]["shape"] == "1280 × 7 × 7"
    assert "at 49 places" in steps[2]["words"]
    assert "lies on 20 % of the picture" in steps[2]["words"]
    assert steps[148]["title"] == "Picture"


def test_drawings() -> None:
    network = load_model("sketches")
    strokes = {one.name: one.strokes for one in sketch_samples()}
    said = {
        name: [(one.label, 100 * one.probability) for one in classes(network, shown.picture).top(2)]
        for name in ("cat", "fish", "tree")
        if (shown := picture_on(Screen("sketch", {"sheet": name})))
    }
    assert said["cat"][0] == ("cat", pytest.approx(88, abs=0.5))
    assert said["tree"] == [("tree", pytest.approx(46, abs=0.6)), ("mushroom", pytest.approx(23, abs=0.6))]
    assert (len(strokes["cat"]), len(strokes["fish"])) == (16, 8)
    fish = sections.picture_of(strokes["fish"], None)
    shares = sections.shares_of(explain(network, fish), strokes["fish"])  # type: ignore[arg-type]  # it is one
    assert 100 * max(shares) == pytest.approx(32, abs=1)


def test_captions() -> None:
    captioner = load_captioner()
    said = {
        name: explain_caption(captioner, open_picture(load_sample(name).read()))
        for name in ("cat-and-dog", "photographer")
    }
    assert " ".join(said["cat-and-dog"].caption.words) == "a brown and white dog is running in the grass"
    assert " ".join(said["photographer"].caption.words) == "a man and a woman are sitting on a bench"
    words = said["cat-and-dog"].words
    assert (words[4].text, words[9].text) == ("dog", "grass")
    assert 100 * words[4].picture == pytest.approx(25, abs=0.6)
    assert 1 - words[9].picture == pytest.approx(0.8, abs=0.03)


def test_numbers_in_the_lessons_are_known() -> None:
    """A number in a text that no test here knows is not in a lesson: whoever adds one adds a test."""
    known = {
        "1",
        "2",
        "3",
        "7",
        "8",
        "10",
        "16",
        "17",
        "19",
        "20",
        "23",
        "26",
        "40",
        "46",
        "48",
        "49",
        "53",
        "58",
        "60",
    }
    known |= {"58", "60", "63", "72", "77", "84", "85", "93", "94", "97", "100", "255", "394", "1,000", "1,280", "12.5"}

    def numbers(step: Step) -> set[str]:
        return set(re.findall(r"\d[\d,.]*\d|\d", " ".join([step.text, step.ask, step.reveal, step.hint])))

    for lesson in list_lessons():
        for step in lesson.steps:
            assert numbers(step) <= known, (lesson.name, step.title)
