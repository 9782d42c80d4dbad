"""Small networks for segmentation (FCN) and detection (FCOS), both based on the small ResNet."""

from __future__ import annotations

from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn

from cnnfix_core.errors import need
from cnnfix_core.zoo.networks.resnet import SmallResNet

_CHANNELS = (16, 32, 72)  # of the small ResNet at strides 4, 8 and 16


class _Backbone(nn.Module):
    """The small ResNet's feature maps at strides 4, 8 and 16."""

    def __init__(self) -> None:
        super().__init__()
        layers = list(SmallResNet(1))
        self.stages = nn.ModuleList(
            [nn.Sequential(*layers[:6]), nn.Sequential(*layers[6:8]), nn.Sequential(*layers[8:10])]
        )

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Three maps, (N, 16, H / 4, W / 4) the first."""
        maps = [pictures]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]


class SmallFCN(nn.Module):
    """Scores of each class at each pixel: scores at three strides, enlarged and added (Long et al., CVPR 2015)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.backbone = _Backbone()
        self.heads = nn.ModuleList(nn.Conv2d(channels, classes, 3, padding=1) for channels in _CHANNELS)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """{"out": (N, classes, H, W)}, as torchvision's segmentation networks."""
        fine, middle, coarse = (head(found) for head, found in zip(self.heads, self.backbone(pictures), strict=True))
        for finer in (middle, fine):
            coarse = finer + _enlarged(coarse, finer)
        return {"out": _enlarged(coarse, pictures)}


class _Pyramid(nn.Module):
    """One feature map at stride 8, from the small ResNet's maps at strides 8 and 16 (Lin et al., CVPR 2017)."""

    out_channels = 64

    def __init__(self) -> None:
        super().__init__()
        self.body = _Backbone()
        self.lateral = nn.ModuleList(nn.Conv2d(channels, self.out_channels, 1) for channels in _CHANNELS[1:])
        self.smooth = nn.Conv2d(self.out_channels, self.out_channels, 3, padding=1)

    def forward(self, pictures: Tensor) -> OrderedDict[str, Tensor]:
        """{"0": (N, 64, H / 8, W / 8)}."""
        middle, coarse = (lateral(found) for lateral, found in zip(self.lateral, self.body(pictures)[1:], strict=True))
        return OrderedDict({"0": self.smooth(middle + _enlarged(coarse, middle))})


def small_fcos(classes: int, side: int) -> nn.Module:
    """Torchvision's FCOS (Tian et al., ICCV 2019) with one level, for pictures of side x side pixels, 0 to 1.

    Labels start at 0, and there is no background class.
    """
    need("torchvision")
    from torchvision.models.detection import FCOS
    from torchvision.models.detection.anchor_utils import AnchorGenerator

    module: nn.Module = FCOS(
        _Pyramid(),
        classes,
        min_size=side,
        max_size=side,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.25, 0.25, 0.25],
        anchor_generator=AnchorGenerator(((8,),), ((1.0,),)),
        nms_thresh=0.5,
    )
    return module


def _enlarged(small: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(small, size=like.shape[-2:], mode="bilinear", align_corners=False)
