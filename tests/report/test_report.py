"""Reports: what they say, that they need nothing else, and that the same command gives the same bytes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shlex
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import cnnfix_core as cnnfix
import cnnfix_core.report as report_module
from cnnfix_core.cli.main import main
from cnnfix_core.images import load_sample
from cnnfix_core.regions.highest_density import MAP_SIDE
from cnnfix_core.report import REPORT_METHODS, PictureFile, Report, as_html, as_pdf, as_zip, make_report, pdf_layout
from cnnfix_core.report.blocks import Figure
from cnnfix_core.synthetic import HELD_OUT, compose
from cnnfix_core.zoo.provenance import digest_of
from tests.disk import room_for


@pytest.fixture(scope="module")
def network() -> cnnfix.Model:
    return cnnfix.load_model("scenes_resnet")


@pytest.fixture(scope="module")
def scene() -> cnnfix.Picture:
    return compose(HELD_OUT).picture


@pytest.fixture(scope="module")
def report(network: cnnfix.Model, scene: cnnfix.Picture) -> Report:
    return make_report(network, scene, (None, 2), cnnfix.EVIDENCE, file=PictureFile("a <b>&.png"))


class Reader(HTMLParser):
    """What a page holds, and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: bytes) -> Reader:
    reader = Reader()
    reader.feed(page.decode())
    return reader


def test_the_page_says_it_all_and_fetches_nothing(report: Report, network: cnnfix.Model) -> None:
    page = as_html(report)
    found = read(page)
    assert not {"script", "link", "iframe", "object", "b>"} & set(found.tags)
    assert all(source.startswith("data:image/jpeg;base64,") for source in found.sources)
    assert len(found.sources) == 2 + len(report.walk) + len(report.compared)
    assert "url(" not in page.decode()
    assert "default-src 'none'" in page.decode()
    assert "a <b>&.png" in found.text
    target, other = report.explanation.target, report.explanation.rather_than
    assert other
    for words in (
        f"Why “{target.label}” rather than “{other.label}”?",
        digest_of(network),
        report.picture.digest,
        report.command,
        "torch ",
        "Guided Grad-CAM",
    ):
        assert words in found.text


def test_the_walk_is_shown_in_a_few_steps_down_to_the_picture(report: Report) -> None:
    assert 3 <= len(report.walk) <= 6
    last = report.walk[-1].number
    assert report.walk[-1].title == f"Step {last} of {last}: Picture"
    assert all("of the evidence" in stop.words for stop in report.walk)
    different = {hashlib.sha256(stop.image.tobytes()).hexdigest() for stop in report.walk}
    assert len(different) == len(report.walk)


def test_the_pdf_is_one(report: Report) -> None:
    content = as_pdf(report)
    assert content.startswith(b"%PDF-1.")
    assert content.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 2
    assert content == as_pdf(report)


def test_labels_in_other_writings(report: Report) -> None:
    target = replace(report.explanation.target, label="кошка <i>& 猫")
    other = replace(report, explanation=replace(report.explanation, target=target))
    assert "кошка <i>& 猫" in read(as_html(other)).text
    assert as_pdf(other).startswith(b"%PDF")


