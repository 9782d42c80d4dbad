"""Model: a network with everything needed to classify pictures with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from cnnfix_core.engine import Tape, go_on, record, tensors_in
from cnnfix_core.errors import ModelError, RecordError, TargetError
from cnnfix_core.images import Crops, Picture, View, part_view, views
from cnnfix_core.regions import Box
from cnnfix_core.zoo.classifier import Classifier, LoadedNetwork
from cnnfix_core.zoo.labels import Labels, numbered
from cnnfix_core.zoo.module_copy import unwrapped
from cnnfix_core.zoo.preprocessing import MAX_CHANNELS, Preprocessing, listed_channels, usual_channels
from cnnfix_core.zoo.scores import (
    Meaning,
    Where,
    checked_meaning,
    find_scores,
    guess_meaning,
    meaning_in_words,
    scores_in,
)

# What a network returns. Classification: scores (N, classes). Segmentation: {"out": (N, classes, H, W)}, scores for
# each pixel. Detection: {"boxes": (K, 4), "labels": (K,), "scores": (K,)} for each picture in a list. The last two
# follow torchvision.
_SAME = 0.01  # scores are the same if they differ by at most this share of the largest, as half precision does
Task = Literal["classification", "segmentation", "detection"]


@dataclass(frozen=True, slots=True, eq=False)
class Model(Classifier):
    """A network for pictures, ready to use.

    Attributes:
        preprocess: Turns an RGB picture of `input_size` (height, width) into the network's input, (3, H, W).
        labels: The labels of its classes.
        source: Where the weights come from.
        licence: The licence of the weights.
        task: What the network predicts.
        meaning: What its scores mean.
        output: Where the scores are in what it returns; None for the first tensor with one score per class.
        one_score: Whether it has one score for two labels, those of "no" and "yes".
        together: Whether several pictures in one batch get the scores that each gets alone.
        whole: Whether it takes only whole pictures, never crops.
        part: The only part of a picture that it sees, as x0, y0, x1, y1 in inclusive pixels; None for all of it.
        notes: What of its file was taken, left out and assumed, in sentences.
    """

    preprocess: Preprocessing
    labels: Labels
    source: str
    licence: str
    task: Task = "classification"
    meaning: Meaning = "softmax"
    output: Where | None = None
    one_score: bool = False
    together: bool = True
    whole: bool = False
    part: Box | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(  # noqa: PLR0913  # all but the first are optional
        cls,
        module: nn.Module,
        labels: Labels | None = None,
        preprocessing: Preprocessing | None = None,
        name: str = "own model",
        source: str = "your own",
        licence: str = "your own",
        *,
        scores: Where | None = None,
        meaning: Meaning | None = None,
    ) -> Model:
        """Make a model from any network that returns one score per class for a batch of pictures.

        The network is not changed; this includes its training mode. It runs on a picture of noise to find what is not
        given here; `facts` says what was found.

        Args:
            module: The network, on any device, in half, single or double precision.
            labels: One per class; None for "class 0", "class 1" and so on. Two for a network with one score: those of
                "no" and "yes".
            preprocessing: How a picture becomes the network's input; None for ImageNet's, with the channels of the
                network's first layer.
            name: The name of the model.
            source: Where the weights come from.
            licence: The licence of the weights.
            scores: Where the scores are in what the network returns: a key, an attribute ("logits") or an index, or a
                function that takes the result and returns them. None to find them.
            meaning: What they mean: "softmax", "sigmoid", "probabilities" or "log-probabilities". None to tell by the
                network's last operation and by their values.

        Raises:
            ModelError: The network cannot process the picture or does not return one finite score per class, or the
                number of labels differs from the number of classes.
        """
        network = _loaded(module, name)
        preprocessing, tape = _first_run(network, preprocessing)
        where = find_scores(tape, 1, None if labels is None else len(labels)) if scores is None else scores
        tape = _with_scores(network, preprocessing, tape, where)
        found: Tensor = tape.result
        if not bool(torch.isfinite(found).all()):
            raise ModelError(
                f"{name} returns scores that are NaN or infinite for a picture of noise: check its weights."
            )
        labels = numbered(found.shape[1]) if labels is None else labels
        one_score = (len(labels), found.shape[1]) == (2, 1)
        if len(labels) != found.shape[1] and not one_score:
            raise ModelError(
                f"There are {len(labels)} labels, but {name} has {found.shape[1]} classes: give one label per class."
            )
        made = cls(
            name, name, network.module, preprocessing, labels, source, licence, output=None if where == () else where
        )
        with torch.no_grad():
            separate = torch.cat([found, scores_in(made.run(made.noise(1)), where, 1)])
        meaning = guess_meaning(tape, separate) if meaning is None else checked_meaning(meaning)
        return replace(made, meaning=meaning, one_score=one_score, together=made._takes_several(separate))

    def _takes_several(self, separate: Tensor) -> bool:
        """Whether a batch of two pictures of noise gives these scores of each alone, (2, classes)."""
        pair = torch.cat([self.noise(number) for number in range(2)])
        try:
            with torch.no_grad():
                both = scores_in(self.run(pair), self.output, 2)
        except Exception:  # networks fail in many ways
            return False
        return both.shape == separate.shape and bool((both - separate).abs().max() <= _SAME * separate.abs().max())

    @property
    def facts(self) -> str:
        """Number of classes and parameters, what it sees of a picture, and what its scores mean, in sentences."""
        height, width = self.input_size
        classes = f"{len(self.labels):,} {'class' if len(self.labels) == 1 else 'classes'}"
        count = sum(tensor.numel() for tensor in self._tensors())
        return (
            f"{classes}, pictures of {width} × {height} pixels, {count / 1e6:.2f} million parameters. It sees pictures "
            f"{listed_channels(self.preprocess.channels)}. {meaning_in_words(self.meaning, self.output)}"
        )

    @property
    def usual(self) -> bool:
        """Whether it sees pictures in red, green and blue, and returns nothing but the scores of a softmax."""
        plain = self.meaning == "softmax" and self.output is None
        return plain and self.preprocess.channels == usual_channels(3)

    @property
    def input_size(self) -> tuple[int, int]:
        """The height and width of the network's input."""
        return self.preprocess.size

    def views(self, picture: Picture, crops: Crops) -> list[View]:
        """The parts of a picture that the network sees, as `images.views` crops them for its input size.

        Raises:
            ModelError: The model is not a classifier.
            PictureError: Its part does not fit into the picture.
        """
        if self.task != "classification":
            raise ModelError(
                f"{self.title} is a network for {self.task}: explain a single pixel or box, see `cnnfix_core.tasks`."
            )
        if self.part:
            return [part_view(picture, self.part, self.input_size, self.interpolation)]
        crops = "whole" if self.whole else crops
        return views(picture, crops, self.input_size, self.crop_pct, self.interpolation)

    def inputs(self, picture: Picture, seen: Sequence[View]) -> Tensor:
        """The network's input for these views of a picture, (views, channels, H, W), `placed`."""
        return self.placed(torch.stack([self.preprocess(view.render(picture)) for view in seen]))

    def noise(self, number: int = 0) -> Tensor:
        """A picture of noise as the network's input, (1, channels, H, W), to find out how the network works.

        It has contrast at every scale: a network that standardises each picture cannot process one of a single colour.
        """
        return self.placed(_noise(self.preprocess, number))

    @property
    def crop_pct(self) -> float:
        """The fraction of the scaled picture's short side that a centre crop keeps."""
        return self.preprocess.crop_pct

    @property
    def interpolation(self) -> str:
        """The name of the Pillow filter that scales pictures."""
        return self.preprocess.interpolation


