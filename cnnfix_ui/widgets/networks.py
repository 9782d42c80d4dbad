"""Which network is asked: the control on Explore, and the ways between Explore and Models."""

from collections.abc import Sequence
from typing import NoReturn

import streamlit as st

from cnnfix_core import Labels, ModelInfo, list_models
from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import DEFAULT, Task, model_info
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
    """A network's name from the address, whether it can be asked now or not. Raises a ValueError for others."""
    if text != OWN and model_info(text) is None:
        raise ValueError(text)
    return text


def can_be_asked(info: ModelInfo) -> bool:
    """Whether it is in memory, or its weights are on this machine."""
    return info.available or info.name in results.models.cached_keys()


def title_of(name: str) -> str:
    """What the network of that name is called."""
    if name == OWN:
        return "your network"
    info = model_info(name)
    return info.title if info else name


def choose(tasks: Sequence[Task] = CLASSIFICATION) -> Network:
    """Draw the control and give the network that is chosen; the bundled one, and a notice, where that is not here.

    tasks: of the networks that the page can ask.
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
    """Names and titles of the networks that can be asked now: the visitor's own first, where there is one."""
    own = own_model.current()
    titles = {OWN: f"Yours: {own.model.title}"} if own else {}
    return titles | {info.name: info.title for info in _listed() if info.task in tasks and can_be_asked(info)}


@st.cache_resource(ttl=1, show_spinner=False)
def _listed() -> tuple[ModelInfo, ...]:
    """All networks; which of them are here is a matter of files, and looked up once a second at most."""
    return list_models()


def show_notice() -> None:
    """Say why another network is asked than the address wants, until somebody chooses one."""
    if _NOTICE in st.session_state:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(escaped(st.session_state[_NOTICE]), icon=":material/info:")
            link_to_models()


def link_to_models(label: str = "Go to Models") -> None:
    """Draw a link to the Models page."""
    st.page_link(PAGES / "models.py", label=label, icon=":material/arrow_forward:")


def explore_with(name: str) -> NoReturn:
    """Go to Explore and ask this network."""
    _changed()
    address.set_value("model", name)
    st.switch_page(PAGES / "explore.py")


def _changed() -> None:
    st.session_state[_CHANGED] = True
    st.session_state.pop(_NOTICE, None)


def _chosen(tasks: Sequence[Task]) -> Network:
    name: str = st.session_state["model"]
    try:
        return network_of(name, tasks)
    except ModelError as error:
        st.session_state[_NOTICE] = f"{error} {title_of(DEFAULT)} is asked instead."
        st.session_state["model"] = DEFAULT
        if name == OWN:  # the numbers in the address were those of its classes
            reset_classes()
        return network_of(DEFAULT)


def network_of(name: str, tasks: Sequence[Task] = CLASSIFICATION) -> Network:
    """The network of a name that `parse_name` has let through. Raises ModelError where it cannot be asked here, now."""
    if name == OWN:
        own = own_model.current()
        if own is None:
            raise ModelError("Your own model is not here any more: it was forgotten when its page was closed.")
        return own
    info = model_info(name)
    if info is None:
        raise ModelError(f"There is no network {name!r}: choose another one.")
    if info.task not in tasks:
        raise ModelError(f"{info.title} says what is where: ask it on Explore.")
    if not can_be_asked(info):
        raise ModelError(f"{info.title} is not on this machine yet.")
    with st.spinner(f"Loading {info.title} …"):
        return Network(name, results.loaded(name))


def _keep_classes(labels: Labels) -> None:
    """Classes are numbers: under other labels they would mean something else."""
    before = st.session_state.get(_LABELS, labels.synonyms)
    changed = st.session_state.pop(_CHANGED, False) and before != labels.synonyms
    st.session_state[_LABELS] = labels.synonyms
    if changed:
        reset_classes()
    fit_classes(len(labels))


def fit_classes(count: int) -> None:
    """Forget classes that a network with so many has not; they may come from the address."""
    if any((st.session_state[which] or 0) >= count for which in ("class", "than")):
        reset_classes()


def reset_classes() -> None:
    """Ask about what the network says, of another picture or under other labels."""
    st.session_state["class"] = st.session_state["than"] = None
