"""The captioners that come with this project: for photographs, and for synthetic scenes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn

from cnnfix_core.errors import ModelError
from cnnfix_core.modalities.captions.captioner import Captioner
from cnnfix_core.modalities.captions.network import Decoder, Encoder, ShowAndTell
from cnnfix_core.modalities.captions.vocabulary import Vocabulary
from cnnfix_core.zoo import Preprocessing, load_model, project_file, state_dict
from cnnfix_core.zoo.sources import scenes
from cnnfix_site import ASSETS

FOLDER = ASSETS / "captions"


class Features(nn.Module):
    """The last feature maps of one of timm's networks, after the activation function: (N, C, h, w)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute the feature maps, (N, C, h, w)."""
        maps: Tensor = self.network.forward_features(pictures)  # type: ignore[operator]
        return maps


@dataclass(frozen=True, slots=True)
class Shipped:
    """A captioner that comes with this project; `features` loads the convolutional part of its encoder."""

    name: str
    title: str
    features: Callable[[], nn.Module]
    preprocess: Preprocessing
    licence: str

    def file(self, suffix: str) -> Path:
        """The path of NAME-0123abcd.suffix in assets/captions. Raises ModelError if it is missing or damaged."""
        return project_file(FOLDER, f"{self.name}-*.{suffix}", f"The captioner {self.title!r} is", "assets/captions")

    def load(self) -> Captioner:
        """Load the captioner. Raises ModelError if its files are missing or damaged."""
        state = load_file(self.file("safetensors"))
        vocabulary = Vocabulary.from_json(self.file("json").read_text("utf-8"))
        module = _of(state, vocabulary)
        state_dict.fill(module, state, "the captioner")
        module.encoder.features = self.features()
        return Captioner(
            self.name,
            self.title,
            module.requires_grad_(False).eval(),
            vocabulary,
            self.preprocess,
            "this project",
            self.licence,
        )


def _photographs() -> nn.Module:
    return Features(load_model("efficientnet_lite0").module)


def _scenes() -> nn.Module:
    """The network without its pooling and its last layer."""
    return nn.Sequential(*list(load_model("scenes_resnet").module.children())[:-3])


FLICKR8K = Shipped(
    "flickr8k",
    "Show and Tell, Flickr8k",
    _photographs,
    Preprocessing((224, 224), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), interpolation="bicubic", crop_pct=1.0),
    "Research and education (Flickr8k); EfficientNet-Lite0: Apache 2.0",
)
SCENES = Shipped("scenes", "Show and Tell, composed scenes", _scenes, scenes.PREPROCESSING, "MIT")
_ALL = {one.name: one for one in (FLICKR8K, SCENES)}


def load_captioner(name: str = FLICKR8K.name) -> Captioner:
    """Load a captioner that comes with this project.

    Args:
        name: "flickr8k" for photographs, "scenes" for synthetic scenes.

    Raises:
        ModelError: There is no captioner of this name, or its files are missing or damaged.
    """
    if name not in _ALL:
        raise ModelError(f"There is no captioner {name!r}; choose one of {', '.join(_ALL)}.")
    return _ALL[name].load()


def _of(state: dict[str, Tensor], vocabulary: Vocabulary) -> ShowAndTell:
    """Build the network that fits these tensors, without its convolutional part."""
    embedding, channels = state["encoder.linear.weight"].shape
    hidden = state["decoder.linear.weight"].shape[1]
    return ShowAndTell(Encoder(nn.Identity(), channels, embedding), Decoder(len(vocabulary), embedding, hidden))
