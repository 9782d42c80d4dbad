"""The method itself: record a forward pass on a tape, walk it backward, one rule per operation. Knows tensors only."""

from cnnfix_core.engine.aliasing import Overwrite, memory_of
from cnnfix_core.engine.dispatch import computed_by
from cnnfix_core.engine.eval_mode import left_alone
from cnnfix_core.engine.families import FamilyTable, family_of
from cnnfix_core.engine.gates import followed_factors
from cnnfix_core.engine.presets import (
    ALL,
    EVIDENCE,
    FOCUS,
    PRESET_TITLES,
    PRESETS,
    PUBLISHED,
    Depth,
    Preset,
    depth_of,
    get_preset,
)
from cnnfix_core.engine.recomputing import lighten
from cnnfix_core.engine.recording import go_on, record, record_whole
from cnnfix_core.engine.results import Path, named_tensors, part_at, returned, tensors_in
from cnnfix_core.engine.rule_coverage import Coverage, coverage
from cnnfix_core.engine.rules import Arrival, HopFunction, Question, changes, known_as, rule
from cnnfix_core.engine.selection import Selection
from cnnfix_core.engine.tape import Operation, Tape, Value, as_array
from cnnfix_core.engine.topology import Structure, bottlenecks
from cnnfix_core.engine.units import Unit
from cnnfix_core.engine.walk import Fixated, Hop, Passage, Stop, Trace, unravel, unravel_again, unravel_on

__all__ = [
    "ALL",
    "EVIDENCE",
    "FOCUS",
    "PRESETS",
    "PRESET_TITLES",
    "PUBLISHED",
    "Arrival",
    "Coverage",
    "Depth",
    "FamilyTable",
    "Fixated",
    "Hop",
    "HopFunction",
    "Operation",
    "Overwrite",
    "Passage",
    "Path",
    "Preset",
    "Question",
    "Selection",
    "Stop",
    "Structure",
    "Tape",
    "Trace",
    "Unit",
    "Value",
    "as_array",
    "bottlenecks",
    "changes",
    "computed_by",
    "coverage",
    "depth_of",
    "family_of",
    "followed_factors",
    "get_preset",
    "go_on",
    "known_as",
    "left_alone",
    "lighten",
    "memory_of",
    "named_tensors",
    "part_at",
    "record",
    "record_whole",
    "returned",
    "rule",
    "tensors_in",
    "unravel",
    "unravel_again",
    "unravel_on",
]
