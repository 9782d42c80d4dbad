"""Results that visitors share: networks, and explanations by network, picture, target and settings."""

from collections.abc import Callable, Hashable
from contextlib import nullcontext
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnfix_core import Explanation, Model, Picture, Preset, load_model
from cnnfix_core.backtrack import Walked
from cnnfix_core.explanations import Classes
from cnnfix_core.images import Crops, list_samples
from cnnfix_core.perturbations import randomised
from cnnfix_core.report import PictureFile
from cnnfix_core.zoo import DownloadProgress, asked_while, is_elsewhere
from cnnfix_ui.server import questions
from cnnfix_ui.server.cache import Cache
from cnnfix_ui.server.jobs import Job
from cnnfix_ui.server.turns import in_turn, turns
from cnnfix_ui.server.visitors import end_with_page, visitor

P = ParamSpec("P")
Result = TypeVar("Result")
Target = questions.Target


def _nbytes(answer: object) -> int:
    """Approximate size in memory."""
    fixations = answer.fixations if isinstance(answer, Explanation) else None
    return 40 * len(fixations) if fixations else getattr(answer, "nbytes", 1_000) + 1_000


# Room for four of the largest networks of the paper.
models: Cache[str, Model] = Cache(2_500_000_000, lambda model: model.nbytes)
# Explanations, Grad-CAM maps and predictions.
answers: Cache[Hashable, Any] = Cache(400_000_000, _nbytes)

# What browsers are sent of walks, so many of them; a megabyte each, about.
playbacks: Cache[Hashable, dict[str, Any]] = Cache(64, lambda _: 1)


@dataclass(frozen=True)
class Network:
    """A network.

    Attributes:
        key: unique across visitors; results are cached under it.
        shuffled: the part of a network elsewhere whose weights are shuffled; "" for none.
    """

    key: str
    model: Model
    shuffled: str = ""

    @property
    def takes_long(self) -> bool:
        """Whether an explanation takes seconds, so that quick ones must be able to overtake it.

        A network elsewhere is a visitor's, and may take as long as a question is allowed to.
        """
        return is_elsewhere(self.model) or questions.takes_long(self.model)

    def ask(self, question: Callable[Concatenate[Model, P], Result], *args: P.args, **options: P.kwargs) -> Result:
        """The answer to a question about it, computed where it may run; the only way in which pages use a network.

        Args:
            question: a function of a model, of a module that a process without pages can import. It returns plain data.
            args: its other arguments.
            options: its named ones.

        Raises:
            CnnfixError: as the question.
        """
        if self.shuffled:
            of_shuffled = questions.OfShuffled(self.shuffled, question)
            return asked_while(end_with_page, self.model, of_shuffled, *args, **options)
        return asked_while(end_with_page, self.model, question, *args, **options)


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

    def made() -> Classes:
        return Classes(network.model.labels, network.ask(questions.scores, picture), network.model.meaning)

    return _cached(("predicted", network.key, picture.digest), network, made)


def disturbed(network: Network, picture: Picture, kind: str, strength: int) -> Picture:
    """The picture with adversarial noise."""
    key = "disturbed", network.key, picture.digest, kind, strength
    return _cached(key, network, lambda: network.ask(questions.disturbed, picture, kind, strength))


def with_shuffled_weights(network: Network, part: str) -> Network:
    """The network with shuffled weights: all of them, or those of the last layer."""
    key = f"{network.key} without {part}"
    if is_elsewhere(network.model):
        return Network(key, network.model, part)
    return Network(key, models.get(key, lambda: randomised(network.model, part=part)))


def explained(network: Network, picture: Picture, target: Target, preset: Preset) -> Explanation:
    """The explanation, without its traces. A quick map of Grad-CAM is kept, too: the recording may be gone soon."""

    def made() -> Explanation:
        with in_turn(network.takes_long):
            explanation, beside = network.ask(questions.explained, picture, target, preset)
        if beside is not None:
            answers.get(_gradcam_key(network, picture, explanation.asked, preset.crops), lambda: beside)
        return explanation

    found: Explanation = answers.get(("explained", network.key, picture.digest, target, preset), made)
    return found


