"""A visitor's own model: checked before it is used, and kept only in the visitor's session."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from cnnfix_core import Coverage, Preprocessing, coverage, open_own, open_picture
from cnnfix_core.images import list_samples
from cnnfix_core.zoo import Meaning, read_labels
from cnnfix_ui.server.results import Network

_CHECKED = "own.checked"


@dataclass(frozen=True)
class CheckRequest:
    """A model file to check, and how to read it.

    labels: content of the labels file. preprocessing: None for that of the file or the architecture.
    scores, meaning: as `open_own` takes them.
    """

    name: str
    content: bytes
    architecture: str | None
    labels: bytes | None
    preprocessing: Preprocessing | None
    scores: str | None = None
    meaning: Meaning | None = None

    @property
    def key(self) -> str:
        """Unique to this request."""
        digests = [hashlib.sha256(part).hexdigest() for part in (self.content, self.labels or b"")]
        said = self.architecture, self.labels is None, self.preprocessing, self.scores, self.meaning
        return f"own {self.name} {digests} {said}"


@dataclass(frozen=True)
class CheckedModel:
    """A model that could be opened, and the result of a trial walk through it."""

    network: Network
    report: Coverage


def check(request: CheckRequest, watch: Callable[[float], object] | None = None) -> CheckedModel:
    """Open the model, walk through it once, and keep it in the session.

    Args:
        request: The file, and how to read it.
        watch: Called while the file is read and tried, with the seconds so far; an error that it raises ends that.

    Raises:
        CnnfixError: The model cannot be used; the session keeps the previous one.
    """
    model = open_own(
        request.content,
        request.name,
        architecture=request.architecture,
        labels=None if request.labels is None else read_labels(request.labels),
        preprocessing=request.preprocessing,
        scores=request.scores,
        meaning=request.meaning,
        watch=watch,
    )
    picture = open_picture(list_samples()[0].read())
    (view,) = model.views(picture, "whole")
    report = coverage(model.module, model.inputs(picture, [view]), target=model.top_score)
    checked = CheckedModel(Network(request.key, model), report)
    st.session_state[_CHECKED] = checked
    return checked


def checked() -> CheckedModel | None:
    """This visitor's last model that could be opened."""
    found: CheckedModel | None = st.session_state.get(_CHECKED)
    return found


def current() -> Network | None:
    """The same as a network."""
    found = checked()
    return found.network if found else None


def remove() -> None:
    """Delete the visitor's model."""
    st.session_state.pop(_CHECKED, None)
