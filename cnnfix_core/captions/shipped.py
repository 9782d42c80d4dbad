"""The captioner that comes with this project: EfficientNet-Lite0 and a decoder that learnt Flickr8k's captions."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn

from cnnfix_core.captions.captioner import Captioner
from cnnfix_core.captions.network import Decoder, Encoder, ShowAndTell
from cnnfix_core.captions.vocabulary import Vocabulary
from cnnfix_core.errors import ModelError
from cnnfix_core.samples import ASSETS
from cnnfix_core.zoo import load_model, states
from cnnfix_core.zoo.files import is_intact
from cnnfix_core.zoo.preprocessing import Preprocessing

FOLDER = ASSETS / "captions"
LICENCE = "Research and education (Flickr8k); EfficientNet-Lite0: Apache 2.0"
PREPROCESSING = Preprocessing((224, 224), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), interpolation="bicubic", crop_pct=1.0)


class Features(nn.Module):
    """The feature maps of the last convolution of one of timm's networks, after its activation: (N, C, h, w)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, C, h, w)."""
        maps: Tensor = self.network.forward_features(pictures)  # type: ignore[operator]
        return maps


def weights() -> Path:
    """The file of what was learnt. Raises ModelError where it is missing."""
    path = next(FOLDER.glob("flickr8k-*.safetensors"), None)
    if path is None:
        raise ModelError("The captioner is missing from assets/captions: get the project's files again.")
    return path


def load_captioner() -> Captioner:
    """The shipped captioner. Raises ModelError where its files are missing or damaged."""
    path = weights()
    if not is_intact(path):
        raise ModelError(f"The captioner is damaged: get the file {path.name} of the project again.")
    vocabulary = Vocabulary.from_json((FOLDER / "vocabulary.json").read_text("utf-8"))
    state = load_file(path)
    module = _of(state, vocabulary)
    states.fill(module, state, "the captioner")
    module.encoder.features = Features(load_model("efficientnet_lite0").module)
    return Captioner(
        "flickr8k",
        "Show and Tell, Flickr8k",
        module.requires_grad_(False).eval(),
        vocabulary,
        PREPROCESSING,
        "this project",
        LICENCE,
    )


def _of(state: dict[str, Tensor], vocabulary: Vocabulary) -> ShowAndTell:
    """The network of these shapes, without its convolutional part."""
    embedding, channels = state["encoder.linear.weight"].shape
    hidden = state["decoder.linear.weight"].shape[1]
    return ShowAndTell(Encoder(nn.Identity(), channels, embedding), Decoder(len(vocabulary), embedding, hidden))
