"""Composed scenes: the same everywhere, their truth exact, and no place better than another."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.random import default_rng
from PIL import Image

from cnnfix_core.images.picture import open_picture
from cnnfix_core.images.samples import load_sample
from cnnfix_core.synthetic import CLASSES, HELD_OUT, UNSEEN_CLASSES, Scene, compose
from cnnfix_core.synthetic.canvas import Canvas
from cnnfix_core.synthetic.shapes import DISTRACTORS, OBJECTS, shaped

SEEDS = range(HELD_OUT, HELD_OUT + 120)
# What the scene of the first of them holds, and the mean brightness of its nine parts.
THINGS = [
    ("crescent", (42, 52, 69, 79)),
    ("disc", (50, 5, 84, 27)),
    ("triangle", (4, 32, 34, 63)),
    ("disc", (15, 3, 33, 25)),
]
THUMBNAIL = [[124, 90, 81], [156, 91, 83], [96, 100, 82]]
every_outline = pytest.mark.parametrize("name", [*OBJECTS, *DISTRACTORS])


@cache
def scenes() -> tuple[Scene, ...]:
    return tuple(compose(seed) for seed in SEEDS)


def thumbnail(scene: Scene) -> list[list[int]]:
    """Mean brightness of the nine parts."""
    return np.rint(scene.picture.pixels.reshape(3, 32, 3, -1).mean(axis=(1, 3))).astype(int).tolist()


# --- the same scene ---------------------------------------------------------------------------------------------------


def test_the_same_arguments_give_the_same_scene() -> None:
    one, again, other = compose(5, 3), compose(5, 3), compose(6, 3)
    assert one.picture.digest == again.picture.digest != other.picture.digest
    assert all((a.mask == b.mask).all() for a, b in zip(one.things, again.things, strict=True))


def test_scenes_are_those_that_the_shipped_networks_learnt_from() -> None:
    scene = compose(HELD_OUT)
    assert [(thing.name, thing.box) for thing in scene.things] == THINGS
    assert np.abs(np.array(thumbnail(scene)) - THUMBNAIL).max() <= 1


def test_a_mark_changes_nothing_but_its_corner() -> None:
    for seed in SEEDS[:20]:
        without, marked = compose(seed), compose(seed, mark=True)
        assert without.mark is None
        assert marked.mark is not None
        x0, y0, x1, y1 = marked.mark
        differ = (without.picture.pixels != marked.picture.pixels).any(axis=2)
        assert differ[y0 : y1 + 1, x0 : x1 + 1].mean() > 0.9
        differ[y0 : y1 + 1, x0 : x1 + 1] = False
        assert not differ.any()
        assert not any(thing.mask[y0 : y1 + 1, x0 : x1 + 1].any() for thing in without.things)


def test_a_second_object_leaves_the_first_where_it_is() -> None:
    for seed in SEEDS[:20]:
        one, two = compose(seed, 1), compose(seed, 1, other=4)
        assert two.things[0].box == one.things[0].box
        assert (two.things[0].mask == one.things[0].mask).all()
        assert [thing.label for thing in two.things[:2]] == [1, 4]
        assert two.truth.extents == (two.things[0].box,)
        assert two.truth_of(4).extents == (two.things[1].box,)
        assert two.truth_of(7).empty


def test_a_larger_side_draws_the_same_scene() -> None:
    for seed in SEEDS[:5]:
        small, large = compose(seed), compose(seed, side=288)
        reduced = np.asarray(Image.fromarray(large.picture.pixels).reduce(3), float)
        assert np.abs(reduced - small.picture.pixels).mean() < 2.5
        for one, other in zip(small.things, large.things, strict=True):
            assert np.abs(np.array(other.box) / 3 - one.box).max() < 1.7


# --- the truth --------------------------------------------------------------------------------------------------------


def test_a_square_covers_exactly_its_pixels() -> None:
    canvas = Canvas(40, default_rng(0))
    before = canvas.pixels
    canvas.thing("square", None, np.array([[0.25, 0.5], [0.75, 0.5], [0.75, 0.9], [0.25, 0.9]]), default_rng(1))
    (thing,) = canvas.things
    wanted = np.zeros((40, 40), bool)
    wanted[20:36, 10:30] = True
    assert (thing.mask == wanted).all()
    assert thing.box == (10, 20, 29, 35)
    assert (canvas.pixels != before).any(axis=2)[wanted].all()


def test_boxes_are_tight_and_no_thing_hides_another() -> None:
    for scene in scenes():
        assert sum(thing.mask.astype(int) for thing in scene.things).max() == 1
        for thing in scene.things:
            x0, y0, x1, y1 = thing.box
            inside = thing.mask[y0 : y1 + 1, x0 : x1 + 1]
            assert inside.sum() == thing.mask.sum()
            assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))
            assert not thing.mask.flags.writeable


def test_things_look_other_than_the_ground_around_them() -> None:
    for scene in scenes()[:40]:
        pixels, mask = scene.picture.pixels.astype(float), scene.things[0].mask
        ground = ~np.any([thing.mask for thing in scene.things], axis=0)
        assert np.abs(pixels[mask].mean(axis=0) - pixels[ground].mean(axis=0)).sum() > 60


def test_the_class_is_that_of_the_first_thing_and_all_occur() -> None:
    assert {scene.label for scene in scenes()} == set(range(len(CLASSES)))
    for scene in scenes():
        first, *others = scene.things
        assert (first.label, first.name) == (scene.label, CLASSES[scene.label])
        assert all(thing.label is None and thing.name in DISTRACTORS for thing in others)
        assert scene.name == first.name


def test_objects_are_small_and_anywhere() -> None:
    shares = [(x1 - x0 + 1) * (y1 - y0 + 1) / 96**2 for x0, y0, x1, y1 in (s.things[0].box for s in scenes())]
    assert min(shares) > 0.03
    assert max(shares) < 0.22
    assert np.mean([scene.things[0].mask[48, 48] for scene in scenes()]) < 0.25  # the centre is a poor guess
    middles = {((x0 + x1) // 64, (y0 + y1) // 64) for x0, y0, x1, y1 in (s.things[0].box for s in scenes())}
    assert len(middles) == 9
    larger = [any(t.mask.sum() > s.things[0].mask.sum() for t in s.things[1:]) for s in scenes()]
    assert np.mean(larger) > 0.3  # size does not tell the object either


def test_an_unknown_class() -> None:
    with pytest.raises(IndexError):
        compose(0, len(CLASSES) + len(UNSEEN_CLASSES))


@pytest.mark.parametrize(
    ("name", "scene"),
    [
        ("drawn-star", lambda: compose(1_020_000, 0, side=384)),
        ("spiral-and-star", lambda: compose(1_020_102, 6, other=0, side=384)),
        ("telltale-tag", lambda: compose(1_020_205, 5, mark=True, side=384)),
    ],
)
def test_the_gallerys_scenes_can_be_composed_again(name: str, scene: Callable[[], Scene]) -> None:
    sample, again = load_sample(name), scene()
    shipped = open_picture(sample.read()).pixels.astype(int)
    assert np.abs(shipped - again.picture.pixels).mean() < 0.5
    for label, of in enumerate(CLASSES):
        meant = sample.object_of(of)
        if meant and meant.name == "tag":
            assert meant.boxes == (again.mark,)
        else:
            assert (meant.boxes if meant else ()) == again.truth_of(label).extents


# --- outlines ---------------------------------------------------------------------------------------------------------


@every_outline
def test_outlines_cover_one_unit_from_the_corner(name: str) -> None:
    rng = default_rng(3)
    for _ in range(10):
        points = shaped((OBJECTS | DISTRACTORS)[name], rng)
        assert np.allclose(points.min(axis=0), 0)
        assert np.isclose(points.max(axis=0).prod(), 1)


@every_outline
def test_outlines_vary(name: str) -> None:
    rng = default_rng(3)
    outline = (OBJECTS | DISTRACTORS)[name]
    assert not np.allclose(shaped(outline, rng).max(axis=0), shaped(outline, rng).max(axis=0))


def test_a_ring_and_a_flower_have_holes() -> None:
    for name in ("ring", "flower"):
        canvas = Canvas(60, default_rng(0))
        canvas.thing(name, None, shaped(OBJECTS[name], default_rng(2)) * 0.6 + 0.15, default_rng(1))
        x0, y0, x1, y1 = canvas.things[0].box
        assert not canvas.things[0].mask[(y0 + y1) // 2, (x0 + x1) // 2]
