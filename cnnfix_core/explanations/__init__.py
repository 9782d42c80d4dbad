"""The explanation of a picture: fixations, their density, a summary in words, and export to files."""

from cnnfix_core.explanations.asking import (
    Asking,
    Class,
    Classes,
    ClassExplanation,
    Prediction,
    TargetSpec,
    ask,
)
from cnnfix_core.explanations.density import density_of
from cnnfix_core.explanations.depths import EvidenceMap, depths_of, feature_maps
from cnnfix_core.explanations.description import question, summary
from cnnfix_core.explanations.explanation import (
    Explanation,
    PictureAsking,
    RecordedPicture,
    UnitAsking,
    classes,
    explain,
    view_scores,
)
from cnnfix_core.explanations.export import (
    FIXATION_COLUMNS,
    as_csv,
    as_dict,
    as_json,
    channel_name,
    class_as_dict,
    json_text,
    listed,
    question_as_dict,
    rounded,
)
from cnnfix_core.explanations.fixations import Fixations, merged, on_picture, sigma_of
from cnnfix_core.explanations.on_picture import OnPicture, PictureEvidence
from cnnfix_core.explanations.proposals import Proposal, centre_boxes, proposals, recall

__all__ = [
    "FIXATION_COLUMNS",
    "Asking",
    "Class",
    "ClassExplanation",
    "Classes",
    "EvidenceMap",
    "Explanation",
    "Fixations",
    "OnPicture",
    "PictureAsking",
    "PictureEvidence",
    "Prediction",
    "Proposal",
    "RecordedPicture",
    "TargetSpec",
    "UnitAsking",
    "as_csv",
    "as_dict",
    "as_json",
    "ask",
    "centre_boxes",
    "channel_name",
    "class_as_dict",
    "classes",
    "density_of",
    "depths_of",
    "explain",
    "feature_maps",
    "json_text",
    "listed",
    "merged",
    "on_picture",
    "proposals",
    "question",
    "question_as_dict",
    "recall",
    "rounded",
    "sigma_of",
    "summary",
    "view_scores",
]
