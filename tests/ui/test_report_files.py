"""The report of an answer on Explore: one computation, progress, three files, and numbers that agree everywhere."""

from __future__ import annotations

import io
import json
import time
import zipfile

import pytest
from streamlit.testing.v1 import AppTest

from cnnfix_core import EVIDENCE, open_picture
from cnnfix_core.images import load_sample
from cnnfix_ui.server import results
from cnnfix_ui.server.jobs import Job
from cnnfix_ui.widgets import report
from tests.ui.visiting import page

ADDRESS = {"model": "scenes_resnet", "picture": "drawn-star"}


def buttons(app: AppTest) -> list[str]:
    return [one.label for one in app.get("download_button")]


def test_one_button_makes_the_report_and_then_there_are_three_files() -> None:
    app = page("explore", **ADDRESS)
    assert "Report" not in buttons(app)
    next(one for one in app.button if one.label == "Make a report").click().run()
    assert not app.exception
    until = time.monotonic() + 300
    while "Report" not in buttons(app) and time.monotonic() < until:
        app.run()
    assert {"Report", "PDF", "Everything", "Figure", "Animation", "JSON", "CSV"} <= set(buttons(app))
    app.selectbox(key="class").set_value(1).run()  # another question is another report
    assert "Report" not in buttons(app)


def test_the_files_agree_to_the_last_digit_and_progress_only_grows() -> None:
    name = ADDRESS["picture"]
    picture = open_picture(load_sample(name).read())
    network = results.Network("scenes_resnet", results.loaded("scenes_resnet"))
    explanation = results.explained(network, picture, None, EVIDENCE)
    told: list[float] = []
    job = Job("report", None, lambda _: True)
    job.report = lambda share, _=None: told.append(share)  # type: ignore[method-assign]
    files = results.report_job(network, picture, name, explanation)(job).files
    assert set(files) == {"html", "pdf", "zip"}
    assert told == sorted(told)
    assert told[-1] == 1
    with zipfile.ZipFile(io.BytesIO(files["zip"])) as archive:
        archived = json.loads(archive.read("explanation.json"))
        assert archive.read("fixations.csv").decode() == results.numbers_file(network, picture, explanation, "csv")()
        assert archive.read("report.pdf") == files["pdf"]
    assert json.loads(results.numbers_file(network, picture, explanation, "json")()) == archived


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "a few seconds"), (0.5, "about 10 s more"), (0.999, "about 1 s more")]
)
def test_how_long_it_still_takes(share: float, words: str) -> None:
    assert report.how_long(share, passed=10.0).endswith(words)
