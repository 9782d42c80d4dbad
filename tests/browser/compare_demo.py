"""The grid of maps on its own, for test_compare_grid.py: made-up maps, and a state that takes what a person does.

In the address: methods=3 or half,zero, rows=2, pins=1, busy=1 (cells in all states), across=1 (each row another
picture), view, scale, tool, boxes=1 (some are there), every=1 (sent anew each second), full=1 (no room for more).
"""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core.images.picture import open_picture
from cnnfix_core.regions.highest_density import BANDS
from cnnfix_core.visualization.drawing import BAND_COLOURS, BAND_OPACITY
from cnnfix_ui.compare.component import grid
from cnnfix_ui.compare.map_data import map_data
from cnnfix_ui.components.panels.component import photo_uri

Json = dict[str, Any]

PICTURES = (
    *("red-panda", "cat-and-dog", "pavilion", "chameleon"),
    *("dolphin", "giraffe", "paintbrushes", "guitar-and-drums"),
)
METHODS = {
    "fixations": ("CNN Fixations", "Fixations"),
    "published": ("CNN Fixations, as published", "Fixations"),
    "gradcam": ("Grad-CAM", "Class activation maps"),
    "gradcampp": ("Grad-CAM++", "Class activation maps"),
    "layercam": ("LayerCAM", "Class activation maps"),
    "scorecam": ("Score-CAM", "Class activation maps"),
    "cam": ("CAM", "Class activation maps"),
    "saliency": ("Gradient saliency", "Gradients"),
    "integrated_gradients": ("Integrated gradients", "Gradients"),
    "guided_backprop": ("Guided backpropagation", "Gradients"),
    "occlusion": ("Occlusion", "Perturbation"),
    "rise": ("RISE", "Perturbation"),
    "cmwp": ("Contrastive excitation backprop", "Excitation"),
    "centre": ("Centre", "Baselines"),
    "random": ("Random", "Baselines"),
    "zero": ("A map of <b>zeros</b>", "Simple"),
    "flat": ("The same everywhere", "Simple"),
    "half": ("The right half", "Simple"),
    "quarter": ("A quarter", "Simple"),
}
REASONS = {"cam": "CAM needs a global average before the last layer: this network has none."}
STATES = ("done", "running", "waiting", "stopped", "failed", "unfit")
CHOICES = {
    "view": ["maps", "difference", "slider"],
    "scale": ["area", "density", "own"],
    "tool": ["look", "box", "brush"],
}
ROWS = ("Red panda", "Egyptian cat", "Polecat <img src=x>", "Giant panda", "Titi", "Indri", "Madagascar cat", "Badger")


def number(name: str, default: int) -> int:
    return int(st.query_params.get(name, default))


@cache
def photo(name: str) -> Json:
    picture = open_picture(f"assets/samples/{name}.jpg")
    return {"uri": photo_uri(picture), "width": picture.width, "height": picture.height, "title": name}


def hill(at: tuple[float, float], width: float, size: tuple[int, int]) -> NDArray[np.float64]:
    x, y = np.meshgrid(*(np.linspace(0, 1, side) for side in size))
    hilly: NDArray[np.float64] = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / width**2)
    return hilly


