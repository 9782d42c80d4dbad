"""Captioners that people trained elsewhere, in the common PyTorch layout of Show and Tell: three files."""

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

# Blocks of each of the four stages, and whether a block has three convolutions.
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
    """A captioner from the state dicts of its two parts, and its words. Nothing in the files is run.

    Args:
        encoder: the state dict of resnet.* (one of torchvision's ResNets without its last layer, as a sequence),
            linear.*, bn.*; a path, bytes, or an open file.
        decoder: the state dict of embed.*, lstm.*, linear.*. Its first input is the picture's embedding, then come
            <start> and the words.
        vocabulary: JSON, a list of words or an object from words to numbers.
        preprocessing: None for 224 x 224 pixels and ImageNet's mean and standard deviation.
        name: what the captioner is called.

    Raises:
        ModelError: the files do not fit, in words for the person who sent them.
    """
    seen, said = read_state(encoder, "The encoder"), read_state(decoder, "The decoder")
    words = Vocabulary.from_json(vocabulary)
    state = {f"encoder.{_renamed(key)}": tensor for key, tensor in seen.items()}
    state |= {f"decoder.{key}": tensor for key, tensor in said.items()}
    # Sizes are only claimed until all tensors have them: no memory is taken before.
    with shapes_alone():
        state_dict.check(state, _network(seen, said), _TITLE)
    module = _network(seen, said)
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


def _network(seen: State, said: State) -> ShowAndTell:
    """The network of these shapes."""
    embedding, channels = _shape(seen, "linear.weight", "encoder")
    words, hidden = _shape(said, "linear.weight", "decoder")
    layers = sum(key.startswith("lstm.weight_ih_l") for key in said)
    if not layers:
        raise ModelError("The decoder has no lstm: it must have embed, lstm and linear.")
    return ShowAndTell(Encoder(_features(seen), channels, embedding), Decoder(words, embedding, hidden, layers))


def _shape(state: State, key: str, part: str) -> tuple[int, int]:
    if key not in state or state[key].ndim != 2 or not state[key].numel():
        raise ModelError(f"The {part} has no {key}, a matrix: is it the state dict of a captioner's {part}?")
    rows, columns = state[key].shape
    return rows, columns


def _features(seen: State) -> nn.Sequential:
    """The ResNet that these tensors belong to, without its pooling and its classifier."""
    inside = [key.split(".")[1:3] for key in seen if key.startswith("resnet.")]
    blocks = tuple(len({n for stage, n, *_ in inside if stage == str(number)}) for number in (4, 5, 6, 7))
    found = _RESNETS.get((blocks, "resnet.4.0.conv3.weight" in seen))
    if found is None:
        raise ModelError(
            "The encoder must hold one of torchvision's ResNets, 18 to 152, as resnet.0, resnet.1 and so on."
        )
    return nn.Sequential(*list(architectures.build(found).children())[:-2])
