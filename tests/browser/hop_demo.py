"""The hop panel and the feature maps on their own, for test_hop_panel.py: answers whose numbers add up."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

import cnnfix_ui
from cnnfix_ui.components.assets import script, sheets

WEB = Path(cnnfix_ui.__file__).parent / "backtrack" / "web"
HTML = (
    '<div class="frame"><section class="hop"></section><div class="photo"></div><section class="maps"></section></div>'
)

component = st.components.v2.component(
    "hop_demo",
    html=HTML,
    css=sheets(WEB, "hop.css", "maps.css") + ".frame { display: grid; gap: 2rem } .photo canvas { width: 12rem }",
    js=script(Path(__file__).with_suffix(".js")),
)

Json = dict[str, Any]
Floats = NDArray[np.float64]
random = np.random.default_rng(4)


def rows(values: Floats) -> list[list[float | None]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in values]


def term(label: str, activation: float, coefficient: float | None, **more: Any) -> Json:
    product = activation if coefficient is None else activation * coefficient
    known = {"label": label, "activation": activation, "coefficient": coefficient, "product": product}
    return known | {"go": None, "share": 0.0, "sign": 1, "winner": False} | more


def decision(kind: str, value: float, terms: list[Json], sentence: str, **more: Any) -> Json:
    known = {"kind": kind, "title": "channel 83 at row 12, column 7", "value": value, "sign": 1, "evidence": 0.041}
    known |= {"question": "Why is it high?", "sentence": sentence, "terms": terms, "inputs": len(terms)}
    return known | {"others": 0.0, "bias": None, "grid": None} | more


def weighted(inputs: Floats, weights: Floats, labels: list[str], elements: list[str], k: int) -> list[Json]:
    """The terms with the largest products, of which positive ones were followed."""
    products = np.nan_to_num(inputs * weights)
    order = np.argsort(-products)[: k - 2].tolist() + np.argsort(products)[:2].tolist()
    total = sum(products[order[:3]])
    return [
        term(
            labels[n],
            float(inputs[n]),
            float(weights[n]),
            go={"step": 31, "element": elements[n]} if place < 3 else None,
            share=0.041 * products[n] / total if place < 3 else 0.0,
            sign=1 if weights[n] > 0 else -1,
            winner=place == 0,
        )
        for place, n in enumerate(order)
    ]


def convolution(size: int, channels: int, padded: bool) -> Json:
    """One number of a convolution, its window half a filter beyond the edge if `padded`."""
    inputs = random.normal(0.4, 1.1, (channels, size, size))
    if size == 3:
        inputs = np.abs(inputs)
        inputs[:, 1, 0] = -np.abs(inputs[:, 1, 0])
    if padded:
        inputs[:, : size // 2] = np.nan
    weights = random.normal(0.02, 0.4, (channels, size, size))
    corner = (-(size // 2), 6) if padded else (11, 6)
    places = [(c, corner[0] + y, corner[1] + x) for c in range(channels) for y in range(size) for x in range(size)]
    labels = [f"channel {c} at row {y}, column {x}" for c, y, x in places]
    names = [f"{c}.{y}.{x}" for c, y, x in places]
    terms = weighted(inputs.ravel(), weights.ravel(), labels, names, 10)
    products = inputs * weights
    winner = int(np.nanargmax(products))
    channel, row, column = np.unravel_index(winner, products.shape)
    listed = sum(term["product"] for term in terms)
    others, bias = float(np.nansum(products)) - listed, 0.31
    return decision(
        "window",
        listed + others + bias,
        terms,
        f"The input window of {size} × {size} in {channels} channels, times the filter, summed. 3 inputs speak for it "
        "most strongly; the evidence goes on to them.",
        inputs=int(np.isfinite(inputs).sum()),
        others=others,
        bias=bias,
        grid={
            "channel": int(channel),
            "corner": corner,
            "activations": rows(inputs[channel]),
            "coefficients": rows(weights[channel]),
            "products": rows(products[channel]),
            "winner": (int(row), int(column)),
        },
    )


def mean() -> Json:
    inputs = np.maximum(random.normal(0.2, 1.0, (7, 7)), 0)
    labels = [f"channel 83 at row {y}, column {x}" for y in range(7) for x in range(7)]
    names = [f"83.{y}.{x}" for y in range(7) for x in range(7)]
    weights = np.full(49, 1 / 49)
    terms = weighted(inputs.ravel(), weights, labels, names, 8)
    listed = sum(term["product"] for term in terms)
    grid = {"channel": 83, "corner": (0, 0), "activations": rows(inputs), "coefficients": rows(weights.reshape(7, 7))}
    grid |= {"products": rows(inputs / 49), "winner": tuple(map(int, np.unravel_index(inputs.argmax(), (7, 7))))}
    sentence = "The mean of the feature map of channel 83. The evidence is shared out as its numbers are."
    return decision(
        "mean", float(inputs.mean()), terms, sentence, inputs=49, others=float(inputs.mean()) - listed, grid=grid
    )


def dense() -> Json:
    inputs, weights = np.maximum(random.normal(0.3, 1, 1280), 0), random.normal(0.01, 0.07, 1280)
    units = [f"unit {n}" for n in range(1280)]
    terms = weighted(inputs, weights, units, [str(n) for n in range(1280)], 12)
    terms[1]["sign"] = -1
    terms[1]["activation"], terms[1]["coefficient"] = -terms[1]["activation"], -terms[1]["coefficient"]
    listed, others = sum(term["product"] for term in terms), 2.75
    return decision(
        "dense",
        listed + others - 0.02,
        terms,
        "1,280 inputs, each times its weight, and the bias. Its evidence went to 3 of them.",
        title="the score of “Egyptian cat <b>bold</b>”",
        inputs=1280,
        others=others,
        bias=-0.02,
        evidence=1.0,
    )


def maximum() -> Json:
    inputs = np.array([[0.4, 2.31, np.nan], [-1.2, 0.0, np.nan], [0.93, 1.7, np.nan]])
    way = {"go": {"step": 31, "element": "83.24.14"}, "share": 0.041, "winner": True}
    terms = [term("channel 83 at row 24, column 14", 2.31, None, **way)]
    grid = {"channel": 83, "corner": (24, 13), "activations": rows(inputs), "coefficients": None, "products": None}
    sentence = "The largest of the window was taken: channel 83 at row 24, column 14."
    return decision("maximum", 2.31, terms, sentence, inputs=6, grid=grid | {"winner": (0, 1)})


def total() -> Json:
    way = {"go": {"step": 31, "element": "83.12.7"}, "share": 0.041, "winner": True}
    terms = [
        term("conv3, channel 83 at row 12, column 7", 2.9, 1.0, **way),
        term("downsample.0, channel 83 at row 12, column 7", -0.8, 1),
    ]
    return decision("sum", 2.1, terms, "Two branches were added; the first speaks for it, the second against it.")


def single(kind: str, value: float, activation: float, coefficient: float | None, **more: Any) -> Json:
    way = {"go": {"step": 31, "element": "83.12.7"}, "share": 0.041, "winner": True}
    one = term("channel 83 at row 12, column 7", activation, coefficient, **way)
    return decision(kind, value, [one], f"A hop of the kind “{kind}”: its evidence went on to one input.", **more)


def other() -> Json:
    terms = [
        term(
            f"channel {n} at row 12, column 7",
            1.5 - n,
            None,
            go={"step": 31, "element": f"{n}.12.7"},
            share=0.02 / (n + 1),
        )
        for n in range(3)
    ]
    return decision("other", 1.2, terms, "Only where the evidence went is known here.", inputs=40)


DECISIONS: dict[str, Json | None] = {
    "window": convolution(3, 240, False),
    "edge": convolution(3, 24, True),
    "window 1": convolution(1, 96, False),
    "window 7": convolution(7, 3, False),
    "window 11": convolution(11, 3, True),
    "mean": mean(),
    "dense": dense(),
    "maximum": maximum(),
    "sum": total(),
    "joined": single("joined", 2.31, 2.31, None, inputs=4),
    "gated": single("gated", 2.31 * 0.62, 2.31, 0.62),
    "scaled": single("scaled", 2.31 * 1.4 - 0.9, 2.31, 1.4, bias=-0.9),
    "function": single("function", 0.0, -0.21, None, sign=-1),
    "moved": single("moved", 2.31, 2.31, None),
    "other": other(),
    "input": decision("input", 1.87, [], "A pixel of the picture, as the network sees it: nothing is behind it."),
    "none": None,
    "nothing": None,
}


def maps(signed: bool) -> Json:
    side, low, high = 14, -2.4 if signed else 0.0, 5.1
    y, x = np.mgrid[:side, :side]
    channels = []
    for n, channel in enumerate([83, 12, 7, 201, 40, 66, 5, 19, 130, 77, 3, 91]):
        cy, cx = random.uniform(3, 11, 2)
        hill = (high - 0.35 * n) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / random.uniform(4, 20))
        values = hill + random.normal(0, 0.5, (side, side)) - (0.9 if signed else 0)
        values = values.clip(low, high)
        tops = np.argsort(-values.ravel())[: 1 + n % 4]
        channels.append(
            {
                "channel": channel,
                "label": f"channel {channel}",
                "share": 0.2 / (n + 1),
                "values": base64.b64encode(np.rint(255 * (values - low) / (high - low)).astype(np.uint8)).decode(),
                "places": [(int(t) // side, int(t) % side, 0.05 / (place + 1)) for place, t in enumerate(tops)],
                "current": n == 0,
            }
        )
    extent = [0.0625, 0.0, 0.9375, 1.0]
    known = {"rows": side, "columns": side, "low": low, "high": high, "extent": extent, "channels": channels}
    return known | {"reduced": "28 × 28, shown as the maximum of each 2 × 2" if signed else ""}


def answer(kind: str, chosen: Json) -> Json | None:
    """What Python would say; what is chosen is the current element or channel."""
    if kind == "nothing":
        return None
    hop = DECISIONS[kind]
    ids = ["83.12.7", "12.11.7", "83.12.8", "7.3.9", "201.13.13", "40.2.6", "66.6.6"] if hop else []
    current = chosen.get("element", "83.12.7")
    elements = [
        {
            "id": name,
            "label": "channel {} at row {}, column {}".format(*name.split(".")),
            "share": 0.041 / (n + 1),
            "sign": 1,
            "current": name == current,
        }
        for n, name in enumerate(ids)
    ]
    planes = None if kind == "dense" else maps(kind != "mean")
    for one in planes["channels"] if planes else ():
        one["current"] = one["channel"] == chosen.get("channel", 83)
    about = {
        "heading": "Depthwise convolution 3 × 3, stride 2",
        "module": "blocks.3.0.conv_dw",
        "shape": "240 × 14 × 14",
    }
    known = {"playback": "demo", "ask": 1, "step": 30, "chosen": None, "lit": None, "words": ""}
    return known | about | {"ranked": "Strongest here", "elements": elements, "decision": hop, "maps": planes}


def gone() -> None:
    st.session_state.gone = st.session_state.demo.gone


kind = st.selectbox("Kind", DECISIONS, key="kind", bind="query-params")
large = st.toggle("Large", key="large", bind="query-params")
went = st.session_state.get("gone")
st.text(f"Went: {json.dumps(went)}")
chosen = (went or {}).get("chosen") or {}
component(key="demo", data={"answer": answer(kind, chosen), "large": large}, on_gone_change=gone)
