"""Small networks in the style of the paper's five, for composed scenes of 96 x 96 pixels; `training` trains them."""

from cnnfix_core.zoo.networks.alexnet import SmallAlexNet
from cnnfix_core.zoo.networks.dense import SmallFCN, small_fcos
from cnnfix_core.zoo.networks.densenet import SmallDenseNet
from cnnfix_core.zoo.networks.googlenet import SmallGoogLeNet
from cnnfix_core.zoo.networks.resnet import SmallResNet
from cnnfix_core.zoo.networks.vgg import SmallVGG

__all__ = [
    "SmallAlexNet",
    "SmallDenseNet",
    "SmallFCN",
    "SmallGoogLeNet",
    "SmallResNet",
    "SmallVGG",
    "small_fcos",
]
