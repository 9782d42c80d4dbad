"""Steps of a walk as images to save: one as a PNG, or all as an animated GIF."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw

from cnnfix_core.arrays import Floats
from cnnfix_core.backtrack.ancestry import Line
from cnnfix_core.backtrack.path import Step
from cnnfix_core.backtrack.playback.playback import Cloud, Playback
from cnnfix_core.backtrack.step_texts import kind, shape, step_words
from cnnfix_core.backtrack.walkthrough import Walked
from cnnfix_core.explanations import question
from cnnfix_core.images import Picture
from cnnfix_core.visualization import draw_discs, photo_of, type_of

_PAPER, _INK, _FAINT, _OFF_LINE = "#FFFFFF", "#1B2127", "#5B6670", "#B9C1C8"
_MOVING, _HOLD, _LAST_HOLD = 6, 600, 2500  # frames between two steps; ms at a step, and at the picture
_FRAME = 60  # ms
_COLOURS = 128


def gif(walked: Walked, picture: Picture, longest_side: int = 380) -> bytes:
    """The walk from the score to the picture, block by block, as an animated GIF that loops forever."""
    frames, durations = zip(*_frames(walked, picture, longest_side), strict=True)
    # One palette for all frames: the last one contains every colour.
    palette = frames[-1].quantize(_COLOURS, dither=Image.Dither.NONE)
    first, *rest = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=list(durations), loop=0, optimize=False)
    return buffer.getvalue()


def step_image(
    walked: Walked, picture: Picture, number: int, followed: Line | None = None, longest_side: int = 1200
) -> Image.Image:
    """One step over the photograph, with its layer in words below.

    followed: a line; what is on it is drawn in colour, and the rest in grey.
    """
    step = walked.path.steps[number]
    photo = step_photo(walked, picture, number, followed, longest_side)
    explanation = walked.explanation
    title = question(explanation.target, explanation.rather_than)
    place = f"Step {number} of {len(walked.path.steps) - 1}: {step.module or kind(step.operation)}"
    return _sheet(photo, title, [place, step_words(step, walked.trace, walked.playbacks[0])])


def step_photo(
    walked: Walked, picture: Picture, number: int, followed: Line | None = None, longest_side: int = 1200
) -> Image.Image:
    """One step over the photograph, without words."""
    step, playback = walked.path.steps[number], walked.playbacks[0]
    photo = photo_of(picture, longest_side)
    cloud = playback.cloud_at(step.number)
    if cloud:
        places, radii = _spots(cloud, walked, photo), _radii(cloud, photo)
        if followed is None:
            draw_discs(photo, places, radii)
        else:
            draw_discs(photo, places, radii, _OFF_LINE)
            on_line = cloud.on_line(followed.carried.get(step.value, np.zeros(len(cloud.row))))
            draw_discs(photo, places[on_line > 0], (radii * np.sqrt(on_line))[on_line > 0])
    return photo


def _frames(walked: Walked, picture: Picture, longest_side: int) -> Iterator[tuple[Image.Image, int]]:
    """Frames with their duration in ms: each block's output, the picture, and the points moving between them."""
    playback, steps = walked.playbacks[0], [walked.path.steps[block.first] for block in walked.path.blocks]
    photo = photo_of(picture, longest_side)
    shown = [(step, cloud) for step in steps if (cloud := playback.cloud_at(step.number))]
    before: tuple[Cloud, Floats, Floats] | None = None
    for step, cloud in shown:
        places, radii = _spots(cloud, walked, photo), _radii(cloud, photo)
        origin = np.full(len(places), -1) if before is None else _origins(playback, cloud, before[0])
        for t in np.linspace(0, 1, _MOVING + 1)[1:] if before else [1.0]:
            eased = t * t * (3 - 2 * t)
            moved, grown = _between(before, (places, radii), origin, eased)
            frame = photo.copy()
            draw_discs(frame, moved, grown)
            last = t == 1
            hold = (_LAST_HOLD if step is shown[-1][0] else _HOLD) if last else _FRAME
            yield _captioned(frame, step), hold
        before = cloud, places, radii


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


def _captioned(image: Image.Image, step: Step) -> Image.Image:
    return _sheet(image, step.module or kind(step.operation), [f"{kind(step.operation)}, {shape(step)}"], rows=2)


def _sheet(image: Image.Image, title: str, lines: Sequence[str], rows: int | None = None) -> Image.Image:
    """The image with a title above and text below; rows: how many rows of text, None for as many as needed."""
    size = max(11, image.width // 34)
    margin, leading = size, round(1.5 * size)
    small = type_of(round(0.85 * size))
    # Pillow's own font has no multiplication sign.
    plain = [line.replace("×", "x") for line in lines]
    wide = max(small.getlength(line) / len(line) for line in plain)
    wrapped = [part for line in plain for part in textwrap.wrap(line, int(0.95 * image.width / wide))]
    wrapped = wrapped[:rows]
    height = image.height + leading * ((rows or len(wrapped)) + 2) + 2 * margin
    sheet = Image.new("RGB", (image.width + 2 * margin, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((margin, margin), title, _INK, type_of(size))
    sheet.paste(image, (margin, margin + leading))
    for number, line in enumerate(wrapped):
        at = margin, margin + leading + image.height + size // 2 + number * leading
        draw.text(at, line, _FAINT, small)
    return sheet
