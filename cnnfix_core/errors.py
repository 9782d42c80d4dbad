"""The errors of this package. Each message says what went wrong, where, and what to do."""

import difflib
from collections.abc import Iterable
from importlib.util import find_spec


class CnnfixError(ValueError):
    """The base class of all errors that this package raises on purpose; the message is one or two plain sentences."""


class RecordError(CnnfixError):
    """The module could not be recorded: it failed, or its output is nothing that a walk could start from."""


class TargetError(CnnfixError):
    """The target does not name an element of the output, or a class of the model."""


class NoRuleError(CnnfixError):
    """The walk met an operation for which no rule is registered."""


class NothingContributesError(CnnfixError):
    """No input contributes to the target, so there is nothing to walk back to."""


class NotFiniteError(CnnfixError):
    """An activation that the walk needs is NaN or infinite."""


class ModelError(CnnfixError):
    """A model is unknown or not installed, or its weights do not fit."""


class MissingPackageError(CnnfixError, ImportError):
    """An optional dependency is not installed."""


# For each optional dependency: its name as people write it, and the smallest extra of pyproject.toml that contains it.
_OPTIONAL = {
    "captum": ("Captum", "methods"),
    "onnx": ("the ONNX parser", "onnx"),
    "pyarrow": ("PyArrow", "batch"),
    "ray": ("Ray", "ray"),
    "reportlab": ("ReportLab", "report"),
    "streamlit": ("Streamlit", "app"),
    "timm": ("timm", "models"),
    "torchcam": ("torchcam", "methods"),
    "torchvision": ("torchvision", "models"),
}


def need(package: str) -> None:
    """Check that an optional dependency is installed, without importing it.

    Args:
        package: The name by which it is imported.

    Raises:
        MissingPackageError: It is not installed; the message gives the command that installs it.
    """
    if find_spec(package) is None:
        title, extra = _OPTIONAL[package]
        raise MissingPackageError(f"This needs {title}: pip install 'cnnfix[{extra}]'")


def did_you_mean(wanted: str, known: Iterable[str], otherwise: str) -> str:
    """A question that suggests known names with a similar spelling; `otherwise` if there are none."""
    close = difflib.get_close_matches(wanted, list(known), 3)
    return f"Did you mean {' or '.join(close)}?" if close else otherwise