def _noise(preprocessing: Preprocessing, number: int = 0) -> Tensor:
    height, width = preprocessing.size
    cells = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
    return preprocessing(Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC))[None]


def _loaded(module: Any, name: str) -> LoadedNetwork:
    if not isinstance(module, nn.Module):
        hint = "load these weights into a network first" if isinstance(module, dict) else "wrap it in an nn.Module"
        raise ModelError(f"{name} is a {type(module).__name__}, not a network: {hint}.")
    network = LoadedNetwork(name, name, unwrapped(module))
    if network.device.type == "meta":
        raise ModelError(f"{name} has no weights, only their shapes, as it is on the meta device: load them first.")
    return network


def _first_run(network: LoadedNetwork, preprocessing: Preprocessing | None) -> tuple[Preprocessing, Tape]:
    """Record the network on a picture of noise; without preprocessing, with the number of channels that fits."""
    likely = Preprocessing(), *map(Preprocessing().of_channels, _first_channels(network.module))
    reasons = []
    for one in dict.fromkeys(likely) if preprocessing is None else (preprocessing,):
        try:
            return one, record(network.module, network.placed(_noise(one)))
        except RecordError as error:
            reasons.append((one, str(error).splitlines()[0]))
    tried, reason = reasons[-1]
    height, width = tried.size
    seen = f"{width} x {height} pixels and {len(tried.channels)} channel{'s' if len(tried.channels) > 1 else ''}"
    hint = " Say what it takes with `preprocessing`." if preprocessing is None else ""
    raise ModelError(f"{network.title} cannot process a picture of {seen}.{hint} {reason}")


