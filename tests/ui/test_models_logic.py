"""The Models page's logic, and Explore with any network, without a browser."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import streamlit.config
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

from cnnfix_core import EVIDENCE, list_models, load_model, open_picture
from cnnfix_core.batch import UploadedPicture
from cnnfix_core.images import list_samples
from cnnfix_core.report import PictureFile
from cnnfix_core.zoo import DEFAULT, FileOptions, architectures, open_tried
from cnnfix_core.zoo.sources.torchvision import PublishedWeights
from cnnfix_core.zoo.untrusted import apart
from cnnfix_core.zoo.untrusted.program import Program
from cnnfix_site import hosting
from cnnfix_ui.backtrack import files
from cnnfix_ui.batch.entries import entries
from cnnfix_ui.server import questions, results
from cnnfix_ui.server.cache import Cache
from cnnfix_ui.server.turns import turns
from cnnfix_ui.widgets import own_model

ROOT = Path(__file__).parents[2]
SMALL = "shufflenet_v2_x0_5"
LABELS = b"cat\ndog\nfox\nowl\ncarp\n"


def opened(page: str = "models", **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "cnnfix_ui" / "main.py"), default_timeout=60)
    app.query_params.update(address)
    return go(app.run() if page == "explore" else app, page)


def go(app: AppTest, page: str) -> AppTest:
    return app.switch_page(f"../pages/{page}.py").run()


def headings(app: AppTest) -> list[str]:
    assert not app.exception
    return [heading.value for heading in app.header]


def said(app: AppTest) -> str:
    """All sentences in boxes and paragraphs, without the escapes."""
    boxes = [*app.error, *app.warning, *app.success, *app.info, *app.markdown, *app.caption]
    return "\n".join(box.value for box in boxes).replace("\\", "")


def button(app: AppTest, label: str, last: bool = False) -> AppTest:
    found = [button for button in app.button if button.label == label]
    return found[-1 if last else 0].click().run()


def saved(thing: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def weights() -> bytes:
    """Random ones, for five classes."""
    return saved(architectures.build(SMALL, 5).state_dict())


@pytest.fixture(scope="module")
def program() -> bytes:
    """A network of four classes for pictures of 64 x 96 pixels; its size and classes are in the file."""
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)).eval()
    return exported(net, 64, 96)


def exported(net: nn.Module, height: int, width: int) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(net, (torch.rand(1, 3, height, width),)), buffer)
    return buffer.getvalue()


def send(app: AppTest, name: str, content: bytes, architecture: str | None, labels: bytes | None = None) -> AppTest:
    """Fill the form, and press Check."""
    app.get("file_uploader")[0].upload(name, content, "application/octet-stream")
    if labels is not None:
        app.get("file_uploader")[1].upload("labels.txt", labels, "text/plain")
    app.selectbox(key="own.architecture").set_value(architecture).run()
    return button(app, "Check")


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_table_lists_every_network_with_its_state() -> None:
    results.loaded(DEFAULT)
    app = opened()
    table = app.dataframe[0].value
    assert list(table["Network"]) == [info.title for info in list_models()]
    assert table["State"][0] == "Loaded"
    assert {"Ready", "Loaded", "Not here"} >= set(table["State"])
    vgg = table[table["Network"] == "VGG-16"].iloc[0]
    assert (round(vgg["Accuracy"], 1), round(vgg["Parameters"], 1), round(vgg["Size"])) == (71.6, 138.4, 553)
    assert headings(app)[0] == "EfficientNet-Lite0"


def test_a_network_that_others_use_cannot_be_unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    results.loaded(DEFAULT)
    monkeypatch.setattr(hosting, "is_local", lambda _: False)
    assert "Unload" not in [one.label for one in opened().button]


def test_unload_and_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "is_local", lambda _: True)
    results.loaded(DEFAULT)
    app = button(opened(), "Unload")
    assert DEFAULT not in results.models.cached_keys()
    assert app.dataframe[0].value["State"][0] == "Ready"
    app = button(app, "Load")
    assert DEFAULT in results.models.cached_keys()
    assert app.dataframe[0].value["State"][0] == "Loaded"


def test_without_a_connection_the_sentence_names_file_and_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    nowhere = "http://127.0.0.1:9/vgg16-397923af.pth"  # nobody listens there
    monkeypatch.setattr(PublishedWeights, "_url", property(lambda _: nowhere))
    app = opened()
    app.session_state["catalogue.row"] = [info.name for info in list_models()].index("vgg16")
    app.run()
    assert headings(app)[0] == "VGG-16"
    assert next(b for b in app.button if b.label == "Explore with this network").disabled
    app = button(app, "Load")
    assert "vgg16-397923af.pth (553 MB)" in said(app)
    assert str(tmp_path / "checkpoints") in said(app)
    assert not list(tmp_path.rglob("*.pth"))
    assert "Why “African chameleon”?" in headings(go(app, "explore"))  # everything else goes on


def test_weights_are_downloaded_loaded_and_explored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    address = published(tmp_path)
    monkeypatch.setattr(PublishedWeights, "_url", property(lambda _: address))
    names = [info.name for info in list_models()]
    info = list_models()[names.index(SMALL)]
    asked = {"model": SMALL, "picture": "cat", "class": "281"}
    app = opened("explore", **asked)
    assert (
        f"{info.title} is not on this machine yet: load it on the Models page. EfficientNet-Lite0 is used instead."
        in said(app)
    )
    assert app.selectbox(key="model").value == DEFAULT
    assert "Why “tabby”?" in headings(app)  # the same classes
    app = opened()
    app.session_state["catalogue.row"] = names.index(SMALL)
    app = button(app.run(), "Load")
    assert not app.error
    assert app.dataframe[0].value["State"][names.index(SMALL)] == "Loaded"
    assert PublishedWeights(SMALL).path.is_file()
    app = button(app, "Explore with this network")
    assert app.selectbox(key="model").value == SMALL
    app = opened("explore", **asked)
    assert "not on this machine" not in said(app)
    assert "Why “tabby”?" in headings(app)
    results.models.remove(SMALL)


def published(folder: Path) -> str:
    """An address of weights in the published format, under a name that their content bears out."""
    content = saved(architectures.build(SMALL).state_dict())
    file = folder / f"{SMALL}-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    file.write_bytes(content)
    return file.as_uri()


def test_explore_with_it_keeps_the_picture() -> None:
    app = opened("explore", picture="cat", focus="sharp")
    app = button(go(app, "models"), "Explore with this network")
    assert "Why “Egyptian cat”?" in headings(app)
    assert app.selectbox(key="focus").value == "sharp"


def test_more_networks_leads_to_models_and_nothing_is_lost() -> None:
    app = opened("explore", picture="cat", **{"class": "281"})
    app.selectbox(key="model").set_value("more").run()
    assert "Your own model" in headings(app)
    app = go(app, "explore")
    assert app.selectbox(key="model").value == DEFAULT
    assert "Why “tabby”?" in headings(app)


# --- one's own --------------------------------------------------------------------------------------------------------


def test_weights_with_labels(weights: bytes) -> None:
    app = send(opened(), "pets.pth", weights, SMALL, LABELS)
    assert "pets.pth: 5 classes, pictures of 224 × 224 pixels, 0.35 million parameters" in said(app)
    assert "This network works: every step can be followed" in said(app)
    app = button(app, "Explore with this network", last=True)
    assert app.selectbox(key="model").value == "own"
    assert set(app.selectbox(key="class").options) == {"cat", "dog", "fox", "owl", "carp"}
    assert any(heading.startswith("Why “") for heading in headings(app))
    assert not app.error


def test_a_program_brings_size_and_classes(program: bytes) -> None:
    app = send(opened(), "small.pt2", program, None)
    assert "small.pt2: 4 classes, pictures of 96 × 64 pixels" in said(app)
    app = button(app, "Explore with this network", last=True)
    assert app.selectbox(key="class").options == [f"class {n}" for n in range(4)]
    assert not app.error


def test_classes_are_forgotten_with_other_labels_alone(weights: bytes) -> None:
    app = go(send(opened(), "pets.pth", weights, SMALL, LABELS), "explore")
    app.selectbox(key="class").set_value(281).run()
    app.selectbox(key="model").set_value("own").run()
    assert app.selectbox(key="class").value is None
    app.selectbox(key="class").set_value(3).run()
    assert "Why “owl”?" in headings(app)
    app.selectbox(key="model").set_value(DEFAULT).run()
    assert app.selectbox(key="class").value is None
    assert "Why “African chameleon”?" in headings(app)


class Command:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize(
    ("architecture", "labels", "complaint"),
    [
        (None, None, "give the architecture"),
        ("resnet18", None, "do not fit resnet18"),
        ("timm/lcnet_050", None, "none of the weights of timm/lcnet_050"),
        (SMALL, b"cat\ndog", "There are 2 labels, but pets.pth has 5 classes"),
        (SMALL, b"\xff\xfe", "not text"),
    ],
)
def test_a_wrong_form_is_answered_in_a_sentence_and_nothing_is_lost(
    weights: bytes, architecture: str | None, labels: bytes | None, complaint: str
) -> None:
    app = send(opened(), "pets.pth", weights, architecture, labels)
    (error,) = app.error
    assert complaint in error.value.replace("\\", "")
    assert app.get("file_uploader")[0].value.name == "pets.pth"
    app.get("file_uploader")[1].upload("labels.txt", LABELS, "text/plain")
    app.selectbox(key="own.architecture").set_value(SMALL).run()
    app = button(app, "Check")
    assert "This network works: every step can be followed" in said(app)
    assert not app.error


def test_a_hostile_file_runs_nothing_and_the_checked_model_stays(weights: bytes, tmp_path: Path) -> None:
    app = send(opened(), "pets.pth", weights, SMALL)
    for content in (saved({"weight": Command(tmp_path / "ran")}), pickle.dumps(Command(tmp_path / "ran"))):
        app = send(app, "hostile.pth", content, SMALL)
        assert "hostile.pth" in app.error[0].value.replace("\\", "")
        assert "reference" not in app.error[0].value  # it was foreseen
    assert not (tmp_path / "ran").exists()
    assert "pets.pth: 5 classes" in said(app)


def test_preprocessing_by_hand(weights: bytes) -> None:
    app = opened()
    app.selectbox(key="own.architecture").set_value(SMALL).run()
    assert "224 × 224 pixels, mean 0.485, 0.456, 0.406" in said(app)
    app.toggle(key="own.by_hand").set_value(True).run()
    app.number_input(key=f"own.{SMALL}.height").set_value(96)
    app.number_input(key=f"own.{SMALL}.width").set_value(128)
    app.text_input(key=f"own.{SMALL}.mean").set_value("0.5; 0.5").run()
    assert "The mean is (0.5, 0.5); give three numbers, for red, green, blue." in said(app)
    app.text_input(key=f"own.{SMALL}.mean").set_value("0.5, 0.5, 0.5").run()
    app = send(app, "pets.pth", weights, SMALL)
    assert "pictures of 128 × 96 pixels" in said(app)


def test_scores_and_channels_can_be_said(program: bytes) -> None:
    app = send(opened(), "small.pt2", program, None)
    assert "pictures in red, green and blue. Its scores become probabilities by a softmax" in said(app)
    app.selectbox(key="own.meaning").set_value("sigmoid")
    app.text_input(key="own.scores").set_value("3").run()
    app = button(app, "Check")
    assert "The network returns no 3" in app.error[0].value.replace("\\", "")
    app.text_input(key="own.scores").set_value("0")
    app.toggle(key="own.by_hand").set_value(True).run()
    app.text_input(key="own.None.channels").set_value("grey, grey, none").run()
    app = button(app, "Check")
    assert "in grey and grey; 1 channel is empty. Its scores, its output 0, become probabilities by a sigmoid" in said(
        app
    )


class WithoutRule(nn.Module):
    """Has an operation for which there is no rule."""

    def __init__(self) -> None:
        super().__init__()
        self.cut, self.head = nn.Conv2d(3, 8, 3, 2), nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(self.cut(x).logcumsumexp(1).mean((2, 3)))
        return scores


def test_where_walks_stop_is_said_before_and_after() -> None:
    app = send(opened(), "stops.pt2", exported(WithoutRule().eval(), 32, 32), None)
    assert "Walks stop at operations without a rule" in said(app)
    assert "aten.logcumsumexp" in app.dataframe[1].value["Walks stop at"][0]
    app = button(app, "Explore with this network", last=True)
    assert "logcumsumexp" in app.error[0].value
    assert app.selectbox(key="class").options == [f"class {n}" for n in range(4)]


def test_without_feature_maps_there_are_fixations_alone() -> None:
    app = send(opened(), "linear.pt2", exported(nn.Sequential(nn.Flatten(), nn.Linear(3072, 3)).eval(), 32, 32), None)
    app = button(app, "Explore with this network", last=True)
    assert "Grad-CAM is not available. The network has no feature map" in said(app)
    assert not app.error


def test_an_own_model_belongs_to_its_visitor_and_can_be_removed(weights: bytes) -> None:
    before = results.models.cached_keys()
    app = button(send(opened(), "pets.pth", weights, SMALL, LABELS), "Explore with this network", last=True)
    assert "own" not in opened("explore").selectbox(key="model").options
    stranger = opened("explore", model="own", **{"class": "3"})
    assert "Your own model was deleted when its page was closed" in said(stranger)
    assert "Why “African chameleon”?" in headings(stranger)  # not class 3 of other labels
    app = button(go(app, "models"), "Remove")
    assert "5 classes" not in said(app)
    assert "Your own model was deleted when its page was closed" in said(go(app, "explore"))
    assert results.models.cached_keys() == before


def test_other_files_and_settings_have_other_keys() -> None:
    first = own_model.CheckRequest("a.pth", b"one", SMALL, None, None)
    others = [
        own_model.CheckRequest("a.pth", b"two", SMALL, None, None),
        own_model.CheckRequest("a.pth", b"one", "resnet18", None, None),
        own_model.CheckRequest("a.pth", b"one", SMALL, b"", None),
        own_model.CheckRequest("a.pth", b"one", SMALL, None, load_model().preprocess),
    ]
    assert len({request.key for request in (first, *others)}) == 5


@pytest.fixture
def public() -> Iterator[None]:
    """A server that others can reach."""
    before = streamlit.config.get_option("server.address")
    streamlit.config.set_option("server.address", "0.0.0.0")
    yield
    streamlit.config.set_option("server.address", before)


@pytest.mark.usefixtures("public")
def test_on_a_public_server_own_models_are_off_until_turned_on(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()
    assert not app.get("file_uploader")
    assert "Own models are turned off on this server" in said(app)
    assert "cnnfix app --own-models" in said(app)
    monkeypatch.setenv("CNNFIX_OWN_MODELS", "1")
    app.run()
    assert len(app.get("file_uploader")) == 2


# --- the networks in memory -------------------------------------------------------------------------------------------


def test_the_shelf_lets_go_what_was_not_asked_for_longest() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name * 10

    cache: Cache[str, str] = Cache(21, len)
    for name in ("a", "b", "a", "c"):
        assert cache.get(name, lambda name=name: make(name)) == name * 10
    assert cache.cached_keys() == {"a", "c"}
    assert made == ["a", "b", "c"]
    assert cache.get("large", lambda: "x" * 99) == "x" * 99  # even one that is too large can be had
    assert cache.cached_keys() == {"large"}
    cache.remove("large")
    assert not cache.cached_keys()


def test_of_many_who_want_one_thing_at_once_one_makes_it() -> None:
    made: list[object] = []

    def make() -> object:
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    cache: Cache[str, object] = Cache(1, lambda _: 1)
    with ThreadPoolExecutor(8) as visitors:
        things = list(visitors.map(lambda _: cache.get("one", make), range(8)))
    assert len(made) == 1
    assert all(thing is made[0] for thing in things)


def test_what_cannot_be_made_is_tried_again() -> None:
    cache: Cache[str, str] = Cache(9, len)

    def fail() -> str:
        raise ValueError("not now")

    with pytest.raises(ValueError, match="not now"):
        cache.get("a", fail)
    assert cache.get("a", lambda: "b") == "b"


# --- on a server that others can reach --------------------------------------------------------------------------------


@pytest.mark.usefixtures("public")
@pytest.mark.skipif(not apart.possible(), reason="this system cannot fork")
def test_on_a_public_server_own_models_compute_in_another_process(
    monkeypatch: pytest.MonkeyPatch, program: bytes
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("run in the server")

    monkeypatch.setattr(Program, "run", never)
    monkeypatch.setenv("CNNFIX_OWN_MODELS", "1")
    app = send(opened(), "public.pt2", program, None)
    assert "This network works: every step can be followed" in said(app)
    app = button(app, "Explore with this network", last=True)
    assert not app.error
    assert any(heading.startswith("Why “class") for heading in headings(app))
    assert app.get("download_button")
    app = go(app, "backtrack")
    assert any(heading.startswith("Why “class") for heading in headings(app))
    assert not app.error
    network, picture = app.session_state["own.checked"].network, open_picture(list_samples()[0].read())
    told: list[float] = []

    def report(share: float, _: object = None) -> None:
        told.append(share)

    found = network.ask(questions.drawn, picture, 1, "rise", None, None, report=report)
    assert network.ask(questions.measured, picture, found.map, 1, report=report).insertion_area > 0
    assert max(told) == 1
    assert network.ask(questions.reasons, False)["gradcam"] == ""
    assert network.ask(questions.disturbed, picture, "fgsm", 2).digest != picture.digest
    assert network.ask(questions.reported, picture, 1, EVIDENCE, PictureFile("a.png"), report=lambda *_: None).files
    shuffled = results.with_shuffled_weights(network, "all")
    assert results.predicted(shuffled, picture).top(1) != results.predicted(network, picture).top(1)
    uploaded = UploadedPicture.of("a.png", list_samples()[0].read())
    (entry,) = network.ask(entries, EVIDENCE, None, (uploaded,), report=report)
    assert entry.row.picture == "a.png"
    assert not entry.row.error
    walk = results.recorded_walk(network, picture, 1, (EVIDENCE,))
    for file in (walk.ask(files.step_file, picture, 2, None), walk.ask(questions.animated, picture)):
        assert file[:4] in (b"\x89PNG", b"GIF8")
    assert walk.ask(files.whole_walk).startswith(b"{")


@pytest.mark.skipif(not apart.possible(), reason="this system cannot fork")
def test_slow_networks_of_visitors_leave_a_place_for_others(program: bytes) -> None:
    model = open_tried(program, FileOptions("own"), elsewhere=True).model
    network, released = results.Network("own", model), threading.Event()
    with ThreadPoolExecutor() as threads:
        slow = [threads.submit(results._in_turn(network, lambda: released.wait(60))) for _ in range(turns._places)]
        try:
            while not any(turns._running.values()):
                time.sleep(0.01)
            assert threads.submit(_quick).result(30)
        finally:
            released.set()
    assert all(one.result() for one in slow)


def _quick() -> bool:
    with turns.acquired():
        return True


def test_after_a_refusal_nothing_is_left_of_the_progress() -> None:
    app = send(opened(), "damaged.pth", b"nothing", None)
    assert "damaged" in said(app)
    assert "Cancel" not in [button.label for button in app.button]
