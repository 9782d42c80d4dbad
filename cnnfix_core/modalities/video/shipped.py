"""The classifier of clips that comes with this project, those of torchvision, and sample clips."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from safetensors.torch import load_file

from cnnfix_core.errors import ModelError, did_you_mean
from cnnfix_core.modalities.video.clip import Clip, clip_of
from cnnfix_core.modalities.video.model import ClipModel
from cnnfix_core.modalities.video.network import SmallR3D
from cnnfix_core.synthetic.clips import FRAMES, HELD_OUT, MOTIONS, SIDE, compose_clip
from cnnfix_core.zoo import DownloadProgress, Labels, ModelInfo, project_file, state_dict
from cnnfix_core.zoo.sources.torchvision import PublishedWeights
from cnnfix_site import ASSETS

FOLDER = ASSETS / "clips"
NAME = "motions"
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
LABELS = Labels.of(MOTIONS)
KINETICS = (
    "r3d_18",
    "mc3_18",
    "r2plus1d_18",
    "s3d",
)  # torchvision's convolutional networks, which recognise human actions
_STEPS = 16  # frames of their input, as in training
_SAMPLE_SIDE = 160


@dataclass(frozen=True, slots=True, eq=False)
class ClipSample:
    """A sample clip; `label` is the network's name for the motion."""

    name: str
    label: str
    clip: Clip


def clip_models() -> tuple[ModelInfo, ...]:
    """List the models that `load_clip_model` can load."""
    own = ModelInfo(NAME, "Motions R3D", "this project", "MIT", any(FOLDER.glob(f"{NAME}-*.safetensors")), 251_720)
    return own, *(PublishedWeights(name).info() for name in KINETICS)


def load_clip_model(name: str = NAME, progress: DownloadProgress | None = None) -> ClipModel:
    """Load a classifier of clips. Torchvision's weights are downloaded if they are missing, see `load_model`.

    Raises:
        ModelError: The name is unknown, or the weights are missing or damaged and cannot be downloaded.
    """
    infos = {info.name: info for info in clip_models()}
    if name not in infos:
        hint = did_you_mean(name, infos, f"There are {', '.join(infos)}.")
        raise ModelError(f"There is no classifier of clips {name!r}. {hint}")
    info = infos[name]
    if name == NAME:
        path = project_file(FOLDER, f"{NAME}-*.safetensors", "The weights for clips are", "assets/clips")
        module = SmallR3D(len(MOTIONS))
        state_dict.fill(module, load_file(path), info.title)
        module.requires_grad_(False).eval()
        size = (SIDE, SIDE)
        return ClipModel(name, info.title, module, LABELS, FRAMES, size, size, MEAN, STD, info.source, info.licence)
    published = PublishedWeights(name)
    steps, words = published.weights.transforms(), tuple(published.weights.meta["categories"])
    return ClipModel(
        name,
        info.title,
        published.module(progress),
        Labels.of(words),
        _STEPS,
        tuple(steps.resize_size),
        tuple(steps.crop_size),
        tuple(steps.mean),
        tuple(steps.std),
        info.source,
        info.licence,
    )


@cache
def clip_samples() -> tuple[ClipSample, ...]:
    """A synthetic clip of each motion, none of which was used to train the network of this project."""
    made = [compose_clip(HELD_OUT + 2_000 + label, label, side=_SAMPLE_SIDE) for label in range(len(MOTIONS))]
    return tuple(
        ClipSample(MOTIONS[one.label].replace(" ", "-"), MOTIONS[one.label], clip_of(list(one.frames))) for one in made
    )
