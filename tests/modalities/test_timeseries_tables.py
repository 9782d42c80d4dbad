"""Tables of time series as programs and people write them: each number is right and at its time, or refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cnnfix_core.modalities.timeseries import SignalError, read_series, read_series_table

STEPS = range(10)
SQUARES = [float(t * t) for t in STEPS]
HALVES = [t / 2 for t in STEPS]
NOISE = [0.5 + (5 * t % 7) / 100 for t in STEPS]


def lines(row: Callable[[int], object], above: str = "") -> str:
    """A table of ten rows."""
    return above + "\n".join(str(row(t)) for t in STEPS)


def wide(*, before: str = "", after: str = "") -> str:
    """Three rows of ten numbers; {} becomes 1, 2, 3."""
    return "\n".join(
        before.format(k) + ",".join(str(k * value + 0.25) for value in HALVES) + after.format(k) for k in (1, 2, 3)
    )


WIDE = [[k * value + 0.25 for value in HALVES] for k in (1, 2, 3)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # numbers
        (lines(lambda t: f"{t};0,{50 + t}"), [[0.5 + t / 100 for t in STEPS]]),
        (lines(lambda t: f"1,{t}\t0,{50 + 5 * t % 7}"), [[1 + t / 10 for t in STEPS], NOISE][1:]),
        (lines(lambda t: f"0,{50 + 5 * t % 7}  1,{t}"), [NOISE, [1 + t / 10 for t in STEPS]]),
        (lines(lambda t: f"0,{50 + t}"), [[0.5 + t / 100 for t in STEPS]]),
        (lines(lambda t: f"\u22120,{50 + t}"), [[-0.5 - t / 100 for t in STEPS]]),
        (lines(lambda t: f"-0,{50 + t}"), [[-0.5 - t / 100 for t in STEPS]]),
        (lines(lambda t: f"{t},{10 + t}", "value\n"), [[t + (10 + t) / 100 for t in STEPS]]),
        (lines(lambda t: f'{t},"0,{50 + t}"'), [[0.5 + t / 100 for t in STEPS]]),
        (lines(lambda t: f"{t};1.234,{t}"), [[1234 + t / 10 for t in STEPS]]),
        (lines(lambda t: f"{t};1,{500 + t}.5"), [[1500.5 + t for t in STEPS]]),
        (lines(lambda t: f"{t};1.234.{500 + t}"), [[1234500.0 + t for t in STEPS]]),
        (lines(lambda t: f"{t};1\u202f{500 + t}"), [[1500.0 + t for t in STEPS]]),
        (lines(lambda t: f"\u2212{t}.5"), [[-t - 0.5 for t in STEPS]]),
        (lines(lambda t: f"+{t * t}.e0"), [SQUARES]),
        # above the numbers
        (lines(lambda t: f"{t},{t * t}", "t,a\ns,mV\n"), [SQUARES]),
        (lines(lambda t: f"{t};{t * t}", "sep=;\n"), [SQUARES]),
        (lines(lambda t: f"{t};{t * t}", "Measurement 5, sensor A\n\nt;a\n"), [SQUARES]),
        (lines(lambda t: t * t, "# by a logger, 2026\n"), [SQUARES]),
        (lines(lambda t: f"{t * t + 0.5},{t / 2}", "2019,2020\n"), [[one + 0.5 for one in SQUARES], HALVES]),
        (lines(lambda t: f"{t},{t * t + 0.5}", ",0\n"), [[one + 0.5 for one in SQUARES]]),
        (lines(lambda t: f'"{t + 1}" {t * t} {t / 2}', '"a" "b"\n'), [SQUARES, HALVES]),
        (",".join(map(str, STEPS)) + "\n" + wide(), WIDE),
        # beside the numbers
        (wide(before="walk {},"), WIDE),
        (wide(after=",walk"), WIDE),
        (wide(before="{},"), WIDE),
        (wide(before="{}.0000e+00,"), WIDE),
        (wide(before="7{},", after=",{}"), WIDE),
        ("label," + ",".join(f"t{t}" for t in STEPS) + "\n" + wide(before="1,"), WIDE),
        (lines(lambda t: f"{t},{t * t},walk", "t,a,activity\n"), [SQUARES]),
        (lines(lambda t: f"{t};{t * t};"), [SQUARES]),
        # time
        (lines(lambda t: f"2026-01-{t + 1:02},{t * t}"), [SQUARES]),
        (lines(lambda t: f"2026-{t + 1:02}-01,{t * t}", "date,a\n"), [SQUARES]),
        (lines(lambda t: f"2026-{t + 1:02},{t * t}", "month,a\n"), [SQUARES]),
        (lines(lambda t: f"2026-01-01T0{t}:00:00Z,{t * t}"), [SQUARES]),
        (lines(lambda t: f"{t}:30;{t * t}"), [SQUARES]),
        (lines(lambda t: f"2026-11-{t + 2 + 2 * (t > 4):02},{t * t}", "Date,Close\n"), [SQUARES]),
        (lines(lambda t: f"{t * t},{t / 2}", "a,b\n"), [SQUARES, HALVES]),
        # lines
        ("\r\r\n".join(f"{t * t}" for t in STEPS), [SQUARES]),
        (lines(lambda t: f"{t * t},{t / 2 if t < 9 else ''}", "a,b\n"), [SQUARES, HALVES[:9]]),
    ],
)  # fmt: skip
def test_numbers_at_their_times(text: str, wanted: list[list[float]]) -> None:
    found = read_series(text.encode())
    assert [len(one) for one in found] == [len(one) for one in wanted]
    for one, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-12)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_encodings(encoding: str) -> None:
    table = read_series_table(lines(lambda t: f"{t}\t{t * t}", "Zeit\tHöhe\n").encode(encoding))
    assert [one.tolist() for one in table.series] == [SQUARES]
    assert table.notes == ("Column 1 (Zeit) was left out: the time.",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines(lambda t: f"{t},{'' if t == 3 else t},{t * t}", "t,a,b\n"), "Line 5, column 2 is empty"),
        (",".join("" if t == 3 else str(t) for t in STEPS), "Line 1, column 4 is empty"),
        (lines(lambda t: "NA" if t < 2 else t, "v\n"), "Line 2, column 1 is “NA”"),
        (lines(lambda t: f"{t},{'#N/A' if t == 9 else t}", "t,a\n"), "Line 11, column 2 is “#N/A”"),
        (lines(lambda t: "" if t == 4 else t * t), "Line 5 is empty"),
        (lines(lambda t: f"{t} {t * t}" if t != 5 else "5", "a b\n"), "Line 7 has 1 numbers, and others have 2"),
        (lines(lambda t: f"{t},{t},{t}", "a,b\n"), "Line 2, column 3: there are 3 cells below 2 names"),
        (lines(lambda t: f"1,{t:03}"), "Line 1, column 1: the comma beside “1” may stand between"),
        (lines(lambda t: f"{t * t % 7},{t}"), "the comma beside “0” may stand between"),
        (lines(lambda t: f"120,13{t},14{9 - t}"), "the comma beside “120” may stand between"),
        (",".join(f"0,{50 + t}" for t in STEPS), "the comma beside “0” may stand between"),
        (lines(lambda t: f"{t};1,{500 + t}"), "Line 1, column 2: “1,500” may be 1.500 or 1500"),
        (lines(lambda t: f"{t};{'1,5' if t == 4 else '1.5'}"), "“1.5” has a point, and “1,5” in line 5 a comma"),
        (lines(lambda t: f"{t};{'1,5' if t < 4 else '1,234,567'}"), "“1,234,567” does not go with “1,5” in line 1"),
        (lines(lambda t: f"{t},{t}%", "t,a\n"), "Line 2, column 2: “0%” is not a number"),
        (lines(lambda t: f"{t},{t} mV", "t,a\n"), "Line 2, column 2: “0 mV” is not a number"),
        (lines(lambda t: f"1_00{t}"), "Line 1, column 1: “1_000” is not a number"),
        (lines(lambda t: t or "1_000"), "Line 1, column 1: “1_000” is not a number"),
        (lines(lambda t: f"{t},{t if t != 5 else 'bad'}", "t,a\n"), "Line 7, column 2: “bad” is not a number"),
        (lines(lambda t: t / 2 + 0.25, "2019\n"), "Line 1, column 1: “2019” is a whole number above"),
        (lines(lambda t: f"{t * t},{t + 3}", "2019,2020\n"), "“2019, 2020” may be names or values"),
        ("1," + ",".join(map(str, HALVES)), "Line 1, column 1: “1” is a whole number beside"),
        (wide(before="1,"), "Line 1, column 1: “1” is a whole number beside"),
        (",".join(map(str, HALVES)) + ",2", "Line 1, column 11: “2” is a whole number beside"),
        ("@data\n" + ",".join(map(str, HALVES)) + ",1", "Line 1 is “@data”, as in ARFF"),
        (lines(lambda t: f"{t + (t > 3)},{t * t}", "t,a\n"), "Line 6, column 1: the time goes from “3” to “5”"),
        (lines(lambda t: f"{t + (t > 3)},{t * t}.5"), "Line 5, column 1: the time goes .* names above the columns"),
        (lines(lambda t: f"2026-01-{t + 1 + (t > 3):02},{t}"), "the time goes from “2026-01-04” to “2026-01-06”"),
        (lines(lambda t: f"{t + 1:02}.01.2026;{t}"), "Line 1, column 1: “01.01.2026” is not a date like 2026-01-31"),
        (lines(lambda t: f"{t},walk", "t,activity\n"), "no numbers besides text and time"),
        ("\x00\x01\x02", "not a text file"),
    ],
)  # fmt: skip
def test_what_is_unclear_is_refused_where_it_is(text: str, message: str) -> None:
    with pytest.raises(SignalError, match=message) as caught:
        read_series(text.encode())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (
            lines(lambda t: f"{t};0,{50 + t}"),
            ("Commas are read as decimal commas.", "Column 1 was left out: the time."),
        ),
        (wide(before="{},"), ("Column 1 was left out: labels.",)),
        (
            lines(lambda t: f"{t * t + 0.5},{t / 2}", "2019,2020\n"),
            ("The line 2019, 2020 above the numbers was read as names.",),
        ),
        (lines(lambda t: f"{t * t},{t / 2 if t < 9 else ''}", "a,b\n"), ("Column 2 (b) ends in line 10.",)),
    ],
)
def test_what_was_understood_is_said(text: str, notes: tuple[str, ...]) -> None:
    assert read_series_table(text.encode()).notes == notes
