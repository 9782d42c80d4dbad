"""Networks that need no other package: EfficientNet-Lite, and small ones in the style of the paper's five.

The small ones are for composed scenes of 96 x 96 pixels; `training` trains them.
"""

from cnnfix_core.zoo.networks.alexnet import SmallAlexNet
from cnnfix_core.zoo.networks.densenet import SmallDenseNet
from cnnfix_core.zoo.networks.efficientnet import EfficientNetLite
from cnnfix_core.zoo.networks.googlenet import SmallGoogLeNet
from cnnfix_core.zoo.networks.per_place import SmallFCN, small_fcos
from cnnfix_core.zoo.networks.resnet import SmallResNet
from cnnfix_core.zoo.networks.vgg import SmallVGG

__all__ = [
    "EfficientNetLite",
    "SmallAlexNet",
    "SmallDenseNet",
    "SmallFCN",
    "SmallGoogLeNet",
    "SmallResNet",
    "SmallVGG",
    "small_fcos",
]
