"""The architectures of a survey, the task of each, and how to try it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from cnnfix_core.zoo import architectures
from cnnfix_core.zoo.architectures import TIMM, names, torchvision_models

# One of the smallest networks of each of timm's families of convolutional networks and hybrids.
# fmt: off
FAMILIES = (
    "resnet18", "resnet26t", "seresnet18", "ecaresnet26t", "resnext50_32x4d", "wide_resnet50_2",
    "resnetv2_50x1_bit", "resnetaa50", "resnetblur50", "res2net50_26w_4s", "resnest14d", "skresnet18",
    "cspresnet50", "cspdarknet53", "dla34", "dpn48b", "densenet121", "ese_vovnet19b_dw", "hrnet_w18_small",
    "inception_v4", "xception41", "inception_next_atto", "mobilenetv2_050", "mobilenetv3_small_050",
    "mobilenetv4_conv_small", "mnasnet_small", "fbnetc_100", "efficientnet_b0", "tf_efficientnetv2_b0",
    "mixnet_s", "tinynet_e", "lcnet_050", "hardcorenas_a", "ghostnet_050", "rexnet_100", "regnety_002",
    "regnetz_b16", "nf_regnet_b0", "dm_nfnet_f0", "gernet_s", "repvgg_a0", "repvit_m0_9", "repghostnet_050",
    "mobileone_s0", "fastvit_t8", "starnet_s1", "tresnet_m", "selecsls42", "convnext_atto", "convnextv2_atto",
    "convmixer_768_32", "rdnet_tiny", "hgnetv2_b0", "fasternet_t0", "mambaout_femto", "edgenext_xx_small",
    "mobilevit_xxs", "mobilevitv2_050", "levit_conv_128s", "efficientformer_l1", "poolformer_s12",
    "focalnet_tiny_srf", "coatnet_nano_rw_224", "maxvit_nano_rw_256", "efficientvit_b0", "botnet26t_256",
    "halonet26t", "lambda_resnet26t", "gcresnet33ts", "swiftformer_xs",
)
TRANSFORMERS = (
    "vit_tiny_patch16_224", "deit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "pvt_v2_b0",
    "tiny_vit_5m_224", "xcit_nano_12_p16_224", "crossvit_tiny_240", "mobilenetv4_hybrid_medium",
)
# fmt: on
_TASKS = {"segmentation": "Segmentation", "video": "Video", "detection": "Detection"}


def surveyed() -> tuple[str, ...]:
    """All of torchvision's convolutional networks, and timm's families."""
    return (*names(), *(TIMM + name for name in (*FAMILIES, *TRANSFORMERS)))


def task(name: str) -> str:
    """The network's task, as a heading."""
    if name.startswith(TIMM):
        return "timm: transformers" if name.removeprefix(TIMM) in TRANSFORMERS else "timm: convolutional and hybrid"
    models = torchvision_models()
    return next(
        (title for part, title in _TASKS.items() if name in models.list_models(getattr(models, part))), "Classification"
    )


def trial(name: str) -> tuple[nn.Module, tuple[Any, ...], Callable[[Any], Any] | None]:
    """The network with random weights, an input, and the target: a detector's highest score, or None for the default.

    Raises:
        ModelError: The name is unknown.
    """
    module, example = architectures.build(name), architectures.example_input(name)
    if task(name) != "Detection":
        return module, example, None
    for child in module.modules():
        if hasattr(child, "score_thresh"):
            # With random weights all scores are low, but a walk needs a box to start from.
            child.score_thresh = -1.0  # type: ignore[assignment]  # a plain number there
    return module, example, lambda result: result[0]["scores"].max()
