"""An explained clip in words, as JSON, and as an animation."""

from __future__ import annotations

import io

from PIL import Image

from cnnfix_core.arrays import Floats
from cnnfix_core.explanations import json_text, listed, question_as_dict
from cnnfix_core.modalities.video.explained import ClipExplanation
from cnnfix_core.regions import MAP_SIDE, area_holding, describe_position
from cnnfix_core.utils import percent
from cnnfix_core.visualization import panel, photo_of

_MILLISECONDS = 150  # a frame of the animation
_GAP = 8  # pixels between its two pictures


def clip_words(found: ClipExplanation, density: Floats, rival: Floats | None) -> str:
    """Where and when the evidence lies, and where Grad-CAM does, given both maps; frames count from 1."""
    parts = [f"Half of the evidence {_lies(found, density)}."]
    if rival is not None and rival.any():
        parts.append(f"Half of Grad-CAM's map {_lies(found, rival)}.")
    elif rival is not None:
        parts.append("Grad-CAM's map is empty: no feature map speaks for this class.")
    parts.append(f"Walk and Grad-CAM took {found.seconds:.1f} s.")
    return " ".join(parts)


def clip_json(found: ClipExplanation) -> str:
    """The question, and for each frame that the network saw its fixations as [x, y, evidence] in the frame's pixels."""
    frames = []
    for number, share, fixations in zip(found.frames, found.by_frame, found.fixations, strict=True):
        frames.append({"frame": number + 1, "evidence": float(f"{share:.6g}"), "fixations": listed(fixations)})
    said = {
        **question_as_dict(found),
        "clip": {"width": found.clip.width, "height": found.clip.height, "sha256": found.clip.digest},
        "frames": frames,
    }
    return json_text(said)


def clip_animation(found: ClipExplanation) -> bytes:
    """A GIF: the frames that the network saw under the fixations' map, and beside it under Grad-CAM's."""
    maps = [found.density(MAP_SIDE)]
    rival = found.rival(MAP_SIDE)
    if rival is not None:
        maps.append(rival)
    frames = []
    for step, number in enumerate(found.frames):
        photo = photo_of(found.clip.frames[number], MAP_SIDE).convert("RGBA")
        sheet = Image.new("RGB", (len(maps) * (photo.width + _GAP) - _GAP, photo.height), "white")
        for place, all_frames in enumerate(maps):
            sheet.paste(panel(photo, all_frames[step], among=all_frames), (place * (photo.width + _GAP), 0))
        frames.append(sheet)
    content = io.BytesIO()
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:], duration=_MILLISECONDS, loop=0)
    return content.getvalue()


def _lies(found: ClipExplanation, density: Floats) -> str:
    """How large the smallest part of the clip with half of a map is, and in which frame most of the map is."""
    strongest = int(density.sum(axis=(1, 2)).argmax())
    return (
        f"lies on {percent(area_holding(density, 0.5))} of the clip; frame {found.frames[strongest] + 1} of "
        f"{len(found.clip)} has the most, {describe_position(density[strongest])}"
    )
