"""The network for sketches of forty kinds of objects, drawn in black on white."""

from __future__ import annotations

from cnnfix_core.zoo.labels import Labels
from cnnfix_core.zoo.networks import EfficientNetLite
from cnnfix_core.zoo.preprocessing import Preprocessing
from cnnfix_core.zoo.sources.shipped import TrainedNetwork

SIDE = 160  # pixels, the input
KINDS = (
    "ant",
    "bicycle",
    "butterfly",
    "camel",
    "carrot",
    "cat",
    "cloud",
    "comb",
    "crown",
    "dog",
    "dolphin",
    "duck",
    "elephant",
    "envelope",
    "eye",
    "eyeglasses",
    "fish",
    "fork",
    "guitar",
    "helicopter",
    "hourglass",
    "lightbulb",
    "lion",
    "mermaid",
    "mushroom",
    "parachute",
    "pear",
    "pizza",
    "present",
    "rainbow",
    "scissors",
    "sheep",
    "snake",
    "squirrel",
    "strawberry",
    "sun",
    "tomato",
    "tree",
    "violin",
    "wine bottle",
)


NETWORK = TrainedNetwork(
    "sketches",
    "Sketches EfficientNet-Lite0",
    EfficientNetLite,
    3_422_248,
    Labels.of(KINDS),
    Preprocessing((SIDE, SIDE), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), interpolation="bicubic"),
    "sketches",
    "MIT; trained on sketches under CC BY 4.0",
)
