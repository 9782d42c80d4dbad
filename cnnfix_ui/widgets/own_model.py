"""A visitor's own model: checked before it is used, and kept only in the visitor's session."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from cnnfix_core import Coverage, Preprocessing
from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import FileOptions, Meaning, open_tried, read_labels
from cnnfix_site import hosting
from cnnfix_ui.server.results import Network

_CHECKED = "own.checked"


@dataclass(frozen=True)
class CheckRequest:
    """A model file to check, and how to read it.

    labels: content of the labels file. preprocessing: None for that of the file or the architecture.
    scores, meaning: as `FileOptions` has them.
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

    Where others can reach the server, the network itself is kept and asked in a process of its own.

    Args:
        request: The file, and how to read it.
        watch: Called while the file is read and tried, with the seconds so far; an error that it raises ends that.

    Raises:
        CnnfixError: The model cannot be used; the session keeps the previous one.
    """
    labels = None if request.labels is None else read_labels(request.labels)
    options = FileOptions(
        request.name, request.architecture, labels, request.preprocessing, request.scores, request.meaning
    )
    elsewhere = hosting.models_elsewhere(st.get_option("server.address"))
    model, report = open_tried(request.content, options, elsewhere=elsewhere, watch=watch)
    if isinstance(report, str):
        raise ModelError(report)
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
