"""Means with intervals, and the tables' text, on numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from cnnfix_core.benchmark.results import BenchmarkRow
from cnnfix_core.benchmark.runner import UnusableMethod
from cnnfix_core.benchmark.statistics.measures import MEASURES, OF_PAIRS, Measure
from cnnfix_core.benchmark.statistics.summary import methods_of, summary
from cnnfix_core.benchmark.statistics.tables import tables
from cnnfix_core.metrics.bootstrap import RESAMPLES, interval, resampled_means

ENERGY = next(measure for measure in MEASURES if measure.title.startswith("Energy"))
NAN = float("nan")


def row(method: str, picture: int, model: str = "net", **values: float | str) -> BenchmarkRow:
    numbers: dict[str, float | str] = {"covered": 0.2, "label": "cat", **values}
    return BenchmarkRow(model=model, picture=f"p{picture}", method=method, **numbers)  # type: ignore[arg-type]


def rows(model: str = "net", **energies: list[float]) -> list[BenchmarkRow]:
    return [row(name, n, model, energy=value) for name, values in energies.items() for n, value in enumerate(values)]


# --- the bootstrap ----------------------------------------------------------------------------------------------------


def test_a_resampled_mean_of_zeros_and_ones_is_binomial() -> None:
    """Drawing n of n pictures, of which a share p are hits, gives Binomial(n, p) / n: known exactly."""
    n, hits = 40, 10
    values = np.repeat([1.0, 0.0], [hits, n - hits])[:, None]
    means = resampled_means(values, np.arange(n))
    assert means.shape == (RESAMPLES, 1)
    found = interval(values[:, 0], means[:, 0])
    exact = binom.ppf((0.025, 0.975), n, hits / n) / n
    assert (found.mean, found.count) == (0.25, n)
    assert (found.low, found.high) == pytest.approx(exact, abs=1.01 / n)
    assert means.std() == pytest.approx(np.sqrt(0.25 * 0.75 / n), rel=0.1)


def test_one_value_and_equal_values_have_no_spread() -> None:
    for values in (np.array([0.3]), np.full(7, 0.3)):
        means = resampled_means(values[:, None], np.arange(len(values)))
        found = interval(values, means[:, 0])
        assert (found.mean, found.low, found.high) == pytest.approx((0.3, 0.3, 0.3))


def test_missing_values_are_left_out() -> None:
    values = np.array([[1.0, NAN], [1.0, 3.0], [NAN, NAN], [1.0, 3.0]])
    means = resampled_means(values, np.arange(4))
    first, second = (interval(values[:, n], means[:, n]) for n in range(2))
    assert (first.mean, first.low, first.high, first.count) == (1, 1, 1, 3)
    assert (second.mean, second.low, second.high, second.count) == (3, 3, 3, 2)
    nothing = interval(np.array([NAN]), np.array([NAN]))
    assert nothing.count == 0
    assert np.isnan(nothing.mean)


def test_the_labels_of_a_picture_are_drawn_together() -> None:
    """Two pictures, one with nine labels: a mean is that of either picture or of both, nothing between."""
    values = np.array([1.0] + [0.0] * 9)[:, None]
    means = resampled_means(values, np.array([0] + [1] * 9))
    assert set(np.round(means[:, 0], 6)) == {0.0, 0.1, 1.0}


def test_columns_are_drawn_alike_and_seeds_differ() -> None:
    values = np.random.default_rng(0).random((30, 1))
    both = resampled_means(np.hstack([values, values + 1]), np.arange(30))
    np.testing.assert_allclose(both[:, 1] - both[:, 0], 1)
    np.testing.assert_array_equal(resampled_means(values, np.arange(30), 5), resampled_means(values, np.arange(30), 5))
    assert not np.array_equal(resampled_means(values, np.arange(30), 5), both[:, [0]])


# --- cells ------------------------------------------------------------------------------------------------------------


def test_baselines_stand_last() -> None:
    assert methods_of(rows(random=[0], cam=[0], centre=[0], rise=[0])) == ("cam", "rise", "centre", "random")


def test_the_best_is_marked_only_where_every_difference_is_clear() -> None:
    spread = list(np.linspace(0, 1, 20))
    better = [value + 0.05 for value in spread]  # always by the same: clear, though the intervals overlap widely
    cells = summary(rows(a=spread, b=better), ENERGY, against="a").cells
    assert not cells["net", "a"].clear
    assert cells["net", "b"].clear
    against = cells["net", "b"].against
    assert against is not None
    assert (against.mean, against.low, against.high) == pytest.approx((5, 5, 5))
    assert against.excludes_zero
    noisy = [value + (0.3 if n % 2 else -0.28) for n, value in enumerate(spread)]
    cells = summary(rows(a=spread, b=noisy), ENERGY, against="a").cells
    assert not any(cell.clear for cell in cells.values())
    assert cells["net", "b"].against is not None
    assert not cells["net", "b"].against.excludes_zero


def test_few_values_have_no_interval_and_win_nothing() -> None:
    for count in (1, 5, 6):
        found = rows(a=[0.1] * count, b=[0.9] * count)
        cell = summary(found, ENERGY).cells["net", "b"]
        assert cell.clear == cell.value.known == (count == 6)
        assert (f"90.0 (of {count})" in tables(found)) == (count < 6)


def test_lower_is_better_where_it_is() -> None:
    values = [row(name, n, deletion=base + n / 100) for name, base in (("a", 0.5), ("b", 0.1)) for n in range(9)]
    deletion = next(measure for measure in MEASURES if measure.title == "Deletion")
    cells = summary(values, deletion).cells
    assert [cells["net", name].clear for name in "ab"] == [False, True]


def test_a_method_alone_is_not_the_best() -> None:
    assert not summary(rows(a=[1, 2, 3]), ENERGY).cells["net", "a"].clear


@pytest.mark.parametrize(
    ("title", "values", "shown"),
    [
        ("Localization error, top-1, %", {"loc_top1": 0.0}, 100),
        ("Localization error, class given, %", {"loc_given": 1.0}, 0),
        ("Pointing: peak inside, %", {"peak": 1.0}, 100),
        ("Energy inside, %", {"energy": 0.25}, 25),
        ("Energy on the other object, %", {"other": 0.25}, 25),
        ("Insertion", {"insertion": 0.25}, 0.25),
        ("Deletion", {"deletion": 0.25}, 0.25),
        ("Seconds per map, median", {"seconds": 0.25}, 0.25),
    ],
)
def test_every_measure_reads_its_own_number(title: str, values: dict[str, float], shown: float) -> None:
    measure: Measure = next(one for one in MEASURES if one.title == title)
    cell = summary([row("cam", 0, **values)], measure).cells["net", "cam"]
    assert cell.value.mean == pytest.approx(shown)
    others = [one for one in MEASURES if one is not measure]
    assert not any(summary([row("cam", 0, **values)], one).cells["net", "cam"].value.count for one in others)


# --- text -------------------------------------------------------------------------------------------------------------


def test_the_table_of_one_model() -> None:
    values = rows(gradcam=[0.5] * 6, centre=[0.25] * 6)
    values += [row("gradcam", 6, error="It broke."), row("gradcam", 7, error="It broke.")]
    text = tables(values, [UnusableMethod("net", "cam", "There is no such layer.")])
    lines = text.splitlines()
    assert lines[0].startswith("6 pictures and labels; the ground truth covers 20 % of them on average (median 20 %).")
    assert lines[2:6] == [
        "|  | Energy inside, % (higher is better) |",
        "| --- | ---: |",
        "| Grad-CAM | **50.0** (50.0 to 50.0) |",
        "| Centre | 25.0 (25.0 to 25.0) |",
    ]
    assert lines[7:] == [
        "- CAM cannot be used with net. There is no such layer.",
        "- Missing on net, with Grad-CAM: p6 and 1 more. It broke.",
    ]


def test_tables_of_several_models_with_gaps_and_differences() -> None:
    values = rows("one", gradcam=[0.5] * 6, random=[0.1] * 6) + rows("two", random=[0.2] * 6)
    text = tables(values, against="random")
    assert "| Grad-CAM | **50.0** (50.0 to 50.0) | – |" in text
    assert "| Random | 10.0 (10.0 to 10.0) | 20.0 (20.0 to 20.0) |" in text
    assert "Differences from Random" in text
    assert "| Grad-CAM | **+40.0** (+40.0 to +40.0) | – |" in text


def test_small_objects_have_tables_of_their_own_where_others_are_large() -> None:
    """Exactly half of the picture is not small; where all are small, or all large, there is one table."""
    sizes = (0.1, 0.2, 0.48, 0.5, 0.9, NAN)
    values = [row("cam", n, energy=n / 10, covered=covered) for n, covered in enumerate(sizes)]
    whole, _, small = tables(values).partition("### Objects under 50 % of the picture\n\n")
    assert "| CAM | 25.0 (" in whole
    assert "| CAM | 10.0 (of 3) |" in small
    assert small.startswith("3 pictures and labels; the ground truth covers 26 % of them on average (median 20 %).")
    assert "Objects under" not in tables(values[:3])
    assert "Objects under" not in tables(values[3:])


def test_only_what_was_asked_is_shown_and_a_contrast_is_a_question_of_its_own() -> None:
    values = [row("cam", n, energy=0.5, other=other, deletion=0.1) for n, other in enumerate((0.25, 0.75))]
    contrast = [row("cam", n, rather_than="dog", energy=1.0, other=0.0) for n in range(2)]
    text = tables(values, measures=OF_PAIRS)
    heads = "|  | Energy inside, % (higher is better) | Energy on the other object, % (lower is better) |"
    assert text.splitlines()[2] == heads
    assert "| CAM | 50.0 (of 2) | 50.0 (of 2) |" in text
    assert "| CAM | 75.0 (of 4) | 25.0 (of 4) |" in tables(values + contrast, measures=OF_PAIRS)


def test_tables_of_nothing_but_errors() -> None:
    text = tables([row("gradcam", 0, error="No good.")])
    assert text.splitlines()[0] == "No row has numbers."
    assert "Missing on net, with every method: p0. No good." in text
