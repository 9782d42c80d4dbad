"""The playback and its relay on their own, for test_backtrack_component.py: a made-up walk, and answers that fit it.

In the address: walks=2, blocks=60 (of eight steps each), step=9 (where to begin).
"""

import base64
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core.images.picture import open_picture
from cnnfix_ui.backtrack.component import player, relay
from cnnfix_ui.components.panels.component import photo_uri

SIDES = (7, 14, 28, 56, 112)
MOST = 300
PART = 12


@dataclass(eq=False)
class Layer:
    block: str
    title: str
    kind: str
    side: int  # 1: no place


@dataclass(eq=False)
class Points:
    cell: NDArray[Any]  # rows and columns
    evidence: NDArray[Any]
    parent: NDArray[Any]  # numbers through all clouds
    first: int


def layers(blocks: int) -> list[Layer]:
    found = [Layer("fc", "fc", "Fully connected", 1), Layer("avgpool", "avgpool", "Mean over the map", 1)]
    operations = [
        ("relu_2", "ReLU"),
        ("add", "Sum of two branches"),
        ("bn2", "Normalisation"),
        ("conv2", "Convolution 3 × 3"),
        ("relu_1", "ReLU"),
        ("bn1", "Normalisation"),
        ("conv1", "Convolution 3 × 3, stride 2"),
        ("downsample", "Convolution 1 × 1, stride 2"),
    ]
    for number in range(blocks):
        level = number * 4 // blocks
        name = f"layer{4 - level}.{blocks - number}"
        found += [Layer(name, title, kind, SIDES[level]) for title, kind in operations]
    stem = [
        ("maxpool", "Maximum of 3 × 3 <img src=x>"),
        ("relu", "ReLU"),
        ("bn1", "Normalisation"),
        ("conv1", "Convolution 7 × 7"),
    ]
    found += [Layer("conv1", title, kind, 56 if n == 0 else 112) for n, (title, kind) in enumerate(stem)]
    return [*found, Layer("picture", "picture", "The picture", 224)]


def walk(path: list[Layer], seed: int) -> list[Points]:
    """Each step's evidence goes on to places nearby; layers that keep places keep it as it is."""
    dice = np.random.default_rng(seed)
    points = [Points(np.zeros((1, 2), int), np.ones(1), np.full(1, -1), 0)]
    for above, layer in pairwise(path):
        last = points[-1]
        if layer.side == above.side and "Convolution" not in above.kind:
            points.append(last)
            continue
        parts = 9 if layer.side == 7 else 3
        centre = (
            dice.integers(1, 6, (1, parts, 2)) if layer.side == 7 else last.cell[:, None] * layer.side // above.side
        )
        cells = (centre + dice.integers(-1, 2, (len(last.cell), parts, 2))).clip(0, layer.side - 1)
        shares = dice.dirichlet(np.full(parts, 0.7), len(last.cell)) * last.evidence[:, None]
        points.append(
            gathered(cells.reshape(-1, 2), shares.reshape(-1), np.repeat(np.arange(len(last.cell)), parts), last)
        )
    return points


def gathered(cells: NDArray[Any], shares: NDArray[Any], origin: NDArray[Any], last: Points) -> Points:
    where, group = np.unique(cells, axis=0, return_inverse=True)
    evidence = np.bincount(group, shares)
    parent = np.zeros(len(where), int)
    for n in np.argsort(shares):  # the strongest has the last word
        parent[group[n]] = origin[n]
    order = np.argsort(-evidence)[:MOST]
    return Points(where[order], evidence[order], last.first + parent[order], last.first + len(last.cell))


