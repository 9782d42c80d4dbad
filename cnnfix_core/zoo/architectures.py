"""Networks by name, with random weights: torchvision's under their own names, timm's as "timm/NAME"."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from cnnfix_core.errors import ModelError, did_you_mean, need
from cnnfix_core.zoo.initialisation import draw_weights, shapes_alone, without_random_weights
from cnnfix_core.zoo.preprocessing import Preprocessing

TIMM = "timm/"
# The networks of the paper, which used their first published weights.
PAPER = ("alexnet", "vgg16", "googlenet", "resnet101", "densenet121")

_NOT_CONVOLUTIONAL = ("vit_", "swin", "maxvit", "mvit")
_OTHER_TASKS = ("maskrcnn", "keypointrcnn")
# Options of the published weights that are not the constructors' defaults.
_OPTIONS: dict[str, dict[str, Any]] = {
    "googlenet": {"transform_input": True, "init_weights": False},
    "inception_v3": {"transform_input": True, "init_weights": False},
}
_AS_PUBLISHED = {"weights_backbone": None, "aux_loss": True}


@cache
def classifiers() -> tuple[str, ...]:
    """Torchvision's convolutional networks for classification."""
    return _convolutional(torchvision_models())


@cache
def segmenters() -> tuple[str, ...]:
    """Torchvision's networks for segmentation."""
    return _convolutional(torchvision_models().segmentation)


@cache
def detectors() -> tuple[str, ...]:
    """Torchvision's convolutional networks for object detection."""
    return _convolutional(torchvision_models().detection)


@cache
def names() -> tuple[str, ...]:
    """All of torchvision's convolutional networks: for classification, segmentation, video and detection."""
    models = torchvision_models()
    return classifiers() + segmenters() + _convolutional(models.video) + detectors()


def build(name: str, classes: int | None = None) -> nn.Module:
    """Build a network in evaluation mode, with random weights that are the same each time. Nothing is downloaded.

    GoogLeNet and Inception v3 expect pictures normalised for ImageNet, as with their published weights.

    Args:
        name: Name of the architecture.
        classes: Number of classes; None for that of the published weights.

    Raises:
        ModelError: The name is unknown.
    """
    with without_random_weights() as drawn:
        module = _constructed(name, classes)
    draw_weights(module, drawn)
    return module


def skeleton(name: str, classes: int | None = None) -> nn.Module:
    """A classifier whose weights take no memory: only names and shapes.

    Raises:
        ModelError: The name is unknown, or the network is not a classifier.
    """
    _check(name)
    models = torchvision_models()
    if not name.startswith(TIMM) and name not in models.list_models(models):
        raise ModelError(f"{name} is not a classifier: choose a network that classifies pictures.")
    with shapes_alone():
        return _constructed(name, classes)


def example_input(name: str) -> tuple[Tensor | list[Tensor], ...]:
    """A small random input for the network: pictures, a video clip or a list of pictures.

    Raises:
        ModelError: The name is unknown.
    """
    _check(name)
    generator = torch.Generator().manual_seed(0)
    if name.startswith(TIMM):
        return (torch.randn(1, *_timm_input(name), generator=generator),)
    models = torchvision_models()
    if name in models.list_models(models.detection):
        # Nearly grey, because untrained layers amplify features a thousandfold, and every box would leave the picture.
        grey = torch.tensor(Preprocessing().mean)[:, None, None]
        return ([grey + 0.001 * torch.randn(3, 128, 160, generator=generator)],)
    if name in models.list_models(models.video):
        # S3D ends with a 2 x 7 x 7 pooling, and the transformers have a fixed input size.
        shape = (8, 112, 112) if name in {"r3d_18", "mc3_18", "r2plus1d_18"} else (16, 224, 224)
        return (torch.randn(1, 3, *shape, generator=generator),)
    side = 224 if name.startswith(_NOT_CONVOLUTIONAL) else 96
    return (torch.randn(1, 3, side, side, generator=generator),)


def preprocessing(name: str) -> Preprocessing:
    """The preprocessing of the network's published weights; ImageNet's usual one if they do not define it."""
    _check(name)
    return _timm_preprocessing(name) if name.startswith(TIMM) else preprocessing_of(published(name))


@cache
def published(name: str) -> Any:
    """Torchvision's entry for the network's weights: those of the paper for its five networks, otherwise the best."""
    weights = torchvision_models().get_model_weights(name)
    return weights["IMAGENET1K_V1"] if name in PAPER else weights.DEFAULT


def preprocessing_of(weights: Any) -> Preprocessing:
    """The preprocessing of an entry of torchvision's weights."""
    steps = weights.transforms()
    if not hasattr(steps, "crop_size") or len(steps.crop_size) != 1:
        return Preprocessing()
    (side,), (scaled,) = steps.crop_size, steps.resize_size
    return Preprocessing(
        size=(side, side),
        mean=tuple(steps.mean),
        std=tuple(steps.std),
        interpolation=steps.interpolation.value,
        crop_pct=min(1.0, side / scaled),
    )


def _timm_preprocessing(name: str) -> Preprocessing:
    config = _timm_config(name)
    height, width = config.input_size[1:]
    return Preprocessing(
        (height, width), tuple(config.mean), tuple(config.std), config.interpolation, min(1.0, config.crop_pct)
    )


def _timm_config(name: str) -> Any:
    timm = _timm()
    return timm.get_pretrained_cfg(name.removeprefix(TIMM)) or timm.models.PretrainedCfg()


def _timm_input(name: str) -> tuple[int, int, int]:
    config = _timm_config(name)
    if config.fixed_input_size:
        return tuple(config.input_size)
    least = config.min_input_size or (3, 96, 96)
    return least[0], max(96, least[1]), max(96, least[2])


def _constructed(name: str, classes: int | None) -> nn.Module:
    _check(name)
    options: dict[str, Any] = {} if classes is None else {"num_classes": classes}
    if name.startswith(TIMM):
        module: nn.Module = _timm().create_model(name.removeprefix(TIMM), pretrained=False, **options)
        return module.eval()
    models = torchvision_models()
    taken = inspect.signature(models.get_model_builder(name)).parameters
    published = {key: value for key, value in _AS_PUBLISHED.items() if key in taken}
    module = models.get_model(name, weights=None, **published, **_OPTIONS.get(name, {}), **options)
    return module.eval()


@cache
def timm_names() -> tuple[str, ...]:
    """All of timm's networks, as "timm/NAME"."""
    return tuple(TIMM + name for name in _timm().list_models())


def _check(name: str) -> None:
    """Accept only names in the registries, because timm would also accept paths and addresses of files."""
    known = timm_names() if name.startswith(TIMM) else torchvision_models().list_models()
    if name.split(".", maxsplit=1)[0] in known:
        return
    raise ModelError(f"There is no architecture {name!r}. {did_you_mean(name, known, 'See docs/architectures.md.')}")


def _convolutional(*modules: Any) -> tuple[str, ...]:
    models = torchvision_models()
    return tuple(
        name
        for module in modules
        for name in models.list_models(module)
        if not name.startswith((*_NOT_CONVOLUTIONAL, *_OTHER_TASKS))
    )


# Each takes a second to import, so only when a network is wanted.
def torchvision_models() -> Any:
    """Torchvision's module of networks."""
    need("torchvision")
    from torchvision import models

    return models


def _timm() -> Any:
    need("timm")
    import timm

    return timm
