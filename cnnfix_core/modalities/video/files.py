"""The explanation of a clip in words, as JSON, and as an animation."""

from __future__ import annotations

import io

from PIL import Image

from cnnfix_core.arrays import Floats
from cnnfix_core.explanations import FIXATION_COLUMNS, json_text, listed, question_as_dict
from cnnfix_core.modalities.video.explained import ClipExplanation
from cnnfix_core.regions import MAP_SIDE, area_holding, describe_position
from cnnfix_core.utils import percent
from cnnfix_core.visualization import panel, photo_of

_MILLISECONDS = 150  # duration of each frame of the animation
_GAP = 8  # pixels between the two pictures side by side


def clip_words(found: ClipExplanation, density: Floats, rival: Floats | None) -> str:
    """Describe in which frames and where the density and Grad-CAM's map are; frames are counted from 1."""
    parts = [f"Half of the evidence {_lies(found, density)}."]
    if rival is not None and rival.any():
        parts.append(f"Half of Grad-CAM's map {_lies(found, rival)}.")
    elif rival is not None:
        parts.append("Grad-CAM's map is empty: no feature map supports this class.")
    return " ".join(parts)


def clip_json(found: ClipExplanation) -> str:
    """The question, and the fixations in each frame that the network saw, in its pixels."""
    frames = []
    for number, share, fixations in zip(found.frames, found.by_frame, found.fixations, strict=True):
        frames.append({"frame": number + 1, "evidence": float(f"{share:.6g}"), "fixations": listed(fixations)})
    content = {
        **question_as_dict(found),
        "clip": {"width": found.clip.width, "height": found.clip.height, "sha256": found.clip.digest},
        "fixation_columns": FIXATION_COLUMNS,
        "frames": frames,
    }
    return json_text(content)


def clip_animation(found: ClipExplanation) -> bytes:
    """A GIF: the frames that the network saw, overlaid with the density and, next to it, with Grad-CAM's map."""
    maps = [found.density(MAP_SIDE)]
    rival = found.rival(MAP_SIDE)
    if rival is not None:
        maps.append(rival)
    frames = []
    for step, number in enumerate(found.frames):
        photo = photo_of(found.clip.frames[number], MAP_SIDE).convert("RGBA")
        sheet = Image.new("RGB", (len(maps) * (photo.width + _GAP) - _GAP, photo.height), "white")
        for column, all_frames in enumerate(maps):
            sheet.paste(panel(photo, all_frames[step], among=all_frames), (column * (photo.width + _GAP), 0))
        frames.append(sheet)
    content = io.BytesIO()
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:], duration=_MILLISECONDS, loop=0)
    return content.getvalue()


def _lies(found: ClipExplanation, density: Floats) -> str:
    """Describe the size of the smallest part of a clip with half of the map, and the frame with the largest part."""
    by_frame = density.sum(axis=(1, 2))
    strongest = int(by_frame.argmax())
    part = percent(by_frame[strongest] / by_frame.sum())
    return (
        f"lies on {percent(area_holding(density, 0.5))} of the clip. Of all frames, number "
        f"{found.frames[strongest] + 1} of {len(found.clip)} has the most, {part}: "
        f"{describe_position(density[strongest], 1)}"
    )