def packed(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(values.astype(kind).tobytes()).decode()


def numbers(path: list[Layer], points: list[Points], clouds: list[Points], aside: int | None) -> list[dict[str, Any]]:
    rows = []
    for n, (layer, cloud) in enumerate(zip(path, points, strict=True)):
        order = np.cumsum(cloud.evidence) <= cloud.evidence.sum() / 2
        size = None if layer.side == 1 else [0.75 / layer.side, 1 / layer.side]
        rows.append({
            "cloud": -1 if n == aside else clouds.index(cloud),
            "elements": 4 * len(cloud.evidence),
            "places": len(cloud.evidence),
            "size": [] if layer.title == "fc" else [layer.side, layer.side],
            "evidence": min(1.0, float(cloud.evidence.sum())),
            "spread": (order.sum() + 1) / layer.side**2,
            "field": size and [min(1.0, size[0] * (1 + layer.side / 30)), min(1.0, size[1] * (1 + layer.side / 30))],
            "cell": size,
        })  # fmt: skip
    return rows


def walk_data(path: list[Layer], points: list[Points], title: str, aside: int | None) -> dict[str, Any]:
    clouds = [cloud for n, cloud in enumerate(points) if n == 0 or cloud is not points[n - 1]]
    sides = {id(cloud): layer.side for layer, cloud in zip(path, points, strict=True)}
    xy = np.concatenate([(cloud.cell + 0.5) / sides[id(cloud)] for cloud in clouds])
    none = np.full((1, 2), 65535)
    where = np.concatenate([none if sides[id(cloud)] == 1 else cloud.cell for cloud in clouds])
    return {
        "title": title,
        "steps": numbers(path, points, clouds, aside),
        "clouds": [{"first": cloud.first, "count": len(cloud.evidence)} for cloud in clouds],
        "x": packed((0.125 + 0.75 * xy[:, 1]) * 65535, "<u2"),
        "y": packed(xy[:, 0] * 65535, "<u2"),
        "row": packed(where[:, 0], "<u2"),
        "column": packed(where[:, 1], "<u2"),
        "evidence": packed(np.concatenate([cloud.evidence for cloud in clouds]), "<f4"),
        "parent": packed(np.concatenate([cloud.parent for cloud in clouds]), "<i4"),
    }


@cache
def walked(blocks: int) -> tuple[list[Layer], list[Points], list[Points]]:
    path = layers(blocks)
    return path, walk(path, 3), walk(path, 8)


@cache
def playback_of(blocks: int, walks: int) -> dict[str, Any]:
    path, first, second = walked(blocks)
    names = list(dict.fromkeys(layer.block for layer in path))
    blocks_ = [
        {"title": name, "kind": "", "module": "", "first": min(at), "last": max(at)}
        for name in names
        if (at := [n for n, layer in enumerate(path) if layer.block == name])
    ]
    sides = [next(layer.side for layer in reversed(path) if layer.block == name) for name in names]
    starts = [n for n, side in enumerate(sides) if n == 0 or side != sides[n - 1]]
    stages = [
        {
            "title": "Head" if sides[a] == 1 else f"{sides[a]} × {sides[a]}",
            "note": "picture" if sides[a] == 224 else "",
            "first": a,
            "last": b - 1,
        }
        for a, b in zip(starts, [*starts[1:], len(sides)], strict=True)
    ]
    data = [walk_data(path, first, "Our method", None), walk_data(path, second, "The 2019 paper", 9)]
    return {
        "photo": photo_uri(open_picture("assets/samples/red-panda.jpg")),
        "ratio": 4 / 3,
        "view": [0.125, 0.0, 0.875, 1.0],
        "stages": stages,
        "blocks": blocks_,
        "steps": [
            {
                "title": layer.title if layer.block == "picture" else layer.kind,
                "purpose": "does something",
                "module": "" if layer.block == "picture" else module(layer),
                "shape": f"64 × {layer.side} × {layer.side}" if layer.side > 1 else "512",
                "words": f"{layer.kind} at {layer.block}: the evidence lies at {len(points.evidence)} places.",
            }
            for layer, points in zip(path, first, strict=True)
        ],
        "walks": data[:walks],
        "overlap": None if walks < 2 else [max(0.05, 1 - 0.06 * n) for n in range(len(path))],
        "part": None if walks < 2 else PART,
        "end": None,
        "partWords": "" if walks < 2 else f"The two walks diverge at {module(path[PART])}.",
    }


def module(layer: Layer) -> str:
    return layer.block if layer.block == layer.title else f"{layer.block}.{layer.title}"


def line_of(first: list[Points], point: int) -> dict[int, NDArray[Any]]:
    """For each cloud the evidence on the line of one point: what led to it, and what came from it."""
    clouds = [cloud for n, cloud in enumerate(first) if n == 0 or cloud is not first[n - 1]]
    own = next(n for n, cloud in enumerate(clouds) if point < cloud.first + len(cloud.evidence))
    carried: dict[int, NDArray[Any]] = {own: np.zeros(len(clouds[own].evidence))}
    carried[own][point - clouds[own].first] = clouds[own].evidence[point - clouds[own].first]
    for n in range(own, 0, -1):
        above = clouds[n - 1]
        carried[n - 1] = np.bincount(clouds[n].parent - above.first, carried[n], minlength=len(above.evidence))
    for n in range(own + 1, len(clouds)):
        from_line = carried[n - 1][clouds[n].parent - clouds[n - 1].first] > 0
        carried[n] = np.where(from_line, clouds[n].evidence, 0)
    return {n: np.ceil(255 * (c / clouds[n].evidence).clip(0, 1)) for n, c in carried.items() if np.any(c)}


def decision() -> dict[str, Any]:
    activations = np.array([[0.0, 1.5, 0.5], [2.0, 3.0, 0.0], [0.25, 1.0, 0.5]])
    weights = np.array([[0.1, -0.5, 0.2], [0.3, 0.75, -0.1], [0.0, 0.25, 0.5]])
    products = activations * weights
    terms = [
        {
            "label": f"channel 12 at row {row}, column {column}",
            "go": {"step": 5, "element": f"12.{row}.{column}"},
            "activation": activations[row, column],
            "coefficient": weights[row, column],
            "product": products[row, column],
            "share": products[row, column] / products.clip(0).sum(),
            "sign": 1,
            "winner": (row, column) == (1, 1),
        }
        for row, column in [(1, 1), (1, 0), (2, 1)]
    ]
    return {
        "kind": "window",
        "title": "channel 83 at row 2, column 3",
        "value": products.sum() + 0.1,
        "sign": 1,
        "evidence": 0.12,
        "sentence": "Channel 12 at row 1, column 1 receives 63 % of the evidence.",
        "question": "Why is it high?",
        "terms": terms,
        "inputs": 9,
        "others": products.sum() - sum(term["product"] for term in terms),
        "bias": 0.1,
        "grid": {
            "channel": 12,
            "corner": [0, 0],
            "activations": activations.tolist(),
            "coefficients": weights.tolist(),
            "products": products.tolist(),
            "winner": [1, 1],
            "whole": True,
        },
    }


def maps(side: int, chosen: int) -> dict[str, Any]:
    dice = np.random.default_rng(side)
    rows = min(side, 28)
    steps = np.arange(rows)
    waves = [np.add.outer(np.sin(steps / a), np.cos(steps / b)) for a, b in dice.uniform(1, 6, (8, 2))]
    return {
        "rows": rows,
        "columns": rows,
        "low": 0.0,
        "high": 2.0,
        "extent": [0.125, 0.0, 0.875, 1.0],
        "channels": [
            {
                "channel": 7 * n,
                "label": f"channel {7 * n}",
                "share": 0.3 / (n + 1),
                "values": packed(127 * wave.clip(0), "u1"),
                "places": [[rows // 2, rows // 3, 0.1]],
                "current": 7 * n == chosen,
            }
            for n, wave in enumerate(waves)
        ],
        "reduced": "" if side == rows else f"shown at 1/{side // rows} of its size",
    }


def element(n: int) -> dict[str, Any]:
    label = f"channel 83 at row {n}, column 3"
    return {"id": f"83.{n}.3", "label": label, "share": 0.2 / (n + 1), "sign": 1, "current": n == 0}


def answer_to(ask: dict[str, Any], path: list[Layer], first: list[Points]) -> dict[str, Any]:
    step, chosen = ask["step"], ask["chosen"]
    layer = path[step]
    lit = line_of(first, chosen["point"]) if chosen and "point" in chosen else None
    last = len({cloud.first for cloud in first}) - 1
    share = float(first[-1].evidence[lit[last] > 0].sum()) if lit and last in lit else 0
    return {
        "playback": ask["playback"],
        "ask": ask["ask"],
        "step": step,
        "chosen": chosen
        and {"step": chosen["step"], "words": "the chosen place", "summary": f"{share:.1%} of the evidence came by."},
        "lit": None if lit is None else {str(cloud): packed(part, "u1") for cloud, part in lit.items()},
        "heading": layer.kind,
        "module": module(layer),
        "shape": f"64 × {layer.side} × {layer.side}",
        "words": "Made up.",
        "ranked": "Strongest here",
        "point": -1,
        "elements": [element(n) for n in range(6)],
        "decision": decision(),
        "maps": None if layer.side in (1, 224) else maps(layer.side, (chosen or {}).get("channel", 0)),
    }


def number(name: str, default: int) -> int:
    return int(st.query_params.get(name, default))


@st.fragment
def talk(path: list[Layer], first: list[Points]) -> None:
    state = st.session_state
    state.answers = state.get("answers", 0) + 1
    relay(answer_to(state.ask, path, first), key="relay", on_ask=lambda ask: state.update(ask=ask))
    st.write(f"Fragment runs: {state.answers}. Asked: step {state.ask['step']}, number {state.ask['ask']}.")
    if st.button("Python goes to step 2"):
        state.ask = {**state.ask, "step": 2}
        st.rerun(scope="fragment")


st.set_page_config(layout="wide")
st.session_state.setdefault("runs", 0)
st.session_state.runs += 1
blocks, walks = number("blocks", 8), number("walks", 1)
path, first, _ = walked(blocks)
name = f"{blocks}-{walks}-{st.session_state.get('other', 0)}"
st.session_state.setdefault("ask", {"playback": name, "ask": 0, "step": number("step", 0), "chosen": None})
if st.session_state.ask["playback"] != name:
    st.session_state.ask = {"playback": name, "ask": 0, "step": 0, "chosen": None}
st.write("Before")
start = {"step": st.session_state.ask["step"], "open": None}
talk_first = st.container()
player({"id": name, "start": start, **playback_of(blocks, walks)}, key="playback")
with talk_first:
    talk(path, first)
st.write(f"Script runs: {st.session_state.runs}.")
st.button("Another walk", on_click=lambda: st.session_state.update(other=st.session_state.get("other", 0) + 1))
