"""Captions: which pixels made it say that word?"""

from cnnfix_core.captions.captioner import Caption, Captioner
from cnnfix_core.captions.explained import CaptionExplanation, Word, explain_caption
from cnnfix_core.captions.own import open_captioner
from cnnfix_core.captions.shipped import load_captioner
from cnnfix_core.captions.vocabulary import Vocabulary

__all__ = [
    "Caption",
    "CaptionExplanation",
    "Captioner",
    "Vocabulary",
    "Word",
    "explain_caption",
    "load_captioner",
    "open_captioner",
]
