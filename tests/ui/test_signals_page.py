"""The Signals page for a time series, without a browser."""

import io
import re
from functools import partial

import numpy as np
import pytest

from cnnfix_core.modalities.timeseries import explain_signal, load_signal_model
from cnnfix_core.modalities.timeseries.files import signal_csv, signal_json, signal_words
from cnnfix_core.modalities.timeseries.shipped import signal_samples
from cnnfix_ui.signals.series import _figure
from cnnfix_ui.widgets import presenting
from tests.ui.visiting import headings, page

visit = partial(page, "signals")


def table(*names: str) -> bytes:
    series = {one.name: one.series for one in signal_samples()}
    buffer = io.StringIO()
    np.savetxt(buffer, [series[name] for name in names], delimiter=",")
    return buffer.getvalue().encode()


def test_a_sample_is_explained() -> None:
    app = visit(series="rowing-2")
    assert not app.exception
    assert not app.error
    assert "Why “rowing”?" in headings(app)
    assert any("strongest at moment" in one.value for one in app.markdown)


def test_titles_in_the_chart_grow_with_the_presenter_view(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = signal_samples()[0]
    found = explain_signal(load_signal_model(), sample.series)
    for on, size in ((False, 14), (True, 18)):
        monkeypatch.setattr(presenting, "is_on", lambda on=on: on)
        assert {one.font.size for one in _figure(found).layout.annotations} == {size}


def test_the_chart_writes_percentages_as_all_texts_do() -> None:
    found = explain_signal(load_signal_model(), np.eye(1, 200, 90)[0])
    told = [one.customdata for one in _figure(found).data if "customdata" in (one.hovertemplate or "")]
    assert len(told) == 3
    assert all(re.fullmatch(r"\d\.\d %|0\.\d\d+ %|\d\d+ %|0 %|< 0\.01 %", words) for all_ in told for words in all_)


def test_a_table_is_sent() -> None:
    app = visit()
    content = table("rowing-1", "arm-raised-1")
    app.file_uploader(key="signals.table.upload").upload("two.csv", content, "text/csv").run()
    assert not app.exception
    assert "Why “rowing”?" in headings(app)
    app.number_input(key="row").set_value(2).run()
    assert "Why “arm raised”?" in headings(app)
    assert app.query_params["row"] == "2"
    app.file_uploader(key="signals.table.upload").upload("no.csv", b"a,b\nc,d", "text/csv").run()
    assert "no numbers" in app.error[0].value
    assert "Why “arm raised”?" in headings(app)  # nothing is lost


def test_an_address_from_elsewhere() -> None:
    app = visit(series="own", row="7", **{"class": "300", "than": "2"})
    assert not app.exception
    assert not app.error
    assert "Why “arm raised”?" in headings(app)


def test_from_a_clip_to_a_series() -> None:
    app = visit(kind="clip", clip="growing", **{"class": "5"})
    assert "Why “shrinking”?" in headings(app)
    app.segmented_control(key="kind").set_value("series").run()
    assert not app.exception
    assert "Why “arm raised”?" in headings(app)


def test_files_to_keep() -> None:
    found = explain_signal(load_signal_model(), signal_samples()[0].series)
    rows = np.genfromtxt(io.StringIO(signal_csv(found)), delimiter=",", names=True)
    assert rows["evidence"].sum() == pytest.approx(found.evidence.sum(), rel=1e-4)
    assert '"label": "arm raised"' in signal_json(found)
    assert "Half of the class activation map lies on" in signal_words(found)
