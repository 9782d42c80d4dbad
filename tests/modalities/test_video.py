"""Clips: reading them, composing them, and evidence over time and space."""

import io
import json
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from cnnfix_core.engine.recording import record
from cnnfix_core.engine.walk import unravel
from cnnfix_core.errors import ModelError, TargetError
from cnnfix_core.explanations.asking import RIVALS
from cnnfix_core.images.picture import PictureError
from cnnfix_core.modalities.video import (
    Clip,
    ClipError,
    ClipModel,
    clip_of,
    clip_samples,
    explain_clip,
    load_clip_model,
    read_clip,
    shipped,
)
from cnnfix_core.modalities.video.files import clip_animation, clip_json, clip_words
from cnnfix_core.synthetic.clips import HELD_OUT, MOTIONS, compose_clip
from cnnfix_core.zoo import Labels
from tests.ui.visiting import headings, page

visit = partial(page, "signals", kind="clip")
SEEDS = range(HELD_OUT + 8_000, HELD_OUT + 8_016)


@pytest.fixture(scope="module")
def model() -> ClipModel:
    return load_clip_model()


def frames(count: int, size: tuple[int, int] = (24, 16)) -> list[Image.Image]:
    return [Image.new("RGB", size, (10 * n % 256, 255 - n, 7)) for n in range(count)]


def animated(count: int, kind: str = "GIF", size: tuple[int, int] = (24, 16)) -> bytes:
    buffer = io.BytesIO()
    first, *rest = frames(count, size)
    first.save(buffer, kind, save_all=True, append_images=rest, lossless=True)
    return buffer.getvalue()


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animations(kind: str) -> None:
    clip = read_clip([animated(5, kind)])
    assert (len(clip), clip.width, clip.height) == (5, 24, 16)
    for frame, wanted in zip(clip.frames, frames(5), strict=True):
        assert np.abs(frame.pixels.astype(int) - np.asarray(wanted)).max() <= 8  # a GIF has 256 colours


def test_a_long_clip_is_thinned_and_a_large_one_made_smaller() -> None:
    clip = read_clip([animated(200)])
    assert len(clip) == 64
    assert clip.frames[-1].pixels[0, 0, 1] == pytest.approx(255 - 199, abs=8)  # the last one is there
    assert read_clip([animated(3, size=(2000, 1000))]).width == 512


def test_pictures_as_frames() -> None:
    files = []
    for number, image in enumerate(frames(3)):
        buffer = io.BytesIO()
        image.resize((24 + number, 16)).save(buffer, "PNG")
        files.append(buffer.getvalue())
    clip = read_clip(files)
    assert [(one.width, one.height) for one in clip.frames] == [(24, 16)] * 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (animated(1), "at least two frames"),
        (b"Dear diary", "not a supported picture format"),
        (b"", "empty"),
        (b"....ftypisom", "This is a video"),
    ],
)
def test_files_that_are_no_clip(content: bytes, message: str) -> None:
    with pytest.raises((ClipError, PictureError), match=message):
        read_clip([content])


def test_a_clip_that_is_cut_short() -> None:
    with pytest.raises((ClipError, PictureError), match="damaged"):
        read_clip([animated(12, "WEBP", (300, 300))[:-200]])


def test_too_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnfix_core.modalities.video.clip.MOST_PIXELS", 24 * 16 * 4)
    with pytest.raises(ClipError, match="too long or too large"):
        read_clip([animated(5)])


def test_two_clips_are_the_same_where_their_frames_are() -> None:
    assert read_clip([animated(5)]).digest == read_clip([animated(5)]).digest
    assert read_clip([animated(5)]).digest != read_clip([animated(6)]).digest


