"""Rules: how each family of operations hops from its output to its inputs. A new family is one file and one line here."""

from cnnfix_core.rules.registry import Arrival, Question, Reads, Rule, find, known, no_rule, rule

__all__ = ["Arrival", "Question", "Reads", "Rule", "find", "known", "no_rule", "rule"]

from cnnfix_core.rules import (  # each module registers its rules with the names above
    convolution,
    elementwise,
    linear,
    merging,
    movement,
    normalisation,
    pooling,
)
