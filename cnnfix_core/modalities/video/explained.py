"""Explain the prediction for a clip, with fixations and with Grad-CAM."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import Preset, Trace, as_array, get_preset
from cnnfix_core.explanations import Asking, ClassExplanation, Fixations, TargetSpec, ask, merged
from cnnfix_core.images import View, scaled_size
from cnnfix_core.methods import cached_per_network, grad_cam_by_captum, last_mapping_module, observed
from cnnfix_core.modalities.video.clip import Clip
from cnnfix_core.modalities.video.model import ClipModel
from cnnfix_core.zoo import with_own_hooks


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ClipExplanation(ClassExplanation):
    """Which pixels of which frames led to the score of a class.

    Attributes:
        clip: The clip.
        frames: The numbers, counted from 0, of the frames that the network saw.
        fixations: For each of these frames, its fixations in pixels of the frame; None if no evidence arrived there.
            The evidence in all frames sums to the share that arrived.
        cam: (frames, h, w), Grad-CAM on `view`, not negative; None for networks without a suitable layer.
        view: The part of each frame that the network saw.
    """

    clip: Clip
    frames: tuple[int, ...]
    fixations: tuple[Fixations | None, ...]
    cam: Floats | None
    view: View

    @property
    def by_frame(self) -> Floats:
        """The share of the evidence in each of `frames`: (frames,), sums to 1."""
        evidence = np.array([0.0 if one is None else one.evidence.sum() for one in self.fixations])
        return evidence / evidence.sum()  # type: ignore[no-any-return]

    def density(self, longest_side: int | None = None) -> Floats:
        """The evidence, blurred with a Gaussian in each frame: (frames, h, w), sums to 1."""
        width, height = scaled_size((self.clip.width, self.clip.height), longest_side)
        maps = [
            np.zeros((height, width)) if one is None else share * one.density(longest_side=longest_side)
            for one, share in zip(self.fixations, self.by_frame, strict=True)
        ]
        return np.stack(maps)

    def rival(self, longest_side: int | None = None) -> Floats | None:
        """Grad-CAM on the whole frames: (frames, h, w), 0 outside the part that the network saw."""
        if self.cam is None:
            return None
        width, height = scaled_size((self.clip.width, self.clip.height), longest_side)
        x0, x1 = (round(side * width / self.clip.width) for side in self.view.box[::2])
        y0, y1 = (round(side * height / self.clip.height) for side in self.view.box[1::2])
        found = np.zeros((len(self.cam), height, width))
        for frame, small in zip(found, self.cam, strict=True):
            large = Image.fromarray(small.astype(np.float32)).resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR)
            frame[y0:y1, x0:x1] = np.maximum(np.asarray(large), 0)
        return found


def explain_clip(
    model: ClipModel, clip: Clip, target: TargetSpec = None, preset: str | Preset = "evidence", focus: str | None = None
) -> ClipExplanation:
    """Explain one class of a model on a clip.

    Args:
        model: The classifier.
        clip: The clip.
        target: As for `explain`: None for the predicted class, a class index, a label, or a pair (a, b).
        preset: As for `explain`.
        focus: As for `explain`.

    Raises:
        TargetError: The target is not a class of the model.
        CnnfixError: Whatever `record` and `unravel` raise.
    """
    preset = get_preset(preset, focus)
    started = time.perf_counter()
    inputs = model.inputs(clip)
    asking, (trace,) = ask(model, inputs, target, preset)
    steps, view = model.steps(len(clip)), model.view(clip)
    cam = _grad_cam(model, inputs, asking)
    frames = np.unique(steps)
    return ClipExplanation(
        preset=preset,
        predictions=asking.classes.top(5),
        target=asking.target,
        rather_than=asking.rather_than,
        clip=clip,
        frames=tuple(frames.tolist()),
        fixations=tuple(_on_frame(clip, preset, view, trace, steps == frame) for frame in frames),
        cam=None if cam is None else np.stack([cam[steps == frame].mean(axis=0) for frame in frames]),
        view=view,
        seconds=time.perf_counter() - started,
    )


def _on_frame(clip: Clip, preset: Preset, view: View, trace: Trace, shown: np.ndarray) -> Fixations | None:
    """The fixations in one frame; `shown`, bool (steps,), marks the steps of the network's input that show it."""
    reached = trace.fixations
    here = shown[reached.index[:, 2]]
    if not here.any():
        return None
    index = reached.index[here]
    x, y = view.to_picture(index[:, 4], index[:, 3], clip.frames[0])
    return merged(clip.frames[0], preset, view, y * clip.width + x, index[:, 1], reached.evidence[here])


def _grad_cam(model: ClipModel, inputs: Tensor, asking: Asking) -> Floats | None:
    """Compute Grad-CAM over time and space, (steps, h, w)."""
    layer = _layer(model)
    if not layer:
        return None
    module = with_own_hooks(model.module)

    def score(batch: Tensor) -> Tensor:
        scores = model.scores(batch, module)
        return scores[:, asking.wanted] - (0 if asking.other is None else scores[:, asking.other])

    with torch.inference_mode(False), torch.enable_grad():
        maps = grad_cam_by_captum(score, module.get_submodule(layer), inputs.clone()).detach()
    size = (model.frames, *maps.shape[3:])
    return as_array(torch.nn.functional.interpolate(maps, size, mode="trilinear")[0, 0]).astype(float)


@cached_per_network
def _layer(model: ClipModel) -> str:
    """The layer to draw on; "" if there is none."""
    return last_mapping_module(observed(model, model.noise()), 3)
