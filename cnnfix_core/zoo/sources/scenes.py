"""The small networks for composed scenes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from cnnfix_core.synthetic import CLASSES, SIDE
from cnnfix_core.zoo import networks
from cnnfix_core.zoo.labels import Labels
from cnnfix_core.zoo.preprocessing import Preprocessing
from cnnfix_core.zoo.sources.shipped import TrainedNetwork

PREPROCESSING = Preprocessing((SIDE, SIDE), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), interpolation="bicubic")
LABELS = Labels(
    CLASSES,
    (
        "a star with five points",
        "a disc with a wide round hole",
        "two bars of the same length that cross in the middle",
        "a disc with another disc cut out, like the new moon",
        "a shaft with a head",
        "a heart as on playing cards",
        "a band wound around twice",
        "five or six round petals around a hole",
        "a lightning bolt with two bends",
        "an oval body with a tail fin",
    ),
)


def _network(name: str, title: str, build: Callable[[int], nn.Module], parameters: int) -> TrainedNetwork:
    return TrainedNetwork(name, title, build, parameters, LABELS, PREPROCESSING, "networks")


NETWORKS = (
    _network("scenes_alexnet", "Scenes AlexNet", networks.SmallAlexNet, 261_018),
    _network("scenes_vgg", "Scenes VGG", networks.SmallVGG, 196_994),
    _network("scenes_googlenet", "Scenes GoogLeNet", networks.SmallGoogLeNet, 131_730),
    _network("scenes_resnet", "Scenes ResNet", networks.SmallResNet, 209_274),
    _network("scenes_densenet", "Scenes DenseNet", networks.SmallDenseNet, 109_338),
    _network("scenes_cleverhans", "Scenes clever Hans", networks.SmallGoogLeNet, 131_730),
)

_GROUND = Labels(("ground", *LABELS.synonyms), ("the background", *LABELS.definitions))
SEGMENTING = TrainedNetwork(
    "scenes_fcn", "Scenes FCN", networks.SmallFCN, 220_457, _GROUND, PREPROCESSING, "tasks", task="segmentation"
)
DETECTING = TrainedNetwork(
    "scenes_fcos",
    "Scenes FCOS",
    partial(networks.small_fcos, side=SIDE),
    557_359,
    LABELS,
    Preprocessing((SIDE, SIDE), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), interpolation="bicubic"),
    "tasks",
    task="detection",
)
