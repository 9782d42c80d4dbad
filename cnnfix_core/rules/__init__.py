"""Rules: how each family of operations hops from its output to its inputs. A new family is a file and a line here."""

# Each of these modules registers its rules when it is imported.
from cnnfix_core.rules import convolution as convolution
from cnnfix_core.rules import elementwise as elementwise
from cnnfix_core.rules import linear as linear
from cnnfix_core.rules import merging as merging
from cnnfix_core.rules import movement as movement
from cnnfix_core.rules import normalisation as normalisation
from cnnfix_core.rules import placing as placing
from cnnfix_core.rules import pooling as pooling
from cnnfix_core.rules import products as products
from cnnfix_core.rules import sampling as sampling
from cnnfix_core.rules import selecting as selecting
from cnnfix_core.rules.registry import Arrival, Question, Reads, Rule, find, known, no_rule, rule

__all__ = ["Arrival", "Question", "Reads", "Rule", "find", "known", "no_rule", "rule"]
