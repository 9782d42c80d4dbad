"""All facts of one step, against the engine's own numbers."""

from __future__ import annotations

import numpy as np
import pytest

import cnnfix_core as cnnfix
from cnnfix_core.backtrack import Chosen, Step, Walked, decide, element, inspect, walked


@pytest.fixture(scope="module")
def walk(model: cnnfix.Model, cat: cnnfix.Picture) -> Walked:
    return walked(model, cat, (281, 282), [cnnfix.EVIDENCE])


def step_in(walk: Walked, module: str) -> Step:
    return next(step for step in walk.path.steps if step.module == module)


def strongest(walk: Walked, step: Step) -> Chosen:
    selection = walk.trace.selection(step.value)
    return element(step, int(selection.index[selection.evidence.argmax()]))


def test_the_facts_are_the_engines_numbers(walk: Walked) -> None:
    for step in walk.path.steps[::9]:
        selection = walk.trace.selection(step.value)
        facts = inspect(walk, step.number)
        assert facts.step is step
        assert facts.pick is None
        assert not facts.on_line
        assert [listed.share for listed in facts.elements] == sorted(selection.evidence, reverse=True)[:12]
        for listed in facts.elements:
            assert element(step, int(selection.index[listed.row])) == listed.chosen
            assert (listed.share, listed.sign) == (selection.evidence[listed.row], selection.sign[listed.row])
            assert listed.label == listed.chosen.label(step)
        assert facts.current is facts.elements[0]
        assert facts.current.row == int(selection.evidence.argmax())
        assert facts.decision is not None
        assert facts.decision.decision.value == decide(walk.trace, step.value, facts.current.row).value


def test_the_inputs_of_a_decision_are_found_at_later_steps(walk: Walked) -> None:
    for step in walk.path.steps[::9]:
        decided = inspect(walk, step.number).decision
        assert decided is not None
        decision = decided.decision
        assert [given.term for given in decided.inputs] == list(decision.terms)
        if decision.kind in ("window", "mean", "dense", "sum"):
            total = sum(term.product for term in decision.terms) + decision.others + (decision.bias or 0)
            assert total == pytest.approx(decision.value, rel=1e-3, abs=1e-3)
        for given in decided.inputs:
            if given.chosen and given.term.share > 0:
                further = walk.path.steps[given.chosen.step]
                assert further.number > step.number
                assert given.label == given.chosen.label(further)
                assert len(given.chosen.rows(walk.trace.selection(further.value), further))


def test_the_score_and_the_picture(walk: Walked) -> None:
    score, picture = inspect(walk, 0), inspect(walk, len(walk.path.steps) - 1)
    assert score.decision is not None
    assert picture.decision is not None
    assert score.decision.title == "the score of “tabby” minus that of “tiger cat”"
    assert score.receptive_field is None
    assert (picture.name, picture.kind, picture.shape) == ("the picture", "Picture", "3 × 224 × 224")
    assert picture.receptive_field == (1, 1)
    assert picture.decision.decision.kind == "input"
    assert picture.decision.inputs == ()


def test_a_pick_here_is_looked_at_beside_its_neighbours(walk: Walked) -> None:
    step = step_in(walk, "blocks.4.0.conv_pwl")
    selection = walk.trace.selection(step.value)
    chosen = strongest(walk, step)
    facts = inspect(walk, step.number, chosen)
    assert facts.current is not None
    assert facts.current.chosen == chosen
    assert {listed.chosen.place for listed in facts.elements} == {chosen.place}
    rest = [listed.share for listed in facts.elements[1:]]
    assert rest == sorted(rest, reverse=True)
    assert facts.point is not None
    cloud = walk.playbacks[0].cloud_at(step.number)
    assert cloud is not None
    assert tuple(cloud.place[facts.point - cloud.first].tolist()) == chosen.place
    assert facts.pick is not None
    assert facts.pick.label == f"{chosen.label(step)} of blocks.4.0.conv_pwl"
    assert facts.pick.evidence == pytest.approx(selection.evidence.max())


def test_a_pick_elsewhere_is_followed(walk: Walked) -> None:
    step = step_in(walk, "blocks.4.0.conv_pwl")
    chosen, line = strongest(walk, step), walk.line(strongest(walk, step))
    assert line is not None
    for number in (3, step.number + 20):  # towards the score, and towards the picture
        facts = inspect(walk, number, chosen)
        assert facts.on_line
        carried = line.carried[facts.step.value]
        assert [listed.share for listed in facts.elements] == [n for n in sorted(carried, reverse=True)[:12] if n > 0]
    pick, picture = inspect(walk, 3, chosen).pick, walk.path.steps[-1]
    assert pick is not None
    reached = line.carried[picture.value]
    assert pick.arrived == pytest.approx(reached.sum())
    height, width = picture.size
    pixels = np.unique(walk.trace.selection(picture.value).index[reached > 0] % (height * width))
    assert pick.pixels == len(pixels)
    assert f"reached {len(pixels):,} pixels through it." in pick.summary


def test_a_pick_in_the_picture_ends_there(walk: Walked) -> None:
    last = walk.path.steps[-1]
    pick = inspect(walk, 0, strongest(walk, last)).pick
    assert pick is not None
    assert pick.arrived is pick.pixels is None
    assert "through it" not in pick.summary


def test_a_pick_that_the_walk_did_not_come_by_is_none(walk: Walked) -> None:
    here = inspect(walk, 30, Chosen(30, 99_999))
    assert here.pick is None
    assert here.elements == inspect(walk, 30).elements


@pytest.mark.parametrize(("step", "pick"), [(-1, None), (10_000, None), (3, Chosen(10_000))])
def test_a_step_that_is_not_there(walk: Walked, step: int, pick: Chosen | None) -> None:
    with pytest.raises(cnnfix.CnnfixError, match=r"The walk has no step -?[0-9]+: steps are numbered from 0"):
        inspect(walk, step, pick)


def test_the_facts_in_words(walk: Walked) -> None:
    step = step_in(walk, "blocks.4.0.conv_pwl")
    facts = inspect(walk, step.number, strongest(walk, step))
    first, does, sees, picked, *_, sentence = facts.describe().splitlines()
    assert first.startswith(f"Step {step.number}: Convolution 1 × 1, ")
    assert does == "What it does: mixes the 480 channels of each place into 112."
    assert facts.receptive_field is not None
    assert f"{facts.receptive_field[0]:g} × {facts.receptive_field[1]:g} pixels" in sees
    assert facts.pick is not None
    assert facts.pick.summary in picked
    assert facts.decision is not None
    assert sentence == facts.decision.decision.sentence