# --- composed clips ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", range(len(MOTIONS)))
def test_composed_clips(label: int) -> None:
    made = compose_clip(7, label)
    again = compose_clip(7, label)
    assert (made.frames == again.frames).all()
    assert made.frames.shape == (16, 64, 64, 3)
    assert 3 <= made.moving.sum() < 16
    assert not made.moving[0]
    rows, columns = zip(*(np.nonzero(mask) for mask in made.mask if mask.any()), strict=True)
    x, y = ([float(np.mean(one)) for one in places] for places in (columns, rows))
    area = made.mask.sum(axis=(1, 2))
    signs = {
        "moving left": x[-1] < x[0] - 10,
        "moving right": x[-1] > x[0] + 10,
        "moving up": y[-1] < y[0] - 10,
        "moving down": y[-1] > y[0] + 10,
        "growing": area[-1] > 2 * area[0],
        "shrinking": area[0] > 2 * area[-1],
        "turning": abs(area[0] - area[-1]) < 0.2 * area[0],
        "blinking": (area == 0).any(),
    }
    assert signs[MOTIONS[label]]


def test_a_larger_clip_shows_the_same() -> None:
    small, large = compose_clip(3), compose_clip(3, side=128)
    halved = large.frames.reshape(16, 64, 2, 64, 2, 3).mean(axis=(2, 4))
    assert np.abs(halved - small.frames).mean() < 4


# --- the network ------------------------------------------------------------------------------------------------------


def test_it_recognises_clips_that_it_has_not_learnt(model: ClipModel) -> None:
    said = []
    for seed in SEEDS:
        made = compose_clip(seed)
        with torch.no_grad():
            best = int(model.module(model.inputs(clip_of(list(made.frames)))).argmax())
        said.append(best == made.label)
    assert np.mean(said) > 0.85
    assert all(explain_clip(model, one.clip).target.label == one.label for one in clip_samples())


def test_its_card() -> None:
    (path,) = shipped.FOLDER.glob("motions-*.safetensors")
    assert path.stat().st_size < 1_000_000
    card = (shipped.FOLDER / "README.md").read_text("utf-8")
    for words in ("98.9 %", "Limits", "251,720", "MIT"):
        assert words in card


def test_no_such_network() -> None:
    with pytest.raises(ModelError, match=r"no classifier of clips 'r3d_19'\. Did you mean"):
        load_clip_model("r3d_19")


def test_the_view_is_that_of_torchvision() -> None:
    """As its own preset does it, up to the interpolation, which there does not smooth where it makes smaller."""
    from torchvision.transforms._presets import VideoClassification

    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 255, (6, 8, 3), np.uint8)).resize((171, 128), Image.Resampling.BICUBIC)
    clip = clip_of([np.asarray(smooth)] * 2)
    mean, std = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)
    labels = Labels(("a",), ("",))
    model = ClipModel("m", "M", nn.Identity(), labels, 4, (128, 171), (112, 112), mean, std, "", "")
    preset = VideoClassification(crop_size=(112, 112), resize_size=(128, 171), mean=mean, std=std)
    wanted = preset(torch.from_numpy(np.array(smooth)).permute(2, 0, 1)[None].repeat(4, 1, 1, 1))
    found = model.inputs(clip)[0]
    assert found.shape == wanted.shape == (3, 4, 112, 112)
    assert float((found - wanted).abs().mean()) < 0.02


# --- evidence ---------------------------------------------------------------------------------------------------------


def test_evidence_is_where_and_when_the_shape_moves(model: ClipModel) -> None:
    rows = []
    for seed in SEEDS[:8]:
        made = compose_clip(seed)
        found = explain_clip(model, clip_of(list(made.frames)), made.label)
        density, rival = found.density(), found.rival()
        assert density.sum() == pytest.approx(1)
        assert rival is not None
        assert rival.shape == density.shape == (16, 64, 64)
        near = made.mask | np.roll(made.mask, 1, axis=0) | np.roll(made.mask, -1, axis=0)
        rows.append(
            [
                density[near].sum(),
                rival[near].sum() / rival.sum(),
                near.mean(),
                density[made.moving].sum(),
                made.moving.mean(),
            ]
        )
    on_shape, cam_on_shape, shape, in_time, time = np.mean(rows, axis=0)
    assert on_shape > 2 * cam_on_shape > 2 * shape
    assert in_time > time + 0.1


