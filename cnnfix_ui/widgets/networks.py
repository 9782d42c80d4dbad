"""Choosing a network, and the links between the Explore and Models pages."""

from collections.abc import Sequence
from typing import NoReturn

import streamlit as st

from cnnfix_core import Labels, ModelInfo
from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import DEFAULT, Task, model_info, models_here
from cnnfix_site import PAGES
from cnnfix_ui import address
from cnnfix_ui.errors import escaped
from cnnfix_ui.server import results
from cnnfix_ui.server.results import Network
from cnnfix_ui.widgets import own_model

OWN = "own"
CLASSIFICATION: tuple[Task, ...] = ("classification",)
EVERY_TASK: tuple[Task, ...] = ("classification", "segmentation", "detection")
_MORE = "more"
_NOTICE, _LABELS, _CHANGED = (f"networks.{name}" for name in ("notice", "labels", "changed"))


def parse_name(text: str) -> str:
    """A network's name from the address, whether it is available now or not. Raises ValueError for unknown names."""
    if text != OWN and model_info(text) is None:
        raise ValueError(text)
    return text


def title_of(name: str) -> str:
    """The title of the network with this name."""
    if name == OWN:
        return "your network"
    info = model_info(name)
    return info.title if info else name


def choose(tasks: Sequence[Task] = CLASSIFICATION) -> Network:
    """Draw the control and return the chosen network; if it is not available, the bundled one with a notice.

    tasks: those that the page supports.
    """
    if st.session_state["model"] == _MORE:
        address.reset("model")
        st.switch_page(PAGES / "models.py")
    network = _chosen(tasks)
    _keep_classes(network.model.labels)
    titles = askable(tasks) | {_MORE: "More networks …"}
    st.selectbox("Network", list(titles), format_func=titles.__getitem__, key="model", on_change=_changed)
    return network


def askable(tasks: Sequence[Task] = CLASSIFICATION) -> dict[str, str]:
    """Names and titles of the networks that are available now, the visitor's own first."""
    own = own_model.current()
    titles = {OWN: f"Your network: {own.model.title}"} if own else {}
    return titles | {info.name: info.title for info in _listed() if info.task in tasks}


@st.cache_resource(ttl=1, show_spinner=False)
def _listed() -> tuple[ModelInfo, ...]:
    """The networks that can be asked; which of them have files here is looked up at most once a second."""
    return models_here()


def show_notice() -> None:
    """Say why another network is used than the address asks for, until one is chosen."""
    if _NOTICE in st.session_state:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(escaped(st.session_state[_NOTICE]), icon=":material/info:")
            link_to_models()


def link_to_models(label: str = "Go to the Models page") -> None:
    """Draw a link to the Models page."""
    st.page_link(PAGES / "models.py", label=label, icon=":material/arrow_forward:")


def open_with(name: str, page: str = "explore") -> NoReturn:
    """Go to a page with this network."""
    _listed.clear()  # it may have come a moment ago
    _changed()
    address.set_value("model", name)
    st.switch_page(PAGES / f"{page}.py")


def _changed() -> None:
    st.session_state[_CHANGED] = True
    st.session_state.pop(_NOTICE, None)


def _chosen(tasks: Sequence[Task]) -> Network:
    name: str = st.session_state["model"]
    try:
        return network_of(name, tasks)
    except ModelError as error:
        st.session_state[_NOTICE] = f"{error} {title_of(DEFAULT)} is used instead."
        st.session_state["model"] = DEFAULT
        if name == OWN:  # the class numbers in the address were its own
            reset_classes()
        return network_of(DEFAULT)


def network_of(name: str, tasks: Sequence[Task] = CLASSIFICATION) -> Network:
    """The network with a name that `parse_name` accepted. Raises ModelError if it is not available now."""
    if name == OWN:
        own = own_model.current()
        if own is None:
            raise ModelError("Your own model was deleted when its page was closed: upload it again on the Models page.")
        return own
    info = info_of(name, tasks)
    with st.spinner(f"Loading {info.title} …"):
        return Network(name, results.loaded(name))


def info_of(name: str, tasks: Sequence[Task] = CLASSIFICATION) -> ModelInfo:
    """The network with this name, which can be loaded without a download. Raises ModelError if it cannot."""
    info = model_info(name)
    if info is None:
        raise ModelError(f"There is no network {name!r}: choose another one.")
    if info.task not in tasks:
        raise ModelError(f"{info.title} is a {info.task} network: use it on the Explore page.")
    if not info.available:
        raise ModelError(f"{info.title} is not on this machine yet: load it on the Models page.")
    return info


def _keep_classes(labels: Labels) -> None:
    """Reset the chosen classes if the labels changed: their numbers would mean something else."""
    before = st.session_state.get(_LABELS, labels.synonyms)
    changed = st.session_state.pop(_CHANGED, False) and before != labels.synonyms
    st.session_state[_LABELS] = labels.synonyms
    if changed:
        reset_classes()
    fit_classes(len(labels))


def fit_classes(count: int) -> None:
    """Reset the chosen classes if a number is too large for this many; it may come from the address."""
    if any((st.session_state[which] or 0) >= count for which in ("class", "than")):
        reset_classes()


def reset_classes() -> None:
    """Go back to the predicted class, for another picture or other labels."""
    st.session_state["class"] = st.session_state["than"] = None
