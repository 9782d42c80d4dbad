"""Captions: which pixels made it say that word?"""

from cnnfix_core.modalities.captions.captioner import Caption, Captioner
from cnnfix_core.modalities.captions.explained import CaptionExplanation, Word, explain_caption
from cnnfix_core.modalities.captions.own import open_captioner
from cnnfix_core.modalities.captions.shipped import load_captioner
from cnnfix_core.modalities.captions.vocabulary import Vocabulary

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
