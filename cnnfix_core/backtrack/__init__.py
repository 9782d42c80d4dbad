"""Stepping through a walk: its layers in order, its lineage, what decided each hop, and how to draw it."""

from cnnfix_core.backtrack.ancestry import Line
from cnnfix_core.backtrack.block_names import block_kind, block_name
from cnnfix_core.backtrack.decisions.deciding import decide
from cnnfix_core.backtrack.decisions.decision import Decision, Grid, Term
from cnnfix_core.backtrack.decisions.explainers import Account, ElementQuery, explains
from cnnfix_core.backtrack.decisions.sentences import element_name
from cnnfix_core.backtrack.export.animation import gif, step_image, step_photo
from cnnfix_core.backtrack.export.sheet import place_in_walk
from cnnfix_core.backtrack.export.trace_json import trace_json
from cnnfix_core.backtrack.inspection import DecisionFacts, ElementFacts, InputFacts, PickFacts, StepFacts, inspect
from cnnfix_core.backtrack.path import Block, Path, Stage, Step
from cnnfix_core.backtrack.picks import Chosen, element
from cnnfix_core.backtrack.playback.playback import Cloud, Playback, overlap, spread
from cnnfix_core.backtrack.purposes import purpose
from cnnfix_core.backtrack.step_texts import called, evidence_words, kind, shape, step_words
from cnnfix_core.backtrack.units import unit_of
from cnnfix_core.backtrack.walkthrough import Walked, walked
from cnnfix_core.receptive_fields import Field, receptive_field_of

__all__ = [
    "Account",
    "Block",
    "Chosen",
    "Cloud",
    "Decision",
    "DecisionFacts",
    "ElementFacts",
    "ElementQuery",
    "Field",
    "Grid",
    "InputFacts",
    "Line",
    "Path",
    "PickFacts",
    "Playback",
    "Stage",
    "Step",
    "StepFacts",
    "Term",
    "Walked",
    "block_kind",
    "block_name",
    "called",
    "decide",
    "element",
    "element_name",
    "evidence_words",
    "explains",
    "gif",
    "inspect",
    "kind",
    "overlap",
    "place_in_walk",
    "purpose",
    "receptive_field_of",
    "shape",
    "spread",
    "step_image",
    "step_photo",
    "step_words",
    "trace_json",
    "unit_of",
    "walked",
]
