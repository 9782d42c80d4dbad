"""Results that visitors share: networks, and explanations by network, picture, target and settings."""

from collections.abc import Callable, Hashable
from dataclasses import astuple, dataclass
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core import Explanation, Model, Picture, Preset, attribute, load_model, perturbations
from cnnfix_core.backtrack import Walked, walked
from cnnfix_core.engine import Unit
from cnnfix_core.errors import ModelError
from cnnfix_core.explanations import Classes, RecordedPicture, classes
from cnnfix_core.images import Crops, list_samples
from cnnfix_core.methods import recorded_grad_cam
from cnnfix_core.perturbations import randomised
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.report import PictureFile, Report, make_report
from cnnfix_core.zoo import DownloadProgress
from cnnfix_site.hosting import memory
from cnnfix_ui.server.cache import Cache
from cnnfix_ui.server.turns import in_turn, turns
from cnnfix_ui.server.visitors import visitor

Result = TypeVar("Result")
_LARGE_MODEL = 200_000_000  # bytes of weights


def _nbytes(answer: object) -> int:
    """Approximate size in memory."""
    fixations = answer.fixations if isinstance(answer, Explanation) else None
    return 40 * len(fixations) if fixations else getattr(answer, "nbytes", 1_000) + 1_000


Target = int | tuple[int | None, int] | Unit | None

# Room for four of the largest networks of the paper.
models: Cache[str, Model] = Cache(2_500_000_000, lambda model: model.nbytes)
# Explanations, Grad-CAM maps and predictions.
answers: Cache[Hashable, Any] = Cache(400_000_000, _nbytes)
# What networks computed for a picture, some 30 MB each for the bundled one, so that another class costs a walk only.
recordings: Cache[Hashable, RecordedPicture] = Cache(400_000_000, lambda one: one.nbytes)
# Recordings with all their values, 90 MB each for the bundled network: enough for a class of thirty.
walks: Cache[Hashable, Walked] = Cache(max(memory() // 6, 1_000_000_000), lambda one: one.nbytes)

# What browsers are sent of walks, so many of them; a megabyte each, about.
playbacks: Cache[Hashable, dict[str, Any]] = Cache(64, lambda _: 1)

# Reports that were asked for last, some 10 MB each.
_reports: Cache[Hashable, Report] = Cache(16, lambda _: 1)


@dataclass(frozen=True)
class Network:
    """A network. key: unique across visitors; results are cached under it."""

    key: str
    model: Model

    @property
    def takes_long(self) -> bool:
        """Whether an explanation takes seconds, so that quick ones must be able to overtake it."""
        return self.model.whole or self.model.nbytes > _LARGE_MODEL


def loaded(name: str, progress: DownloadProgress | None = None) -> Model:
    """The network with this name, kept in memory. Raises ModelError like `load_model`."""
    return models.get(name, lambda: load_model(name, progress))


# How Streamlit's caches hash these arguments.
KEYS: dict[str | type[Any], Callable[[Any], Any]] = {
    Picture: lambda picture: picture.digest,
    Network: lambda network: network.key,
    Preset: astuple,
}


def predicted(network: Network, picture: Picture) -> Classes:
    """The network's predictions for the whole picture."""
    return _cached(("predicted", network.key, picture.digest), network, lambda: classes(network.model, picture))


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=KEYS)
def disturbed(network: Network, picture: Picture, kind: str, strength: int) -> perturbations.AdversarialPicture:
    """The picture with adversarial noise."""
    with turns.acquired():
        return perturbations.add_adversarial_noise(network.model, picture, kind, strength)


def with_shuffled_weights(network: Network, part: str) -> Network:
    """The network with shuffled weights: all of them, or those of the last layer."""
    key = f"{network.key} without {part}"
    return Network(key, models.get(key, lambda: randomised(network.model, part=part)))


def explained(network: Network, picture: Picture, target: Target, preset: Preset) -> Explanation:
    """The explanation, without its traces."""

    def made() -> Explanation:
        recorded = _recorded(network, picture, preset.crops, whole=isinstance(target, Unit))
        return recorded.explain(target, preset).without_traces()

    return _cached(("explained", network.key, picture.digest, target, preset), network, made)


def _recorded(network: Network, picture: Picture, crops: Crops, whole: bool = False) -> RecordedPicture:
    def made() -> RecordedPicture:
        return RecordedPicture(network.model, picture, crops, whole=whole)

    # Recordings of large networks would need gigabytes.
    return made() if network.takes_long or whole else recordings.get((network.key, picture.digest, crops), made)


def recorded_walk(network: Network, picture: Picture, target: Target, presets: tuple[Preset, ...]) -> Walked:
    """The walk with everything that was recorded, for stepping; cached while there is room."""
    key = network.key, picture.digest, target, presets
    return walks.get(key, _in_turn(network, lambda: walked(network.model, picture, target, presets)))


def gradcam(
    network: Network, picture: Picture, target: int | tuple[int, int], crops: Crops
) -> NDArray[np.float32] | str:
    """Grad-CAM's map for the same target and crops, at most MAP_SIDE long; or a sentence why there is none."""

    def drawn() -> NDArray[np.float32] | str:
        found = None if network.takes_long else recorded_grad_cam(_recorded(network, picture, crops), target, MAP_SIDE)
        if found is not None:
            return found
        try:
            return attribute(network.model, picture, target, crops=crops, longest_side=MAP_SIDE)
        except ModelError as error:
            return str(error)

    return _cached(("gradcam", network.key, picture.digest, target, crops), network, drawn)


def attributed(
    network: Network, picture: Picture, target: int | tuple[int, int], method: str
) -> NDArray[np.float32] | str:
    """The map of a quick method, at most MAP_SIDE long; or a sentence why there is none."""

    def drawn() -> NDArray[np.float32] | str:
        try:
            return attribute(network.model, picture, target, method, longest_side=MAP_SIDE)
        except ModelError as error:
            return str(error)

    return _cached(("attributed", network.key, picture.digest, target, method), network, drawn)


def _cached(key: Hashable, network: Network, make: Callable[[], Result]) -> Result:
    """The cached result, or a new one computed in turn."""
    found: Result = answers.get(key, _in_turn(network, make))
    return found


def _in_turn(network: Network, make: Callable[[], Result]) -> Callable[[], Result]:
    def made() -> Result:
        with in_turn(network.takes_long):
            return make()

    return made


def report_maker(network: Network, picture: Picture, name: str, explanation: Explanation) -> Callable[[], Report]:
    """A function that makes the report once for all its files, and works outside the session.

    name: of the picture in the gallery.
    """
    who, sample = visitor(), next((one for one in list_samples() if one.name == name), None)

    def made() -> Report:
        with turns.acquired(long=True, who=who):
            return make_report(
                network.model,
                picture,
                explanation.asked,
                explanation.preset,
                file=PictureFile(name, sample.read()) if sample else PictureFile("picture.png"),
            )

    key = network.key, picture.digest, name, explanation.asked, explanation.preset
    return lambda: _reports.get(key, made)
