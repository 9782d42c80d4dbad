"""What phones and the board show of a step: the picture, and the maps that the reveal lays over it."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core.arrays import Floats
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import Explanation
from cnnfix_core.images import scaled_size
from cnnfix_core.lessons import Fact, Step, Which
from cnnfix_core.methods import METHODS
from cnnfix_core.visualization import overlay, photo_of, png
from cnnfix_ui.learn.screens import Seen, seen_on
from cnnfix_ui.rooms.room import Room
from cnnfix_ui.served import Served, served
from cnnfix_ui.server.cache import Cache

_PHONE_SIDE, _BOARD_SIDE = 640, 1280  # pixels of the longest side of a photograph
_OVERLAY_SIDE, MAP_SIDE = 640, 224
_QUALITY = 78
_MOST_POINTS = 250  # of fixations: enough to see where they lie
_MOST_BYTES = 100_000_000  # of scenes that rooms share
FIXATIONS, GRADCAM = "fixations", "gradcam"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Scene:
    """What a step shows.

    Attributes:
        width, height: of the picture, in pixels.
        phone, board: the picture, as small as a phone needs it and as large as a projector does.
        explanation: what the network said, without its traces.
        maps: of the methods, small; for a question that compares two, of these.
        overlays: the maps drawn.
        points: places of the strongest fixations, in shares of width and height.
        facts: numbers to guess, by name.
    """

    width: int
    height: int
    phone: Served
    board: Served
    explanation: Explanation
    maps: Mapping[str, Floats]
    overlays: Mapping[str, Served]
    points: tuple[tuple[float, float], ...]
    facts: Mapping[Fact, float]

    @property
    def nbytes(self) -> int:
        """Its memory, about."""
        files = [self.phone, self.board, *self.overlays.values()]
        return sum(len(one.content) for one in files) + sum(one.nbytes for one in self.maps.values()) + 100_000

    @property
    def sigma(self) -> tuple[float, float]:
        """Of the blur that makes a map of points, in pixels of the picture."""
        return self.explanation.kept_fixations.sigma


_scenes: Cache[object, Scene] = Cache(_MOST_BYTES, lambda scene: scene.nbytes)


def scene_of(step: Step) -> Scene | None:
    """What the step shows; None if its screen has no picture. Takes seconds the first time; never for a phone."""
    methods = step.question.methods if isinstance(step.question, Which) else ()
    key = step.screen.page, tuple(sorted(step.screen.settings.items())), methods
    try:
        seen = seen_on(step.screen)
        return _scenes.get(key, lambda: _made(seen, methods)) if seen else None
    except CnnfixError as error:
        _log.warning("The step %r has no maps: %s", step.title, error)
        return None


def prepare(room: Room) -> None:
    """Make the scenes of all steps while the class comes in."""

    def made() -> None:
        order = range(room.moment.step, len(room.lesson.steps))
        for number in (*order, *range(order.start)):
            if room.moment.phase == "ended":
                return
            try:
                ready(room, number)
            except Exception:
                _log.exception("A scene failed")

    threading.Thread(target=made, name="scenes", daemon=True).start()


def ready(room: Room, number: int) -> Scene | None:
    """The scene of a step, made if need be; for the teacher's screen."""
    if number not in room.scenes:
        scene = scene_of(room.lesson.steps[number])
        room.keep_scene(number, scene)
    return scene_at(room, number)


def scene_at(room: Room, number: int) -> Scene | None:
    """The scene of a step if it is there; for all who must not make one."""
    scene = room.scenes.get(number)
    assert scene is None or isinstance(scene, Scene)
    return scene


def drawn(map_: NDArray[np.floating], size: tuple[int, int]) -> Served:
    """A map as an overlay for a picture of this size."""
    return served(png(overlay(map_, scaled_size(size, _OVERLAY_SIDE))), "image/png", lasting=True)


def pasted(scene: Scene, layer: Served) -> Image.Image:
    """The picture with a map over it, as small as a phone shows it."""
    photo = Image.open(io.BytesIO(scene.phone.content)).convert("RGBA")
    over = Image.open(io.BytesIO(layer.content)).convert("RGBA").resize(photo.size)
    return Image.alpha_composite(photo, over).convert("RGB")


def _made(seen: Seen, methods: tuple[str, ...]) -> Scene:
    size = seen.picture.width, seen.picture.height
    maps = {name: seen.map_by(name) for name in dict.fromkeys((FIXATIONS, GRADCAM, *methods))}
    kept = {name: small(map_, size) for name, map_ in maps.items() if map_ is not None and map_.any()}
    fixations = seen.explanation.kept_fixations
    places = (fixations.xy[:_MOST_POINTS] + 0.5) / np.array(size)
    return Scene(
        *size,
        phone=_photo(photo_of(seen.picture, _PHONE_SIDE)),
        board=_photo(photo_of(seen.picture, _BOARD_SIDE)),
        explanation=seen.explanation,
        maps=kept,
        overlays={name: drawn(map_, size) for name, map_ in kept.items()},
        points=tuple((round(x, 4), round(y, 4)) for x, y in places.tolist()),
        facts=seen.facts,
    )


def small(map_: NDArray[np.floating], size: tuple[int, int]) -> Floats:
    """A map as large as a projector shows differences of: with fewer places, a class is compared quicker.

    Args:
        map_: of any size.
        size: of the picture, whose proportions count: those of `map_` are rounded already.
    """
    image = Image.fromarray(np.asarray(map_, np.float32))
    return np.asarray(image.resize(scaled_size(size, MAP_SIDE), Image.Resampling.BOX), float)


def _photo(image: Image.Image) -> Served:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return served(buffer.getvalue(), "image/jpeg", lasting=True)


def title_of(method: str) -> str:
    """A method as people call it."""
    return METHODS[method].title
