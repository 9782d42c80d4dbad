"""CNN Fixations: which pixels made a convolutional network say what it said.

After Mopuri, Garg, Babu: CNN Fixations, IEEE Transactions on Image Processing 28(5), 2019 (arXiv 1708.06670).
"""

from cnnfix_core.engine.presets import EVIDENCE, FOCUS, PRESETS, PUBLISHED, Preset, get_preset
from cnnfix_core.engine.recording import record
from cnnfix_core.engine.rule_coverage import Coverage, Stop, coverage
from cnnfix_core.engine.rules import Arrival, Question, rule
from cnnfix_core.engine.selection import Selection
from cnnfix_core.engine.tape import Operation, Tape, Value
from cnnfix_core.engine.walk import Hop, Trace, unravel
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations.explanation import Explanation, Prediction, explain
from cnnfix_core.explanations.fixations import Fixations
from cnnfix_core.images.picture import Picture, PictureError, open_picture
from cnnfix_core.methods import METHODS, Attribution, Method, attribute, attribution, reason_against
from cnnfix_core.modalities.captions import (
    Captioner,
    CaptionExplanation,
    explain_caption,
    load_captioner,
    open_captioner,
)
from cnnfix_core.zoo import Labels, Model, ModelInfo, Preprocessing, list_models, load_model, open_own

__all__ = [
    "EVIDENCE",
    "FOCUS",
    "METHODS",
    "PRESETS",
    "PUBLISHED",
    "Arrival",
    "Attribution",
    "CaptionExplanation",
    "Captioner",
    "CnnfixError",
    "Coverage",
    "Explanation",
    "Fixations",
    "Hop",
    "Labels",
    "Method",
    "Model",
    "ModelInfo",
    "Operation",
    "Picture",
    "PictureError",
    "Prediction",
    "Preprocessing",
    "Preset",
    "Question",
    "Selection",
    "Stop",
    "Tape",
    "Trace",
    "Value",
    "attribute",
    "attribution",
    "coverage",
    "explain",
    "explain_caption",
    "get_preset",
    "list_models",
    "load_captioner",
    "load_model",
    "open_captioner",
    "open_own",
    "open_picture",
    "reason_against",
    "record",
    "rule",
    "unravel",
]
