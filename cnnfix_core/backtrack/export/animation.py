"""Steps of a walk as images to save: one as a PNG, or all as an animated GIF."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageColor

from cnnfix_core.arrays import Floats
from cnnfix_core.backtrack.ancestry import Line
from cnnfix_core.backtrack.export.sheet import Sheet, place_in_walk
from cnnfix_core.backtrack.path import Step
from cnnfix_core.backtrack.playback.playback import Cloud, Playback
from cnnfix_core.backtrack.step_texts import kind, shape, step_words
from cnnfix_core.backtrack.walkthrough import Walked
from cnnfix_core.images import Picture
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.visualization import BAND_COLOURS, POINT, POINT_EDGE, draw_discs, panel, photo_of

_OFF_LINE = "#B9C1C8"
_MOVING, _HOLD, _LAST_HOLD = 6, 700, 4000  # frames between two steps; ms at a step, and at the map
_FRAME = 60  # ms
_COLOURS, _GREYS = 220, 16  # of the photograph, and of the text


def gif(walked: Walked, picture: Picture, longest_side: int = 640) -> bytes:
    """The walk from the score to the picture, block by block, and its map, as an animated GIF that loops forever."""
    sheet = Sheet.of(walked, picture, longest_side)
    mapped = panel(sheet.photo.convert("RGBA"), walked.explanation.map(MAP_SIDE))
    palette = _palette(sheet.photo, mapped)
    first, *rest = _frames(walked, sheet, mapped, palette)
    buffer = io.BytesIO()
    durations = [first[1], *(hold for _, hold in rest)]
    more = [frame for frame, _ in rest]
    # Optimised, so that a frame has only what changes.
    first[0].save(buffer, "GIF", save_all=True, append_images=more, duration=durations, loop=0, optimize=True)
    return buffer.getvalue()


def step_image(
    walked: Walked, picture: Picture, number: int, followed: Line | None = None, longest_side: int = 1200
) -> Image.Image:
    """One step over the photograph, with its layer in words below.

    followed: a line; what is on it is drawn in colour, and the rest in grey.
    """
    step = walked.path.steps[number]
    photo = step_photo(walked, picture, number, followed, longest_side)
    lines = [place_in_walk(walked, step), step_words(step, walked.trace, walked.playbacks[0])]
    return Sheet.of(walked, picture, longest_side).around(photo, lines)


def step_photo(
    walked: Walked, picture: Picture, number: int, followed: Line | None = None, longest_side: int = 1200
) -> Image.Image:
    """One step over the photograph, without words."""
    step, playback = walked.path.steps[number], walked.playbacks[0]
    photo = photo_of(picture, longest_side)
    if cloud := _cloud(playback, step):
        places, radii = _spots(cloud, walked, photo), _radii(cloud, photo)
        if followed is None:
            draw_discs(photo, places, radii)
        else:
            draw_discs(photo, places, radii, _OFF_LINE)
            on_line = cloud.on_line(followed.carried.get(step.value, np.zeros(len(cloud.row))))
            draw_discs(photo, places[on_line > 0], (radii * np.sqrt(on_line))[on_line > 0])
    return photo


def _palette(photo: Image.Image, mapped: Image.Image) -> Image.Image:
    """The colours of all frames, so that the photograph looks as it is in each of them."""
    both = Image.new("RGB", (photo.width, 2 * photo.height))
    both.paste(photo)
    both.paste(mapped, (0, photo.height))
    found = both.quantize(_COLOURS).getpalette() or []
    greys = [round(255 * n / (_GREYS - 1)) for n in range(_GREYS) for _ in range(3)]
    exact = [part for colour in (POINT, POINT_EDGE, *BAND_COLOURS) for part in ImageColor.getrgb(colour)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*found[: 3 * _COLOURS], *greys, *exact])
    return palette


def _frames(
    walked: Walked, sheet: Sheet, mapped: Image.Image, palette: Image.Image
) -> Iterator[tuple[Image.Image, int]]:
    """Frames with their duration in ms: each block's output, the points moving between them, and the map."""
    playback, steps = walked.playbacks[0], [walked.path.steps[block.first] for block in walked.path.blocks]
    photo = sheet.photo.quantize(palette=palette)
    before: tuple[Cloud, Floats, Floats] | None = None
    for step in steps:
        cloud = _cloud(playback, step)
        around = sheet.around(sheet.photo, _words(walked, step), rows=2).quantize(
            palette=palette, dither=Image.Dither.NONE
        )
        if cloud is None:
            around.paste(photo, sheet.at)
            yield around, _HOLD
            continue
        places, radii = _spots(cloud, walked, photo), _radii(cloud, photo)
        origin = np.full(len(places), -1) if before is None else _origins(playback, cloud, before[0])
        for t in np.linspace(0, 1, _MOVING + 1)[1:] if before else [1.0]:
            moved, grown = _between(before, (places, radii), origin, t * t * (3 - 2 * t))
            drawn = photo.copy()
            draw_discs(drawn, moved, grown)
            around.paste(drawn, sheet.at)
            yield around.copy(), _HOLD if t == 1 else _FRAME
        before = cloud, places, radii
    last = sheet.around(mapped, ["The map: where the evidence lies"], rows=2, bands=True)
    final = last.quantize(palette=palette, dither=Image.Dither.NONE)
    final.paste(mapped.quantize(palette=palette), sheet.at)
    yield final, _LAST_HOLD


def _cloud(playback: Playback, step: Step) -> Cloud | None:
    """The step's points; None if its elements have no place in the picture."""
    return playback.cloud_at(step.number) if step.field else None


def _words(walked: Walked, step: Step) -> list[str]:
    nowhere = "" if step.field else ", no place in the picture"
    return [place_in_walk(walked, step), f"{kind(step.operation)}, {shape(step)}{nowhere}"]


def _between(
    before: tuple[Cloud, Floats, Floats] | None, after: tuple[Floats, Floats], origin: Floats, t: float
) -> tuple[Floats, Floats]:
    """Places and radii in motion at time t, 0 to 1; points without an origin grow in place."""
    places, radii = after
    if before is None or t == 1:
        return places, radii
    known = origin >= 0
    start, small = places.copy(), np.zeros_like(radii)
    start[known], small[known] = before[1][origin[known]], before[2][origin[known]]
    return start + (places - start) * t, small + (radii - small) * t


def _origins(playback: Playback, cloud: Cloud, before: Cloud) -> Floats:
    """For each point of a cloud, the point of an earlier cloud that it came from; -1 if there is none."""
    parents = np.concatenate([each.parent for each in playback.clouds])
    points = cloud.first + np.arange(len(cloud.evidence))
    while (later := points >= before.first + len(before.evidence)).any():
        points[later] = parents[points[later]]
    return np.where(points >= before.first, points - before.first, -1)


def _spots(cloud: Cloud, walked: Walked, photo: Image.Image) -> Floats:
    """Positions in pixels of the drawn photograph."""
    spots: Floats = walked.on_picture(cloud.xy) * np.array(photo.size)
    return spots


def _radii(cloud: Cloud, photo: Image.Image) -> Floats:
    """Radii of discs whose area shows evidence; the radius for all of it is a fourteenth of the shorter side."""
    full = min(photo.size) / 14
    radii: Floats = np.maximum(full * np.sqrt(cloud.evidence), min(photo.size) / 300)
    return radii
