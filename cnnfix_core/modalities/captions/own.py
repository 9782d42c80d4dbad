"""Open captioners trained elsewhere with the common PyTorch implementation of Show and Tell, from three files."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from torch import nn

from cnnfix_core.errors import ModelError
from cnnfix_core.modalities.captions.captioner import Captioner
from cnnfix_core.modalities.captions.network import Decoder, Encoder, ShowAndTell
from cnnfix_core.modalities.captions.vocabulary import Vocabulary
from cnnfix_core.zoo import Preprocessing, State, architectures, shapes_alone, state_dict
from cnnfix_core.zoo.untrusted.opening import read_state

File = Path | bytes | BinaryIO

_TITLE = "a captioner of this layout"

# The number of blocks in each of the four stages, and whether a block has three convolutions.
_RESNETS: dict[tuple[tuple[int, ...], bool], str] = {
    ((2, 2, 2, 2), False): "resnet18",
    ((3, 4, 6, 3), False): "resnet34",
    ((3, 4, 6, 3), True): "resnet50",
    ((3, 4, 23, 3), True): "resnet101",
    ((3, 8, 36, 3), True): "resnet152",
}


def open_captioner(
    encoder: File,
    decoder: File,
    vocabulary: str,
    *,
    preprocessing: Preprocessing | None = None,
    name: str = "own captioner",
) -> Captioner:
    """Open a captioner from the state dicts of its two parts and its vocabulary. No code in the files is run.

    Args:
        encoder: A state dict with resnet.* (one of torchvision's ResNets without its last layer, as nn.Sequential),
            linear.* and bn.*; a path, bytes, or an open file.
        decoder: A state dict with embed.*, lstm.* and linear.*. Its first input must be the embedding of the picture,
            followed by <start> and the words.
        vocabulary: JSON, a list of words or an object that maps words to numbers.
        preprocessing: None for 224 x 224 pixels and ImageNet's mean and standard deviation.
        name: The name of the captioner.

    Raises:
        ModelError: The files do not fit; the message says why.
    """
    encoder_state = read_state(encoder, "The encoder", {"linear.weight", "linear.bias", "bn.weight"})
    decoder_state = read_state(decoder, "The decoder", {"linear.weight", "linear.bias", "embed.weight"})
    words = Vocabulary.from_json(vocabulary)
    state = {f"encoder.{_renamed(key)}": tensor for key, tensor in encoder_state.items()}
    state |= {f"decoder.{key}": tensor for key, tensor in decoder_state.items()}
    # The files may claim any size: check that all tensors have it before memory is allocated.
    with shapes_alone():
        state_dict.check(state, _network(encoder_state, decoder_state), _TITLE)
    module = _network(encoder_state, decoder_state)
    state_dict.fill(module, state, _TITLE)
    return Captioner(
        name,
        name,
        module.requires_grad_(False).eval(),
        words,
        preprocessing or Preprocessing(crop_pct=1.0),
        "your own",
        "your own",
    )


def _renamed(key: str) -> str:
    return f"features.{key.removeprefix('resnet.')}" if key.startswith("resnet.") else key


def _network(encoder_state: State, decoder_state: State) -> ShowAndTell:
    """Build the network that fits these tensors."""
    embedding, channels = _shape(encoder_state, "linear.weight", "encoder")
    words, hidden = _shape(decoder_state, "linear.weight", "decoder")
    layers = sum(key.startswith("lstm.weight_ih_l") for key in decoder_state)
    if not layers:
        raise ModelError("The decoder has no lstm: it must have embed, lstm and linear.")
    return ShowAndTell(
        Encoder(_features(encoder_state), channels, embedding), Decoder(words, embedding, hidden, layers)
    )


def _shape(state: State, key: str, part: str) -> tuple[int, int]:
    if key not in state or state[key].ndim != 2 or not state[key].numel():
        raise ModelError(f"The {part} has no matrix {key}: is this the state dict of a captioner's {part}?")
    rows, columns = state[key].shape
    return rows, columns


def _features(encoder_state: State) -> nn.Sequential:
    """The ResNet that these tensors belong to, without its pooling and its classifier."""
    inside = [key.split(".")[1:3] for key in encoder_state if key.startswith("resnet.")]
    blocks = tuple(len({n for stage, n, *_ in inside if stage == str(number)}) for number in (4, 5, 6, 7))
    found = _RESNETS.get((blocks, "resnet.4.0.conv3.weight" in encoder_state))
    if found is None:
        raise ModelError(
            "The encoder must contain one of torchvision's ResNets, 18 to 152, as resnet.0, resnet.1 and so on."
        )
    return nn.Sequential(*list(architectures.build(found).children())[:-2])