def gradcam(
    network: Network, picture: Picture, target: int | tuple[int, int], crops: Crops
) -> NDArray[np.float32] | str:
    """Grad-CAM's map for the same target and crops, at most MAP_SIDE long; or a sentence why there is none."""
    key = _gradcam_key(network, picture, target, crops)
    return _cached(key, network, lambda: network.ask(questions.gradcam, picture, target, crops))


def _gradcam_key(network: Network, picture: Picture, target: int | tuple[int, int], crops: Crops) -> Hashable:
    return "gradcam", network.key, picture.digest, target, crops


@dataclass(frozen=True)
class RecordedWalk:
    """A walk with everything that was recorded, for stepping: it is kept where it was made, while there is room."""

    network: Network
    picture: Picture
    target: Target
    presets: tuple[Preset, ...]

    def ask(self, question: Callable[Concatenate[Walked, P], Result], *args: P.args, **options: P.kwargs) -> Result:
        """The answer to a question about it, as for `Network.ask`. Raises what `walked` raises."""
        of_walk = questions.OfWalk(self.picture, self.target, self.presets, question)
        with nullcontext() if self._kept else in_turn(self.network.takes_long):
            return self.network.ask(of_walk, *args, **options)

    @property
    def _kept(self) -> bool:
        return questions.has_walk(self.network.model, self.picture, self.target, self.presets)

    @property
    def explanation(self) -> Explanation:
        """Of the first preset."""
        key = "walk", self.network.key, self.picture.digest, self.target, self.presets
        found: Explanation = answers.get(key, lambda: self.ask(questions.explanation_of))
        return found


def recorded_walk(network: Network, picture: Picture, target: Target, presets: tuple[Preset, ...]) -> RecordedWalk:
    """The walk, which has been made. Raises what `walked` raises."""
    walk = RecordedWalk(network, picture, target, presets)
    _ = walk.explanation
    return walk


def attributed(
    network: Network, picture: Picture, target: int | tuple[int, int], method: str
) -> NDArray[np.float32] | str:
    """The map of a quick method, at most MAP_SIDE long; or a sentence why there is none."""
    key = "attributed", network.key, picture.digest, target, method
    return _cached(key, network, lambda: network.ask(questions.attributed, picture, target, method))


def _cached(key: Hashable, network: Network, make: Callable[[], Result]) -> Result:
    """The cached result, or a new one computed in turn."""
    found: Result = answers.get(key, _in_turn(network, make))
    return found


def _in_turn(network: Network, make: Callable[[], Result]) -> Callable[[], Result]:
    def made() -> Result:
        with in_turn(network.takes_long):
            return make()

    return made


def report_job(
    network: Network, picture: Picture, name: str, explanation: Explanation
) -> Callable[[Job], questions.ReportFiles]:
    """A job that makes the report of an answer. name: of the picture in the gallery."""
    sample = next((one for one in list_samples() if one.name == name), None)

    def made(job: Job) -> questions.ReportFiles:
        file = PictureFile(name, sample.read()) if sample else PictureFile("picture.png")
        asked, preset = explanation.asked, explanation.preset
        return network.ask(questions.reported, picture, asked, preset, file, report=job.report)

    return made


def numbers_file(network: Network, picture: Picture, explanation: Explanation, form: str) -> Callable[[], str]:
    """A function that writes an answer's numbers, and works outside the session. form: in `questions.NUMBERS`."""
    who = visitor()

    def made() -> str:
        with turns.acquired(who=who):
            return network.ask(questions.numbers, picture, explanation.asked, explanation.preset, form)

    return made


def animation_file(network: Network, picture: Picture, explanation: Explanation) -> Callable[[], bytes]:
    """A function that draws the walk of an answer as GIF, and works outside the session."""
    walk = RecordedWalk(network, picture, explanation.asked, (explanation.preset,))
    return partial(walk.ask, questions.animated, picture)