def simple(method: str, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Maps whose values are known: 0 and, on average 1, one other."""
    map_ = np.zeros(shape)
    map_[
        : shape[0] // (2 if method == "quarter" else 1),
        (0 if method == "flat" else shape[1] // 2) :,
    ] = method != "zero"
    return map_


@cache
def density(method: str, row: int) -> NDArray[np.float64]:
    """Something like what the method gives: broad for CAMs, speckled for gradients, points for fixations."""
    dice = np.random.default_rng([list(METHODS).index(method), row])
    size = (224, 126)
    at = (0.42 + 0.08 * row % 0.3, 0.45)
    family = METHODS[method][1]
    if family == "Simple":
        return simple(method, size[::-1])
    if method == "random":
        return dice.uniform(size=size[::-1])
    if family == "Gradients":
        return hill(at, 0.3, size) * dice.gamma(0.4, size=size[::-1]) ** 2
    if family == "Fixations":
        places = dice.normal(at, (0.09, 0.14), (40, 2))
        return np.sum([hill((x, y), 0.025, size) * dice.gamma(1) for x, y in places], axis=0)
    coarse = hill(at, 0.32, size) + 0.4 * hill(tuple(dice.uniform(0.1, 0.9, 2)), 0.2, size)
    return coarse if family != "Perturbation" else coarse + 0.15 * dice.uniform(size=size[::-1])


@cache
def drawn(method: str, row: int) -> Json:
    return map_data(density(method, row))


def points(method: str, row: int, shot: Json) -> list[list[float]]:
    if METHODS[method][1] != "Fixations":
        return []
    dice = np.random.default_rng(row)
    x = dice.normal(0.45, 0.09, 250) * shot["width"]
    y = dice.normal(0.45, 0.14, 250) * shot["height"]
    evidence = np.sort(dice.gamma(0.6, size=250))[::-1]
    return [[int(a), int(b), float(f"{e:.3g}")] for a, b, e in zip(x, y, evidence, strict=True)]


def state_of(name: str) -> str:
    if name in st.session_state.stopped:
        return "stopped"
    return STATES[sum(map(ord, name)) % len(STATES)] if number("busy", 0) else "done"


def cell(method: str, row: int, across: bool) -> Json:
    key = photo_key(row, across)
    shot, name = photo(key), f"{method}|{row}"
    state = state_of(name)
    message = {
        "unfit": "CAM needs a global average before the last layer: this network has none.",
        "failed": "The network gave no score for this class <i>at all</i>.",
    }.get(state, "")
    done = state == "done"
    width, height = shot["width"], shot["height"]
    return {
        "id": name,
        "pinned": name in st.session_state.pins,
        "title": METHODS[method][0],
        "subtitle": ROWS[row],
        "photo": key,
        "truth": key,
        "strokes": key,
        "state": state,
        "progress": 0.37,
        "message": message,
        "map": drawn(method, row) if done else None,
        "points": points(method, row, shot) if done else [],
        "box": own_box(width, height) if done and method != "zero" else None,
        "layer": "blocks.6.0" if METHODS[method][1] == "Class activation maps" else None,
        "note": "Strongest point in the box, 82 % inside, box match 0.71"
        if done and st.session_state.truth.get(key)
        else "",
    }


def own_box(width: int, height: int) -> list[int]:
    return [width // 4, height // 5, 2 * width // 3, 4 * height // 5]


def photo_key(row: int, across: bool) -> str:
    return PICTURES[row] if across else PICTURES[0]


def data_of(methods: Iterable[str], rows: int) -> Json:
    state, across = st.session_state, bool(number("across", 0))
    cells = [
        {**cell(method, row, across), "column": column, "row": row}
        for row in range(rows)
        for column, method in enumerate(methods)
    ]
    pinned = [cell(*((name := pin.split("|"))[0], int(name[1])), across) for pin in state.pins]
    keys = sorted({one["photo"] for one in [*cells, *pinned]})
    return {
        "photos": {key: photo(key) for key in keys},
        "columns": [{"name": name, "title": METHODS[name][0], "about": f"About {name}."} for name in methods],
        "rows": [
            {
                "name": ROWS[row] if row else "",
                "title": PICTURES[row] if across else ROWS[row],
                "detail": f"{63 - 9 * row} %",
                "photo": photo_key(row, across),
                "removable": row > 0,
                "class": row,
                "classes": [
                    {"value": n, "title": title, "detail": f"{63 - 9 * n} %"} for n, title in enumerate(ROWS[:5])
                ],
            }
            for row in range(rows)
        ],
        "cells": cells,
        "pinned": pinned,
        "reference": (state.pins or [cells[0]["id"]])[0],
        "methods": [
            {"name": name, "title": title, "family": family, "reason": REASONS.get(name, "")}
            for name, (title, family) in METHODS.items()
        ],
        "room": not number("full", 0),
        "view": state.view,
        "scale": state.scale,
        "opacity": 0.75,
        "show_points": True,
        "show_boxes": True,
        "tool": state.tool,
        "undo": False,
        "brush": 40,
        "truth": {key: state.truth.get(key, []) for key in keys},
        "strokes": {key: state.strokes.get(key, []) for key in keys},
        "legendText": "Where this much of each map lies, darkest to brightest:",
        "bands": [
            {"share": share, "colour": colour, "opacity": opacity}
            for share, colour, opacity in zip(BANDS, BAND_COLOURS, BAND_OPACITY, strict=True)
        ],
        "alt": f"{len(cells)} maps of a red panda.",
    }


def take(act: Json) -> None:
    state = st.session_state
    state.acts = [*state.acts, act]
    match act:
        case {"on": key, "do": kind}:
            kept = "truth" if kind == "boxes" else "strokes"
            state[kept] = {**state[kept], key: act[kind]}
        case {"cell": name, "do": kind}:
            take_cell(name, kind)
        case {"do": "swap", "column": column, "method": method}:
            state.methods = [method if one == column else one for one in state.methods]
        case {"do": "add", "method": method}:
            state.methods = [*state.methods, method]
        case {"do": "remove", "column": column}:
            state.methods = [one for one in state.methods if one != column]
        case {"do": "remove_row"}:
            state.rows -= 1


def take_cell(name: str, kind: str) -> None:
    state = st.session_state
    match kind:
        case "pin":
            state.pins = [*state.pins, name]
        case "unpin":
            state.pins = [pin for pin in state.pins if pin != name]
        case "stop":
            state.stopped = [*state.stopped, name]
        case "again":
            state.stopped = [one for one in state.stopped if one != name]


def begin() -> None:
    state, shot = st.session_state, photo(PICTURES[0])
    width, height = shot["width"], shot["height"]
    there = [[width // 4 + 40, height // 6, width // 2 + 90, height - 20], [20, 30, 160, 200]]
    wanted = st.query_params.get("methods", "3")
    state.methods = list(METHODS)[: int(wanted)] if wanted.isdigit() else wanted.split(",")
    state.rows = number("rows", 2)
    state.pins = ["gradcam|0", "cmwp|0"][: number("pins", 0)]
    state.truth, state.strokes = {PICTURES[0]: there if number("boxes", 0) else []}, {}
    state.acts, state.stopped, state.sent = [], [], 0


@st.fragment(run_every=1 if number("every", 0) else None)
def shown() -> None:
    state = st.session_state
    state.sent += 1
    beside = st.columns(3)
    for column, (name, options) in zip(
        beside,
        CHOICES.items(),
        strict=True,
    ):
        state.setdefault(name, st.query_params.get(name, options[0]))
        column.segmented_control(name, options, key=name, required=True)
    grid(data_of(state.methods, state.rows), key="grid", on_act=take)
    st.text(f"Sent {state.sent} times.")
    st.text(f"Last: {json.dumps(state.acts[-1] if state.acts else None)}")
    st.text(f"Acts: {json.dumps([act['do'] for act in state.acts])}")


st.set_page_config(layout="wide")
if "methods" not in st.session_state:
    begin()
shown()
