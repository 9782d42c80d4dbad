"""What is drawn: bands of colour, points, the figure to keep."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageColor

import cnnfix_core as cnnfix
from cnnfix_core.explanations.fixations import Fixations
from cnnfix_core.regions.highest_density import BANDS, MAP_SIDE
from cnnfix_core.visualization.drawing import (
    BAND_COLOURS,
    BAND_OPACITY,
    POINT,
    draw_points,
    figure,
    overlay,
    png,
    radius,
)
from cnnfix_core.visualization.figures import comparison

POINT_COLOUR = ImageColor.getrgb(POINT)
WHITE = (255, 255, 255)


def band_colour(number: int) -> tuple[int, ...]:
    return (*ImageColor.getrgb(BAND_COLOURS[number]), round(255 * BAND_OPACITY[number]))


def fixations(points: list[tuple[int, int]], evidence: list[float], size: tuple[int, int]) -> Fixations:
    return Fixations(np.array(points), np.array(evidence), np.zeros(len(points), int), *size, (1, 1))


def picture(width: int, height: int) -> cnnfix.Picture:
    return cnnfix.open_picture(np.full((height, width, 3), 255, np.uint8))


# --- the overlay ------------------------------------------------------------------------------------------------------


def test_every_band_has_its_colour() -> None:
    """A band takes in the strongest places until they hold its share; the last of them may take it over."""
    mass = np.array([[0.17, 0.16, 0.30, 0.155], [0.15, 0.065, 0, 0]])
    image = overlay(mass, (4, 2)).convert("RGBA")
    order = np.sort(mass[mass > 0])[::-1]
    before = {value: order[:n].sum() for n, value in enumerate(order)}
    for place in np.ndindex(mass.shape):
        stronger = before.get(mass[place], 1)
        band = next((number for number, share in enumerate(BANDS) if stronger < share), None)
        wanted = (0, 0, 0, 0) if band is None else band_colour(band)
        assert image.getpixel(place[::-1]) == wanted


def test_the_peak_is_the_brightest_band_and_far_away_is_nothing() -> None:
    y, x = np.mgrid[:60, :80]
    density = np.exp(-((x - 20) ** 2 + (y - 30) ** 2) / 50)
    image = overlay(density, (160, 120)).convert("RGBA")
    assert image.size == (160, 120)
    assert image.getpixel((40, 60)) == band_colour(0)
    assert image.getpixel((150, 10)) == (0, 0, 0, 0)
    from_the_peak = [image.getpixel((40 + step, 60)) for step in range(100)]
    seen = list(dict.fromkeys(from_the_peak))
    assert seen == [*map(band_colour, range(len(BANDS))), (0, 0, 0, 0)]


@pytest.mark.parametrize("size", [(4, 4), (50, 30)])
def test_an_empty_map_is_fully_transparent(size: tuple[int, int]) -> None:
    assert not np.asarray(overlay(np.zeros((4, 4)), size).convert("RGBA"))[..., 3].any()


def test_bands_grow_darker_from_the_peak_outwards() -> None:
    lightness = [np.dot(ImageColor.getrgb(colour), (0.2126, 0.7152, 0.0722)) for colour in BAND_COLOURS]
    assert lightness == sorted(lightness, reverse=True)
    assert len(BANDS) == len(BAND_COLOURS) == len(BAND_OPACITY)


# --- points -----------------------------------------------------------------------------------------------------------


def test_the_area_of_a_point_stands_for_evidence() -> None:
    assert radius(np.array([4.0, 1.0, 0.01]), 10) == pytest.approx([10, 5, 2])


def test_points_are_where_the_fixations_are() -> None:
    image = Image.new("RGB", (200, 100), "white")
    draw_points(image, fixations([(1, 4), (8, 0), (4, 2)], [0.4, 0.35, 0.25], (10, 5)), largest=4)
    assert image.getpixel((30, 90)) == POINT_COLOUR  # the middle of pixel (1, 4), 20 times enlarged
    assert image.getpixel((170, 10)) == POINT_COLOUR
    drawn = np.argwhere((np.asarray(image) != 255).any(axis=2))
    centres = np.array([(90, 30), (10, 170)])
    distance = np.linalg.norm(drawn[:, None] - centres, axis=2).min(axis=1)
    assert distance.max() < 6  # the third is not among the strongest with half of the evidence


def test_of_fixations_of_one_strength_all_are_drawn() -> None:
    image = Image.new("RGB", (200, 100), "white")
    draw_points(image, fixations([(1, 4), (8, 0), (4, 2)], [1 / 3] * 3, (10, 5)), largest=4)
    for place in ((30, 90), (170, 10), (90, 50)):
        assert image.getpixel(place) == POINT_COLOUR


def test_the_strongest_point_lies_on_top() -> None:
    image = Image.new("RGB", (100, 100), "white")
    draw_points(image, fixations([(5, 5), (6, 5)], [0.5, 0.5], (10, 10)), largest=12)
    # The edge of the second, at 53, is covered by the first.
    assert {image.getpixel((x, 55)) for x in range(45, 66)} == {POINT_COLOUR}


# --- the figure -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (5000, 4), (4, 5000), (300, 200), (200, 300)])
@pytest.mark.parametrize("width", [800, 1600])
def test_figures_of_every_shape_of_picture(size: tuple[int, int], width: int) -> None:
    density = np.ones((2, 2))
    points = fixations([(0, 0)], [1], size)
    image = figure(
        picture(*size), [("one", density, points), ("two", density, None)], "Why?", "Because. " * 60, width=width
    )
    assert image.mode == "RGB"
    assert image.width == width
    assert width / 10 < image.height < 1.2 * width


def test_the_panels_show_the_picture_the_map_and_the_points() -> None:
    density = np.zeros((10, 10))
    density[4:6, 4:6] = 1
    points = fixations([(1, 1)], [1], (10, 10))
    both = figure(picture(10, 10), [("", density, points)], "", "", width=400)
    plain = figure(picture(10, 10), [("", np.zeros((10, 10)), None)], "", "", width=400)
    changed = np.argwhere((np.asarray(both) != np.asarray(plain)).any(axis=2))
    assert len(changed)
    side = 400 - 2 * (400 // 40)
    top = 400 // 40 + 3 * (400 // 55)
    assert both.getpixel((10 + round(0.15 * side), top + round(0.15 * side))) == POINT_COLOUR
    assert both.getpixel((10 + side // 2, top + side // 2)) != WHITE
    assert both.getpixel((10 + round(0.9 * side), top + round(0.9 * side))) == WHITE


def test_the_comparison_of_an_explanation(cat: cnnfix.Picture, explanation: cnnfix.Explanation) -> None:
    density = explanation.density(longest_side=MAP_SIDE)
    image = comparison(cat, explanation, density, np.zeros_like(density))
    again = Image.open(io.BytesIO(png(image)))
    assert (again.format, again.size) == ("PNG", image.size)
    other = comparison(cat, replace(explanation, rather_than=explanation.predictions[1]), density, density)
    assert other.width == image.width
