"""One explanation of one picture: fixations, density, its files, its description in words."""

from cnnfix_core.explanations.description import question, summary
from cnnfix_core.explanations.explanation import (
    Asking,
    Class,
    Classes,
    Explanation,
    Prediction,
    TargetSpec,
    classes,
    explain,
)
from cnnfix_core.explanations.export import as_csv, as_dict, as_json, channel_name, class_as_dict
from cnnfix_core.explanations.fixations import Fixations, merged, on_picture

__all__ = [
    "Asking",
    "Class",
    "Classes",
    "Explanation",
    "Fixations",
    "Prediction",
    "TargetSpec",
    "as_csv",
    "as_dict",
    "as_json",
    "channel_name",
    "class_as_dict",
    "classes",
    "explain",
    "merged",
    "on_picture",
    "question",
    "summary",
]