def test_what_reached_each_frame_is_what_the_walk_says(model: ClipModel) -> None:
    clip = clip_samples()[0].clip
    found = explain_clip(model, clip)
    tape = record(model.module, model.inputs(clip))
    others = [index for index in np.argsort(-tape.output_tensor[0].numpy()).tolist() if index != found.target.index]
    reached = unravel(tape, (0, found.target.index), found.preset, [(0, other) for other in others[:RIVALS]]).fixations
    by_step = np.bincount(reached.index[:, 2], reached.evidence, 16)
    assert found.by_frame == pytest.approx(by_step / by_step.sum())
    total = sum(one.evidence.sum() for one in found.fixations if one is not None)
    assert total == pytest.approx(reached.evidence.sum())


def test_a_short_clip_is_seen_several_times(model: ClipModel) -> None:
    clip = clip_of([np.asarray(one) for one in frames(3, (64, 64))])
    found = explain_clip(model, clip)
    assert found.frames == (0, 1, 2)
    assert found.density().shape == (3, 64, 64)


def test_one_motion_rather_than_another(model: ClipModel) -> None:
    sample = clip_samples()[4]
    found = explain_clip(model, sample.clip, ("growing", "shrinking"))
    assert found.rather_than is not None
    assert (found.target.label, found.rather_than.label) == ("growing", "shrinking")
    with pytest.raises(TargetError, match="no class called 'falling'"):
        explain_clip(model, sample.clip, "falling")


def test_files_to_keep(model: ClipModel) -> None:
    found = explain_clip(model, clip_samples()[1].clip)
    said = json.loads(clip_json(found))
    assert said["target"]["label"] == "moving right"
    assert sum(one["evidence"] for one in said["frames"]) == pytest.approx(1, abs=1e-4)
    with Image.open(io.BytesIO(clip_animation(found))) as animation:
        assert animation.n_frames == 16  # type: ignore[attr-defined]
        assert animation.width == 2 * 160 + 8
    assert "of the clip. Of all frames, number" in clip_words(found, found.density(), found.rival())


# --- the page ---------------------------------------------------------------------------------------------------------


def test_a_sample_is_explained() -> None:
    app = visit(clip="blinking")
    assert not app.exception
    assert "Why “blinking”?" in headings(app)
    strongest = app.select_slider(key="frame").value
    app.select_slider(key="frame").set_value(3).run()
    assert not app.exception
    assert strongest != 3
    assert app.query_params["frame"] == "3"


def test_a_gif_is_sent() -> None:
    app = visit()
    still = Clip(clip_samples()[6].clip.frames, "")
    buffer = io.BytesIO()
    first, *rest = (Image.fromarray(one.pixels) for one in still.frames)
    first.save(buffer, "GIF", save_all=True, append_images=rest)
    app.file_uploader(key="signals.clip.upload").upload("turning.gif", buffer.getvalue(), "image/gif").run()
    assert not app.exception
    assert "Why “turning”?" in headings(app)
    app.file_uploader(key="signals.clip.upload").set_value([("no.gif", b"no clip", "image/gif")]).run()
    assert app.error
    assert "Why “turning”?" in headings(app)


def test_weights_that_are_not_here_are_offered() -> None:
    app = visit(network="s3d")
    assert not app.exception
    assert any("400 human actions" in one.value for one in app.info)
    assert [one.label for one in app.button if one.key not in ("share", "present")] == ["Download the weights"]


def test_an_address_from_elsewhere() -> None:
    app = visit(clip="own", frame="400", **{"class": "300"})
    assert not app.exception
    assert "Why “moving left”?" in headings(app)
