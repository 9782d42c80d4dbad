"""Run any method with the same call signature."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.engine import Preset, Unit, get_preset
from cnnfix_core.errors import CnnfixError, ModelError, did_you_mean
from cnnfix_core.explanations import Class, TargetSpec, classes
from cnnfix_core.explanations import Classes as Said
from cnnfix_core.images import Crops, Picture, Source, open_picture
from cnnfix_core.methods.catalogue import METHODS
from cnnfix_core.methods.method import Attribution, Classes, MapRequest, Method, Progress
from cnnfix_core.regions import box_of
from cnnfix_core.zoo import Model, check_model


def attribute(
    model: Model,
    image: Source | Picture,
    target: Class | tuple[Class, Class],
    method: str = "gradcam",
    crops: Crops = "whole",
    longest_side: int | None = None,
) -> NDArray[np.float32]:
    """The map of a method for a class.

    Args:
        model: what `load_model`, `open_own` or `Model.of` gave.
        image: a path, a file's bytes, a PIL image, an H x W x 3 uint8 array, or what `open_picture` gave.
        target: a class index or label, or (a, b) for "a rather than b".
        method: a name in `METHODS`.
        crops: the views that the network sees: "whole", "centre" or "five"; several are averaged where they overlap.
        longest_side: of the map, in pixels, in the picture's proportions; None for the size of the picture.

    Returns:
        (height, width) of the original picture, or smaller; values at least 0, not normalised.

    Raises:
        CnnfixError: as `attribution`.
    """
    return attribution(model, image, target, method, crops=crops, longest_side=longest_side).map


def attribution(  # noqa: PLR0913  # all but the first three are optional settings
    model: Model,
    image: Source | Picture,
    target: TargetSpec = None,
    method: str = "gradcam",
    *,
    crops: Crops | None = None,
    longest_side: int | None = None,
    layer: str | None = None,
    preset: str | Preset | None = None,
    progress: Progress | None = None,
) -> Attribution:
    """Ask a method which places of a picture speak for a class.

    Args:
        model: what `load_model`, `open_own` or `Model.of` gave.
        image: a path, a file's bytes, a PIL image, an H x W x 3 uint8 array, or what `open_picture` gave.
        target: as `explain` takes it; None for the predicted class.
        method: a name in `METHODS`, whose entry has the source of the method.
        crops: "whole", "centre" or "five"; None for the method's own.
        longest_side: of the map, in pixels; None for the size of the picture.
        layer: the module to draw on, for methods that are drawn on a layer; None for the method's own.
        preset: of a walk; None for the method's own. Other methods have none.
        progress: is called with the share that is done, 0 to 1. What it raises stops the method.

    Returns:
        The map with its layer, its fixations where the method is a walk, and its bounding box.

    Raises:
        ModelError: the method does not fit the network or the question.
        PictureError: the picture cannot be used.
        TargetError: the target is no class of the model.
        CnnfixError: there is no such method.
    """
    check_model(model)
    wanted = _find(method)
    picture = image if isinstance(image, Picture) else open_picture(image)
    started = time.perf_counter()
    settings = None if wanted.preset is None else get_preset(preset or wanted.preset)
    crops = crops or (settings.crops if settings else "whole")
    unit = target if isinstance(target, Unit) else None
    if unit is not None and settings is None:
        raise ModelError(f"{wanted.title} explains classes, not units inside the network: fixations do.")
    asked = () if isinstance(target, Unit) else _classes(model, picture, target, crops)
    if reason := reason_against(model, method, contrast=len(asked) == 2):
        raise ModelError(reason)
    progress = progress or _ignore
    request = MapRequest(model, picture, asked, crops, longest_side, layer, settings, progress, unit)
    drawn = wanted.draw(request)
    if not np.isfinite(drawn.map).all():
        raise ModelError(f"{wanted.title} gives no map here: the numbers of this network become too large for it.")
    progress(1.0)
    return Attribution(
        method,
        drawn.map,
        drawn.layer,
        drawn.fixations,
        drawn.box or box_of(drawn.map, wanted.box, picture.width, picture.height),
        request.target,
        time.perf_counter() - started,
    )


def reason_against(model: Model, method: str, contrast: bool = False) -> str:
    """Why a method does not fit a network, or the question.

    Runs the network once on noise, the first time.

    Args:
        model: what `load_model`, `open_own` or `Model.of` gave.
        method: a name in `METHODS`.
        contrast: whether the question is "a rather than b".

    Returns:
        A sentence, or "" where the method fits.

    Raises:
        CnnfixError: there is no such method.
    """
    wanted = _find(method)
    if contrast and not wanted.contrasts:
        return f"{wanted.title} explains one class, not why it is one rather than another."
    return next((reason for need in wanted.needs if (reason := need(model))), "")


def _find(method: str) -> Method:
    if method not in METHODS:
        hint = did_you_mean(method, METHODS, f"Choose one of {', '.join(METHODS)}.")
        raise CnnfixError(f"There is no method {method!r}. {hint}")
    return METHODS[method]


def _classes(model: Model, picture: Picture, target: TargetSpec, crops: Crops) -> Classes:
    """Index of the class, and of the class it is contrasted with. Runs the network only to find the predicted class."""
    predicted = target is None or (isinstance(target, tuple) and None in target)
    said = classes(model, picture, crops) if predicted else Said(model.labels, np.zeros((1, len(model.labels))))
    wanted, other = said.asked(target)
    return (wanted,) if other is None else (wanted, other)


def _ignore(_share: float) -> None:
    """Ignore the progress."""
