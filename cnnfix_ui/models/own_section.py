"""The section of the Models page for a visitor's own model: upload, preprocessing, result of the check."""

from collections.abc import Sequence

import streamlit as st

from cnnfix_core import CnnfixError, Coverage, Preprocessing
from cnnfix_core.utils import percent
from cnnfix_core.zoo import (
    CHANNELS,
    INTERPOLATIONS,
    MAX_MODEL_BYTES,
    MAX_SECONDS,
    MAX_SIDE,
    MEANINGS,
    Meaning,
    architectures,
    listed_channels,
)
from cnnfix_site import hosting
from cnnfix_ui.errors import UserError, escaped, show_error
from cnnfix_ui.widgets import networks, own_model


def show_own_model() -> None:
    """Draw the section, or a sentence that own models are turned off."""
    st.header("Your own model", anchor=False)
    if not hosting.own_models_on(st.get_option("server.address")):
        st.markdown(
            "Own models are turned off on this server, because other machines can reach it. Its operator can turn them "
            f"on with `cnnfix app --own-models` or the environment variable `{hosting.OWN_MODELS}=1`."
        )
        return
    st.caption(
        "A program saved with `torch.export.save` (.pt2), an ONNX file, or weights (.pth, .pt, .safetensors) for an "
        f"architecture from torchvision or timm, up to {_limit():,} MB. {_larger_limit()}No code in the file is "
        "run. Only you can use the model, and it is deleted when you close the page."
    )
    try:
        request = _request()
        if request:
            _check(request)
    except (UserError, CnnfixError) as error:
        show_error(error)
    checked = own_model.checked()
    if checked:
        _show(checked)


def _check(request: own_model.CheckRequest) -> None:
    """Check the model, with progress. Cancel, like any other click, reruns the page, which ends the reading."""
    with st.spinner("Checking the model …", show_time=True):
        place = st.empty()
        with place.container():
            bar = st.progress(0.0, "Reading the file in a process of its own")
            st.button("Cancel", key="own.cancel")
        try:
            own_model.check(request, lambda seconds: bar.progress(min(seconds / MAX_SECONDS, 1.0)))
        finally:
            place.empty()


# --- upload -----------------------------------------------------------------------------------------------------


