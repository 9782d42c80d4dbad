"""What can go wrong, in words for the person who asked. Each message says what, where and what to do."""

import difflib
from collections.abc import Iterable


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


def did_you_mean(wanted: str, known: Iterable[str], otherwise: str) -> str:
    """A sentence that names what is spelt like it among the known; `otherwise` where nothing is."""
    close = difflib.get_close_matches(wanted, list(known), 3)
    return f"Did you mean {' or '.join(close)}?" if close else otherwise
