"""Rules: how each family of operations hops from its output to its inputs. A new family is a file and a line here."""

# Each of these modules registers its rules when it is imported.
from cnnfix_core.engine.rules import arithmetic as arithmetic
from cnnfix_core.engine.rules import contrast as contrast
from cnnfix_core.engine.rules import convolution as convolution
from cnnfix_core.engine.rules import deformation as deformation
from cnnfix_core.engine.rules import distances as distances
from cnnfix_core.engine.rules import elementwise as elementwise
from cnnfix_core.engine.rules import extrema as extrema
from cnnfix_core.engine.rules import indexing as indexing
from cnnfix_core.engine.rules import landing as landing
from cnnfix_core.engine.rules import linear as linear
from cnnfix_core.engine.rules import matmul as matmul
from cnnfix_core.engine.rules import normalisation as normalisation
from cnnfix_core.engine.rules import pooling as pooling
from cnnfix_core.engine.rules import reductions as reductions
from cnnfix_core.engine.rules import resampling as resampling
from cnnfix_core.engine.rules import views as views
from cnnfix_core.engine.rules.registry import (
    Arrival,
    HopFunction,
    Question,
    Reads,
    Rule,
    changes,
    find,
    known,
    known_as,
    no_rule,
    rule,
)

__all__ = [
    "Arrival",
    "HopFunction",
    "Question",
    "Reads",
    "Rule",
    "changes",
    "find",
    "known",
    "known_as",
    "no_rule",
    "rule",
]
