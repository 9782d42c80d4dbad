"""Explainers: how each family of operations computed one element. A new family is a file and a line here."""

# Each of these modules registers its explainers when it is imported.
from cnnfix_core.backtrack.decisions.explainers import averages as averages
from cnnfix_core.backtrack.decisions.explainers import matrices as matrices
from cnnfix_core.backtrack.decisions.explainers import merges as merges
from cnnfix_core.backtrack.decisions.explainers import selectors as selectors
from cnnfix_core.backtrack.decisions.explainers import single as single
from cnnfix_core.backtrack.decisions.explainers import windows as windows
from cnnfix_core.backtrack.decisions.explainers.parts import Part, united
from cnnfix_core.backtrack.decisions.explainers.registry import (
    EXPLAINERS,
    Account,
    ElementQuery,
    Followed,
    Named,
    explains,
)

__all__ = ["EXPLAINERS", "Account", "ElementQuery", "Followed", "Named", "Part", "explains", "united"]
