"""The gallery: every picture is there, can be shown, is small, and says whose it is."""

import io
import re

import pytest
from PIL import Image

from cnnfix_core.images.samples import Sample, SampleError, list_samples, load_sample
from cnnfix_core.metrics import GroundTruth
from cnnfix_core.synthetic import CLASSES
from cnnfix_core.zoo.labels import imagenet_labels
from cnnfix_site import ASSETS

each_sample = pytest.mark.parametrize("sample", list_samples(), ids=lambda sample: sample.name)


def readme_row(sample: Sample) -> str:
    """The line of assets/README.md that describes the sample."""
    lines = (ASSETS / "README.md").read_text("utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith(f"| {sample.name} |")]
    return row


def test_enough_pictures_with_names_for_an_address() -> None:
    names = [sample.name for sample in list_samples()]
    assert len(names) >= 8
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)


@each_sample
def test_every_picture_is_a_decent_rgb_or_grey_photograph(sample: Sample) -> None:
    image = Image.open(io.BytesIO(sample.read()))
    image.load()
    assert image.format in {"JPEG", "PNG"}
    assert image.mode in {"RGB", "L"}
    assert min(image.size) >= 224
    assert max(image.size) <= 900


@each_sample
def test_boxes_lie_in_the_picture_and_leave_some_of_it(sample: Sample) -> None:
    width, height = Image.open(io.BytesIO(sample.read())).size
    assert sample.objects
    for one in sample.objects:
        assert one.name
        for x0, y0, x1, y1 in one.boxes:
            assert 0 <= x0 < x1 < width
            assert 0 <= y0 < y1 < height
        assert 0.005 < GroundTruth(width, height, one.boxes).covered < 0.95


@each_sample
def test_a_class_means_one_object(sample: Sample) -> None:
    classes = [label for one in sample.objects for label in (*one.classes, *one.taken_for)]
    assert len(classes) == len(set(classes)) > 0


def test_classes_that_samples_name_are_those_of_networks() -> None:
    known = {*imagenet_labels().short, *CLASSES}
    plain = {"dog", "cat", "rocket", "guitar", "coffee", "dolphin", "giraffe", "raccoon", "retina"}  # of other networks
    every = [one for sample in list_samples() for one in sample.objects]
    assert {label for one in every for label in (*one.classes, *one.taken_for)} <= known | plain


@pytest.mark.parametrize(
    ("sample", "label", "meant"),
    [
        ("cat-and-dog", "Egyptian cat", "cat"),
        ("cat-and-dog", "cocker spaniel", "dog"),
        ("guitar-and-drums", "electric guitar", "guitar"),
        ("guitar-and-drums", "drum", "drums"),
        ("telltale-tag", "fish", "tag"),
        ("telltale-tag", "heart", "heart"),
        ("spiral-and-star", "spiral", "spiral"),
        ("rocket", "drilling platform", None),
        ("cat-and-dog", "drum", None),
    ],
)
def test_the_box_follows_the_class(sample: str, label: str, meant: str | None) -> None:
    found = load_sample(sample).object_of(label)
    assert (found and found.name) == meant


def test_what_no_class_names_was_never_learnt() -> None:
    imagenet = imagenet_labels().short
    unseen = {sample.name for sample in list_samples() if sample.file.endswith(".jpg") and sample.unseen(imagenet)}
    assert unseen == {"dolphin", "giraffe", "orchestra", "pavilion", "raccoon", "retina"}
    assert load_sample("photographer").unseen(imagenet) == load_sample("photographer").objects[0]
    assert all(sample.unseen(()) for sample in list_samples())
    assert load_sample("dolphin").unseen(("dolphin",)) is None
    assert load_sample("drawn-star").unseen(CLASSES) is None
    assert Sample("new", "", "", "", "", "", "").unseen(()) is None


def test_some_samples_are_failures_that_say_so() -> None:
    assert sum(sample.note.startswith("A failure: ") for sample in list_samples()) >= 2


def test_boxes_are_tuples_and_may_be_left_out() -> None:
    assert load_sample("rocket").objects[0].boxes == ((309, 127, 334, 406),)
    assert Sample("new", "", "", "", "", "", "").objects == ()


@each_sample
def test_every_entry_is_complete(sample: Sample) -> None:
    assert all([sample.title, sample.note, sample.credit, sample.licence, sample.source, sample.file])
    assert len(sample.title) <= 20  # fits a tile


@each_sample
def test_readme_says_the_same(sample: Sample) -> None:
    row = readme_row(sample)
    assert f"| {sample.credit} |" in row
    assert f"| {sample.licence} |" in row
    assert sample.source in row


def test_shipped_files_are_small_and_all_listed() -> None:
    files = sorted((ASSETS / "samples").iterdir())
    assert files == sorted(ASSETS / sample.file for sample in list_samples())
    sizes = [file.stat().st_size for file in files]
    assert max(sizes) < 500_000
    assert sum(sizes) < 2_700_000


def test_a_sample_is_found_by_its_name() -> None:
    first = list_samples()[0]
    assert load_sample(first.name) is first


@pytest.mark.parametrize("name", ["lena", "", "../samples.json"])
def test_an_unknown_name_is_told_the_known_ones(name: str) -> None:
    with pytest.raises(SampleError, match="chameleon, cat-and-dog"):
        load_sample(name)