def _limit() -> int:
    """The largest file that the server accepts, in MB."""
    return min(int(st.get_option("server.maxUploadSize")), MAX_MODEL_BYTES // 1_000_000)


def _larger_limit() -> str:
    return "" if _limit() >= hosting.LARGE_UPLOAD else f"With `cnnfix app` the limit is {hosting.LARGE_UPLOAD:,} MB. "


def _request() -> own_model.CheckRequest | None:
    """Draw the upload and its settings; return a request when the button is pressed."""
    left, right = st.columns(2, gap="large")
    with left:
        file = st.file_uploader(
            "Model",
            ["pt2", "onnx", "pth", "pt", "ckpt", "bin", "tar", "safetensors"],
            key="own.file",
            max_upload_size=_limit(),
        )
        labels = st.file_uploader("Labels (optional)", ["txt", "json"], key="own.labels", max_upload_size=1)
    with right:
        architecture = st.selectbox(
            "Architecture",
            (*architectures.classifiers(), *architectures.timm_names()),
            index=None,
            placeholder="For weights, for example resnet50",
            key="own.architecture",
            help="Needed for weights. A .pt2 or .onnx file contains its architecture.",
        )
        preprocessing = _preprocessing(architecture)
        scores, meaning = _scores()
        wanted = st.button("Check", type="primary", disabled=file is None)
    if file is None or not wanted:
        return None
    return own_model.CheckRequest(
        file.name, file.getvalue(), architecture, labels.getvalue() if labels else None, preprocessing, scores, meaning
    )


_MEANINGS: dict[Meaning, str] = {
    "softmax": "softmax: one class is right",
    "sigmoid": "sigmoid: each class by itself",
    "probabilities": "they are probabilities",
    "log-probabilities": "they are logarithms of probabilities",
}


def _scores() -> tuple[str | None, Meaning | None]:
    """Where the scores are in what the network returns, and what they mean; None to guess."""
    with st.expander("Scores", icon=":material/percent:"):
        left, right = st.columns(2)
        where = left.text_input(
            "Output",
            placeholder="found by itself",
            key="own.scores",
            help="Of a network that returns several, the one with the scores: its name or number, like logits or 1.",
        )
        meaning = right.selectbox(
            "How they become probabilities",
            MEANINGS,
            index=None,
            placeholder="found by itself",
            format_func=_MEANINGS.__getitem__,
            key="own.meaning",
        )
    return where.strip() or None, meaning


def _preprocessing(architecture: str | None) -> Preprocessing | None:
    """None for that of the file or the architecture. Raises ModelError for impossible values."""
    with st.expander("Preprocessing", icon=":material/tune:"):
        by_hand = st.toggle("Set by hand", key="own.by_hand")
        said = architectures.preprocessing(architecture) if architecture else Preprocessing()
        if not by_hand:
            whose = f"As {architecture} expects" if architecture else "The input size is read from the file. Otherwise"
            st.caption(escaped(f"{whose}: {_description(said)}"))
            return None
        # The start values depend on the architecture.
        key = f"own.{architecture}."
        # Row by row, so that they keep this order on a phone.
        (left, right), (below_left, below_right), (last_left, last_right) = (st.columns(2) for _ in range(3))
        channels = _list(
            st.text_input(
                "Channels",
                ", ".join(said.channels),
                key=f"{key}channels",
                help=f"What each channel of the input shows of a picture: {', '.join(CHANNELS)}.",
            )
        )
        height = left.number_input("Height", 1, MAX_SIDE, said.size[0], key=f"{key}height")
        width = right.number_input("Width", 1, MAX_SIDE, said.size[1], key=f"{key}width")
        mean = below_left.text_input("Mean of each channel", _as_text(said.mean), key=f"{key}mean")
        std = below_right.text_input("Standard deviation", _as_text(said.std), key=f"{key}std")
        interpolation = last_left.selectbox(
            "Interpolation", INTERPOLATIONS, INTERPOLATIONS.index(said.interpolation), key=f"{key}interpolation"
        )
        crop = last_right.number_input(
            "Centre crop",
            *(0.01, 1.0, said.crop_pct, 0.005),
            format="%.3f",
            key=f"{key}crop",
            help="Share of the shorter side that the crop keeps; 1 keeps everything.",
        )
    return Preprocessing((height, width), _numbers(mean), _numbers(std), interpolation, crop, channels)


def _description(said: Preprocessing) -> str:
    height, width = said.size
    return (
        f"{width} × {height} pixels, mean {_as_text(said.mean)}, std {_as_text(said.std)}, {said.interpolation}, "
        f"centre crop {said.crop_pct:.3g}; {listed_channels(said.channels)}."
    )


def _as_text(numbers: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in numbers)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace(";", ",").split(",") if part.strip())


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in _list(text))
    except ValueError:
        raise UserError(f"{text!r} is not a list of numbers: write them like 0.485, 0.456, 0.406.") from None


# --- result of the check ---------------------------------------------------------------------------------------------


def _show(checked: own_model.CheckedModel) -> None:
    model, report = checked.network.model, checked.report
    say = st.success if report.complete else st.warning
    say(escaped(f"{model.title}: {model.facts} {report.summary()}"))
    if model.notes:
        st.info(escaped(" ".join(model.notes)), icon=":material/info:")
    with st.container(horizontal=True, gap="small"):
        explore = st.button("Explore with this network", type="primary", key="own.explore")
        st.button("Remove", key="own.remove", on_click=own_model.remove)
    if explore:
        networks.open_with(networks.OWN)
    if report.stops:
        st.dataframe(_stop_table(report), hide_index=True, key="own.stops", alt="Where walks stop, and why")
    with st.expander("Operations of the network"):
        st.dataframe(_operation_table(report), hide_index=True, key="own.operations", alt="Operations of the network")


def _stop_table(report: Coverage) -> dict[str, list[object]]:
    return {
        "Walks stop at": [stop.operation for stop in report.stops],
        "Module": [stop.module for stop in report.stops],
        "Evidence lost": [percent(stop.evidence) for stop in report.stops],
        "Why": [stop.why for stop in report.stops],
    }


def _operation_table(report: Coverage) -> dict[str, list[object]]:
    return {
        "Operation": [operation.name for operation in report.operations],
        "Count": [operation.times for operation in report.operations],
        "Reached by the walk": [operation.met for operation in report.operations],
        "Has a rule": ["yes" if operation.has_rule else "no" for operation in report.operations],
    }