def _with_scores(network: LoadedNetwork, preprocessing: Preprocessing, tape: Tape, where: Where) -> Tape:
    """The tape of a run on one picture, with the scores as its output. Raises ModelError if there are none."""
    try:
        scored = go_on(tape, lambda result: scores_in(result, where, 1))
    except TargetError as error:
        raise ModelError(f"The scores of {network.title} cannot be found. {error}") from error
    if scored.result.numel() == 1 and any(tensor.ndim == 0 for tensor in tensors_in(tape.result)):
        # A network that removes dimensions returns a single number for one picture; one that averages over the batch
        # does so for any number of pictures.
        two = torch.cat([_noise(preprocessing, number) for number in range(2)])
        with torch.no_grad():
            scores_in(network.run(network.placed(two)), where, 2)
    return scored


def _first_channels(module: nn.Module) -> list[int]:
    """The number of channels that the first convolution takes; none if there is no convolution."""
    counts = [child.in_channels for child in module.modules() if isinstance(child, nn.Conv2d)]
    stored = [tensor.shape[1] for tensor in (*module.parameters(), *module.buffers()) if tensor.ndim == 4]
    return [count for count in (*counts[:1], *stored[:1]) if 1 <= count <= MAX_CHANNELS]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that `load_model` can load.

    Attributes:
        name: The argument for `load_model`.
        title: The name to show to people.
        source: Where the weights come from.
        licence: The licence of the weights.
        available: Whether the weights are on this machine.
        parameters: The number of parameters.
        size: The size of the file of weights, in bytes.
        accuracy: The published top-1 accuracy on ImageNet's validation pictures, in %; None if the source states none.
        remedy: If the weights are not available, how to get them, or that they will be downloaded; otherwise "".
        task: What the model predicts.
    """

    name: str
    title: str
    source: str
    licence: str
    available: bool
    parameters: int | None = None
    size: int | None = None
    accuracy: float | None = None
    remedy: str = ""
    task: Task = "classification"


def check_model(model: object) -> None:
    """Raise ModelError for what is given in place of a model, such as its name or a network."""
    if isinstance(model, nn.Module):
        raise ModelError("A model is needed, and this is a network: cnnfix_core.Model.of(network) makes one of it.")
    if not isinstance(model, LoadedNetwork):
        raise ModelError(f"A model is needed, and this is {model!r}: load one with cnnfix_core.load_model.")
