"""Texts in CSV files: kept whole, on one line, and never a formula."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cnnfix_core.utils.csv_cells import csv_text, from_one_line, is_formula, no_formula, one_line


@given(st.text(st.characters(exclude_categories=())) | st.text("='\\nr\n\r\t -@+1.e"))
@example("'=1")
@example("\\n")
def test_a_text_on_one_line_is_the_text(text: str) -> None:
    line = one_line(text)
    assert from_one_line(line) == text
    assert not {"\n", "\r"} & set(line)
    assert line == "" or line.startswith("'") or not is_formula(line)


@pytest.mark.parametrize(
    "text", ["=1+1", "+a", "-a.png", "@x", " =1", "\t=1", "'=1", "-1+1", "-0.5a", "\uff1d1", "\r=1"]
)
def test_formulas_get_an_apostrophe(text: str) -> None:
    assert no_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "'quoted'", "-0.5", "-1e-05", "12", "a-b", "“é”"])
def test_other_texts_stay(text: str) -> None:
    assert no_formula(text) == text


def test_a_table_has_no_formulas() -> None:
    made = csv_text(("a", "b"), [("=x", -1), ("-0.25", None)])
    assert list(csv.reader(io.StringIO(made))) == [["a", "b"], ["'=x", "-1"], ["-0.25", ""]]
