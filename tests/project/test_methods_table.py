"""The texts say of the methods what the catalogue says."""

from __future__ import annotations

import re

from cnnfix_core.benchmark.datasets import scenes
from cnnfix_core.methods import BASELINES, COUNT, METHODS
from tools import methods_table

NUMBERS = "dozen|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty"


def test_the_table_and_the_number_are_todays() -> None:
    stale = [
        file.name for file in methods_table.texts() if methods_table.written(text := file.read_text("utf-8")) != text
    ]
    assert methods_table.table() in methods_table.PAGE.read_text("utf-8")
    assert stale == [], "run python tools/methods_table.py"


def test_no_text_counts_by_itself() -> None:
    told = 0
    for file in methods_table.texts():
        text = file.read_text("utf-8").partition("## [0.2.0]")[0]  # what a release had, stays
        told += len(methods_table.NUMBER.findall(text))
        assert not re.search(rf"\b({NUMBERS}) (other )?methods", text, re.I), file
    assert told >= 4
    assert len(METHODS) - 2 - len([name for name in METHODS if name.startswith("fixations_")]) == COUNT


def test_every_method_has_its_facts() -> None:
    for method in METHODS.values():
        assert method.cost, method.name
        assert method.paper or method.family in ("Baselines", "Fixations", "Fixations at one depth"), method.name


def test_every_method_that_scenes_can_measure_has_its_box_rule_for_them() -> None:
    """The walk has its own box, the baselines have theirs, and no network for scenes is a transformer."""
    without = {"Fixations at one depth", "Baselines", "Attention"}
    wanted = {name for name, method in METHODS.items() if method.family not in without} - {"fixations"}
    assert set(scenes.RULES) == wanted
    page = (methods_table.PAGE.parent / "boxes.md").read_text("utf-8")
    for name in [*wanted, "fixations"]:
        assert f"| {METHODS[name].title} |" in page
    assert not set(BASELINES) & wanted


def test_what_the_papers_resnet_is_called_is_said_where_its_number_stands() -> None:
    """The paper says ResNet-101, the authors' file of boxes resNet152: nobody here knows which of the two it was."""
    telling = [file for file in methods_table.texts() if "54.31" in file.read_text("utf-8")]
    assert telling
    for file in telling:
        text = file.read_text("utf-8")
        assert "ResNet-101" in text, file
        assert "resNet152" in text, file
