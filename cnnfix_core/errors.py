"""The errors of this package. Each message says what went wrong, where, and what to do."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a file. line: from 1. what: a sentence."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


class LessonError(CnnfixError):
    """A lesson cannot be read. faults: all of them, in the order of the file; none if there is no such lesson."""

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__("\n".join([message, *map(str, faults)]))
        self.faults = tuple(faults)

    @property
    def count(self) -> str:
        """How many faults, in words."""
        return "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"


class MissingPackageError(CnnfixError, ImportError):
    """An optional dependency is not installed."""


# For each optional dependency: its name as people write it, and the smallest extra of pyproject.toml that contains it.
_OPTIONAL = {
    "captum": ("Captum", "methods"),
    "markdown_it": ("markdown-it-py", "lessons"),
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


def said_by(error: Exception) -> str:
    """What an error from elsewhere says; with its type where that alone says little, as for a missing key."""
    text = str(error)
    return f"{type(error).__name__}: {text}".rstrip(": ") if isinstance(error, KeyError) or not text else text


def did_you_mean(wanted: str, known: Iterable[str], otherwise: str) -> str:
    """A question that suggests known names; `otherwise` if there are none.

    Names that contain what was wanted as a word come first, as "tiger cat" for "cat", then those of similar spelling.
    """
    wanted = str(wanted)
    names = sorted(set(known), key=lambda name: (len(name), name))
    word = re.compile(rf"\b{re.escape(wanted.strip())}\b", re.I) if wanted.strip() else None
    close = [name for name in names if word and word.search(name)][:3] or difflib.get_close_matches(wanted, names, 3)
    return f"Did you mean {' or '.join(close)}?" if close else otherwise
