"""What can go wrong, in words for the person who asked. Each message says what, where and what to do."""

import difflib
from collections.abc import Iterable
from importlib.util import find_spec


class CnnfixError(ValueError):
    """Base of all errors that this package raises on purpose; the message is one plain sentence or two."""


class RecordError(CnnfixError):
    """The module could not be recorded: it failed, or gave nothing that a walk could start from."""


class TargetError(CnnfixError):
    """The target does not name an element of the output, or a class of the model."""


class NoRuleError(CnnfixError):
    """The walk met an operation for which no rule is registered."""


class NothingContributesError(CnnfixError):
    """No input contributes to what was asked for, so there is nowhere to walk to."""


class NotFiniteError(CnnfixError):
    """An activation that the walk needs is NaN or infinite."""


class ModelError(CnnfixError):
    """A model is unknown, not installed, or its weights do not fit."""


class MissingPackageError(CnnfixError, ImportError):
    """A package that only a part of this one uses is not installed."""


# What each package that an extra of pyproject.toml brings is called, and the smallest extra with it.
_OPTIONAL = {
    "captum": ("Captum", "methods"),
    "pyarrow": ("PyArrow", "batch"),
    "ray": ("Ray", "ray"),
    "reportlab": ("ReportLab", "report"),
    "streamlit": ("Streamlit", "app"),
    "timm": ("timm", "models"),
    "torchcam": ("torchcam", "methods"),
    "torchvision": ("torchvision", "models"),
}


def need(package: str) -> None:
    """See that an optional package is there, before it is imported; imports nothing.

    Args:
        package: The name under which Python imports it.

    Raises:
        MissingPackageError: It is not installed; the message is the command that installs it.
    """
    if find_spec(package) is None:
        title, extra = _OPTIONAL[package]
        raise MissingPackageError(f"This needs {title}: pip install 'cnnfix[{extra}]'")


def did_you_mean(wanted: str, known: Iterable[str], otherwise: str) -> str:
    """A sentence that names what is spelt like it among the known; `otherwise` where nothing is."""
    close = difflib.get_close_matches(wanted, list(known), 3)
    return f"Did you mean {' or '.join(close)}?" if close else otherwise
