"""A walk for the browser: all data that the player needs, sent once."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.backtrack import (
    Block,
    Cloud,
    Path,
    Playback,
    Stage,
    Step,
    Walked,
    block_kind,
    block_name,
    evidence_words,
    kind,
    overlap,
    purpose,
    shape,
    spread,
)
from cnnfix_core.engine import PRESET_TITLES, Trace

# Two walks diverge where less than this share of their evidence lies at the same places.
_PARTED = 0.5
_MOST = 65535


def playback_data(walked: Walked, name: str) -> dict[str, Any]:
    """The data of the player, without photograph and map. name: unique to this walk."""
    path, picture = walked.path, walked.explanation.fixations
    overlaps = [_overlap(walked.playbacks, step) for step in path.steps] if len(walked.playbacks) > 1 else None
    return {
        "id": name,
        "ratio": picture.width / picture.height,
        "view": walked.window,
        "stages": [_stage(stage, path) for stage in path.stages],
        "blocks": [_block(block, path) for block in path.blocks],
        "steps": [_step(step, walked) for step in path.steps],
        "walks": [
            _walk(walked, playback, trace) for playback, trace in zip(walked.playbacks, walked.traces, strict=True)
        ],
        "overlap": overlaps,
        **_parting(path, overlaps),
    }


def _stage(stage: Stage, path: Path) -> dict[str, Any]:
    first = path.steps[path.blocks[stage.first].first]
    unit = "pixels" if first.operation is None else "places"
    return {
        "title": " × ".join(map(str, stage.size)) if stage.size else "no places",
        "note": unit if stage.size else "",
        "first": stage.first,
        "last": stage.last,
    }


def _block(block: Block, path: Path) -> dict[str, Any]:
    return {
        "title": block_name(path, block),
        "kind": block_kind(path, block),
        "module": "" if path.steps[block.first].operation is None else block.short,
        "first": block.first,
        "last": block.last,
    }


def _step(step: Step, walked: Walked) -> dict[str, Any]:
    return {
        "title": kind(step.operation),
        "purpose": purpose(step.operation),
        "module": step.module,
        "shape": shape(step),
        "words": evidence_words(step, walked.trace, walked.playbacks[0]),
    }


def _walk(walked: Walked, playback: Playback, trace: Trace) -> dict[str, Any]:
    xy = walked.on_picture(np.concatenate([cloud.xy for cloud in playback.clouds]))
    x0, y0, x1, y1 = walked.window
    spots = np.rint(xy.clip(0, 1) * _MOST).astype("<u2")
    places = np.concatenate([_rows_and_columns(cloud) for cloud in playback.clouds])
    return {
        "title": PRESET_TITLES.get(trace.preset.name, trace.preset.name),
        "steps": [_numbers(playback, trace, step, (x1 - x0, y1 - y0)) for step in walked.path.steps],
        "clouds": [{"first": cloud.first, "count": len(cloud.evidence)} for cloud in playback.clouds],
        "x": packed(spots[:, 0]),
        "y": packed(spots[:, 1]),
        "row": packed(places[:, 0]),
        "column": packed(places[:, 1]),
        "evidence": packed(np.concatenate([cloud.evidence for cloud in playback.clouds]).astype("<f4")),
        "parent": packed(np.concatenate([cloud.parent for cloud in playback.clouds]).astype("<i4")),
    }


def _rows_and_columns(cloud: Cloud) -> NDArray[np.uint16]:
    """(N, 2) rows and columns of points in the feature map; the largest number where there is no feature map."""
    if cloud.place.shape[1] == 2:
        return cloud.place.astype("<u2")
    return np.full((len(cloud.place), 2), _MOST, "<u2")


def _numbers(playback: Playback, trace: Trace, step: Step, size: tuple[float, float]) -> dict[str, Any]:
    cloud = playback.cloud_at(step.number)
    selection = trace.selection(step.value)

    def scaled(pair: tuple[float, float] | None) -> tuple[float, float] | None:
        return pair and (round(pair[0] * size[0], 5), round(pair[1] * size[1], 5))

    return {
        "cloud": playback.of_step[step.number],
        "elements": len(selection),
        "places": cloud.places if cloud else 0,
        "size": step.size,
        "evidence": round(selection.total, 4),
        "spread": round(spread(cloud), 4) if cloud else 0.0,
        "field": scaled(playback.field[step.number]),
        "cell": scaled(playback.cell[step.number]),
    }


def _overlap(playbacks: tuple[Playback, ...], step: Step) -> float:
    first, second = (playback.cloud_at(step.number) for playback in playbacks)
    return round(overlap(first, second), 3) if first and second else 0.0


def _parting(path: Path, overlaps: list[float] | None) -> dict[str, Any]:
    """The first block at which two walks share less than half of their evidence, and a sentence about it."""
    if overlaps is None:
        return {"part": None, "partWords": ""}
    part = next((block.first for block in path.blocks if overlaps[block.first] < _PARTED), None)
    if part is None:
        return {
            "part": None,
            "partWords": "The two walks do not diverge: at every block they share at least half of their evidence.",
        }
    step = path.steps[part]
    name = "the picture itself" if step.operation is None else block_name(path, path.blocks[step.block])
    words = f"The two walks diverge at {name}: less than half of their evidence lies at the same places there."
    return {"part": part, "partWords": words}


def packed(array: NDArray[Any]) -> str:
    """The bytes of an array as base64 text."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