def test_the_archive_holds_what_it_names(report: Report) -> None:
    with zipfile.ZipFile(io.BytesIO(as_zip(report))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert manifest["command"] == report.command
    assert {one.found.method for one in report.compared} == set(REPORT_METHODS)
    for one in report.compared:
        kept = np.load(io.BytesIO(files[f"maps/{one.found.method}.npy"]))
        assert (kept == one.found.map).all()
    said = json.loads(files["explanation.json"])
    assert said["target"]["index"] == report.explanation.target.index
    assert said["rather_than"]["index"] == 2
    assert said["seconds"] is None
    rows = list(csv.DictReader(io.StringIO(files["comparison.csv"].decode())))
    assert [row["method"] for row in rows] == list(REPORT_METHODS)
    assert len(files["fixations.csv"].splitlines()) == len(report.explanation.kept_fixations) + 1
    pixels = np.asarray(Image.open(io.BytesIO(files["a <b>&.png"])))
    assert (pixels == report.picture.pixels).all()


def test_the_same_command_gives_the_same_bytes_but_for_the_time(
    tmp_path: Path, scene: cnnfix.Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "scene one.png"
    Image.fromarray(scene.pixels).save(picture)
    words = ["report", str(picture), "--model", "scenes_resnet", "--focus", "sharp", "--out"]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    assert main([*words, str(tmp_path / "a.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert archive.read("scene one.png") == picture.read_bytes()
    assert manifest["made"] == "2001-09-09 01:46:40 UTC"
    # What the archive says makes it again does so.
    program, *again = shlex.split(manifest["command"])
    assert program == "cnnfix"
    monkeypatch.chdir(tmp_path)
    assert main(again) == 0
    assert (tmp_path / "report.zip").read_bytes() == (tmp_path / "a.zip").read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000001")
    assert main(again) == 0
    other = _without_time(tmp_path / "report.zip")
    assert other == _without_time(tmp_path / "a.zip")
    assert (tmp_path / "report.zip").read_bytes() != (tmp_path / "a.zip").read_bytes()


def test_the_numbers_do_not_depend_on_how_many_threads_there_are(
    model: cnnfix.Model, cat: cnnfix.Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    before = torch.get_num_threads()
    made = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            made.append(as_zip(make_report(model, cat, None, cnnfix.EVIDENCE)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert made[0] == made[1]


def _without_time(file: Path) -> dict[str, bytes]:
    """What an archive holds, without what the time is part of."""
    with zipfile.ZipFile(file) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".pdf")}
    manifest = json.loads(files["manifest.json"])
    for dated in ("report.html", "report.pdf"):
        del manifest["files"][dated]
    del manifest["made"]
    files["manifest.json"] = json.dumps(manifest).encode()
    files["report.html"] = re.sub(rb"2001-09-09 01:46:4\d UTC", b"", files["report.html"])
    return files


def test_published_with_its_crops(network: cnnfix.Model, scene: cnnfix.Picture) -> None:
    made = make_report(network, scene, None, cnnfix.PUBLISHED)
    assert "--crops five" in made.command
    assert "--focus" not in made.command
    assert as_html(made)


def test_a_network_without_a_map(scene: cnnfix.Picture) -> None:
    from torch import nn

    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4))
    model = cnnfix.Model.of(flat, preprocessing=cnnfix.Preprocessing((32, 32)))
    made = make_report(model, scene, None, cnnfix.EVIDENCE)
    assert {failed.method for failed in made.failed} >= {"gradcam", "layercam"}
    assert "Grad-CAM is left out." in read(as_html(made)).text
    assert as_zip(made)
    assert as_pdf(made)


def test_maps_are_those_of_the_other_pages(report: Report, network: cnnfix.Model, scene: cnnfix.Picture) -> None:
    asked = report.explanation.asked
    for one in report.compared:
        alone = cnnfix.attribution(network, scene, asked, one.found.method, longest_side=MAP_SIDE)
        np.testing.assert_allclose(one.found.map, alone.map, rtol=1e-4, atol=1e-6 * float(alone.map.max()))


@pytest.mark.parametrize("out", ["report.txt", "report"])
def test_an_ending_that_is_not_known(out: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "cat", "--out", out]) == 2
    assert "must end in .html, .pdf or .zip" in capsys.readouterr().err


def test_a_full_disk_is_said_and_leaves_what_was_there(
    tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report_module, "make_report", lambda *_, **__: report)
    files = [tmp_path / f"report.{kind}" for kind in ("html", "pdf", "zip")]
    words = ["report", "cat", "--model", "scenes_resnet", "--out"]
    for file in files:
        for before in (None, b"of yesterday"):
            if before:
                file.write_bytes(before)
            for room in (0, 1, 4096):
                with room_for(room):
                    assert main([*words, str(file)]) == 2
                said = capsys.readouterr().err.splitlines()[-1]
                assert said == f"cnnfix: cannot write {file}: File too large"
                assert [one.read_bytes() for one in tmp_path.iterdir()] == ([before] if before else [])
        file.unlink()
    assert main([*words, *map(str, files)]) == 0
    assert all(file.stat().st_size > 4096 for file in files)


def test_a_sample_brings_its_credit_and_the_archive_its_own_command(network: cnnfix.Model, tmp_path: Path) -> None:
    sample = load_sample("coffee")
    picture, file = cnnfix.open_picture(sample.read()), PictureFile("elsewhere/cup.png", sample.read())
    made = make_report(network, picture, None, cnnfix.PUBLISHED, file=file)
    assert made.facts["Credit"] == sample.attribution
    assert sample.attribution in as_html(made).decode()
    with zipfile.ZipFile(io.BytesIO(as_zip(made))) as archive:
        named = shlex.split(json.loads(archive.read("manifest.json"))["command"])[2]
        assert archive.read(named) == sample.read()


def test_every_page_of_the_pdf_has_its_number(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = []
    monkeypatch.setattr(pdf_layout, "_numbered", lambda canvas, document: numbers.append(document.page))
    pages = len(re.findall(rb"/Type\s*/Page\b", as_pdf(report)))
    assert numbers == list(range(1, pages + 1))


def test_html_and_pdf_share_their_figures(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    as_html(report)
    monkeypatch.setattr(Figure, "of", lambda *_: pytest.fail("drawn again"))
    as_pdf(report)
