"""Signals: reading tables, the network for shoulder exercises, and evidence along time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cnnfix_core.arrays import Floats
from cnnfix_core.errors import ModelError
from cnnfix_core.modalities.timeseries import (
    SignalError,
    SignalModel,
    explain_signal,
    load_signal_model,
    read_series,
    shipped,
    signal_words,
)
from cnnfix_core.modalities.timeseries.shipped import signal_samples
from cnnfix_core.zoo import Labels

TEN = [float(n * n) for n in range(10)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (",".join(map(str, TEN)), [TEN]),
        ("\n".join(map(str, TEN)), [TEN]),
        ("value\n" + "\n".join(map(str, TEN)), [TEN]),
        ("time;a;b\n" + "\n".join(f"{n};{v};{-v}" for n, v in enumerate(TEN)), [TEN, [-v for v in TEN]]),
        ("  ".join(map(str, TEN)) + "\n" + "  ".join(map(str, TEN[::-1])), [TEN, TEN[::-1]]),
    ],
)
def test_tables(text: str, wanted: list[list[float]]) -> None:
    found = read_series(text.encode())
    assert [one.tolist() for one in found] == wanted


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no numbers"),
        (b"\xff\xfe\x00", "not a text file"),
        (b"1,2,3", "8 to 100,000 numbers"),
        (b"1\n2\n3\nfour\n5\n6\n7\n8\n9", "Line 4"),
        (b"1,2,nan,4,5,6,7,8", "missing or infinite"),
        (b"1,2,1e999,4,5,6,7,8", "missing or infinite"),
        (b"1," * 3_000_000, "larger than 5 MB"),
        (b"1 2 3 4 5 6 7 8\n" * 3 + b"a", "Line 4"),
    ],
)
def test_files_that_are_no_series(content: bytes, message: str) -> None:
    with pytest.raises(SignalError, match=message):
        read_series(content)


def test_evidence_along_time_adds_up_and_lies_where_the_network_looks() -> None:
    """A network that looks at the 20 steps from 60 on."""

    class Looks(nn.Module):
        def forward(self, series: torch.Tensor) -> torch.Tensor:
            part = series[:, 0, 60:80].mean(dim=1)
            return torch.stack([part, -part], dim=1)

    model = SignalModel("looks", "Looks", Looks(), Labels.of(("up", "down")), 100, "here", "none")
    series = np.sin(np.arange(400) / 40)
    found = explain_signal(model, series)
    assert found.evidence.shape == (400,)
    assert found.evidence.sum() == pytest.approx(1)
    reached = np.flatnonzero(found.evidence)
    assert 238 <= reached.min() < reached.max() <= 322
    assert found.density().sum() == pytest.approx(1)
    assert found.cam is None


def test_the_network_knows_the_samples() -> None:
    """The card: all 150 test series; those in the repository are of them."""
    model = load_signal_model()
    assert shipped.weights().stat().st_size < 1_000_000
    for sample in signal_samples():
        found = explain_signal(model, sample.series)
        assert found.target.index == sample.label
        assert found.evidence.sum() <= 1 + 1e-9
        assert found.cam is not None
        assert found.cam.min() >= 0
    assert len(signal_samples()) == 12


def test_the_class_activation_map_is_the_score() -> None:
    """Zhou et al. 2016: before the cut at 0, the map's mean and the bias are the class's score."""
    model, sample = load_signal_model(), signal_samples()[0]
    maps = model.module.features(model.inputs(sample.series))[0]  # type: ignore[operator]
    linear = model.module.linear
    whole = linear.weight @ maps  # type: ignore[operator]
    found = explain_signal(model, sample.series, "rowing")
    assert found.target.score == pytest.approx(float(whole[3].mean() + linear.bias[3]), abs=1e-4)  # type: ignore[index]
    np.testing.assert_allclose(found.cam, whole[3].clamp_min(0).numpy(), atol=1e-5)


def test_longer_and_constant_series() -> None:
    model, sample = load_signal_model(), signal_samples()[0]
    longer = np.repeat(sample.series, 3) * 7 + 100
    found = explain_signal(model, longer)
    assert found.target.index == sample.label
    assert len(found.evidence) == len(longer)
    assert float(model.inputs(np.full(50, 3.3)).abs().max()) == 0
    with pytest.raises(SignalError, match="8 to 100,000"):
        explain_signal(model, [1.0, 2.0])


STEPS = np.arange(150)


@pytest.mark.parametrize(
    "series",
    [
        np.sin(STEPS / 3),
        np.sin(STEPS / 30),
        STEPS.astype(float),
        np.full(150, 3.3),
        np.random.default_rng(0).standard_normal(150),
        np.random.default_rng(1).standard_normal(150).cumsum(),
        (STEPS > 75).astype(float),
        (STEPS % 30 == 0).astype(float),
    ],
    ids=["sine", "slow sine", "ramp", "flat", "noise", "random walk", "step", "pulses"],
)
def test_a_series_unlike_all_that_was_learnt_is_unknown(series: Floats) -> None:
    model = load_signal_model()
    assert not model.knows(series)
    found = explain_signal(model, series)
    assert not found.known
    assert signal_words(found).startswith("This series is unlike all that the network learnt from")


def test_the_samples_are_known() -> None:
    model = load_signal_model()
    assert all(model.knows(one.series) for one in signal_samples())
    assert all(explain_signal(model, one.series).target.index == one.label for one in signal_samples())


def test_a_network_that_nobody_measured_knows_every_series() -> None:
    assert replace(load_signal_model(), likeness=None).knows(STEPS)


def test_a_flat_series_keeps_its_prediction_and_has_no_evidence() -> None:
    found = explain_signal(load_signal_model(), np.full(50, 3.3))
    assert found.predictions[0] == found.target
    assert not found.evidence.any()
    assert not found.density().any()
    assert "The series is flat" in signal_words(found)
    assert "Half of the evidence" not in signal_words(found)


def test_files_that_are_missing_or_damaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    with pytest.raises(ModelError, match="missing from assets/signals"):
        load_signal_model()
    (tmp_path / "exercises-01234567.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="damaged"):
        load_signal_model()


def test_any_module_can_be_asked() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv1d(1, 4, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 3)
    )
    model = SignalModel("own", "Own", module.eval(), Labels.of("abc"), 64, "here", "none")
    found = explain_signal(model, np.cos(np.arange(64) / 5), ("a", "b"))
    assert found.rather_than is not None
    assert found.rather_than.label == "b"
