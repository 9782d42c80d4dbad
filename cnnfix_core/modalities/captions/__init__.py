"""Captions: which pixels led to each word?"""

from cnnfix_core.modalities.captions.captioner import Caption, Captioner, whole_input
from cnnfix_core.modalities.captions.explained import CaptionExplanation, Origin, Seen, Telling, Word, explain_caption
from cnnfix_core.modalities.captions.files import caption_figure, caption_json
from cnnfix_core.modalities.captions.own import open_captioner
from cnnfix_core.modalities.captions.shipped import load_captioner
from cnnfix_core.modalities.captions.vocabulary import END, PAD, START, Vocabulary, counted, tokens

__all__ = [
    "END",
    "PAD",
    "START",
    "Caption",
    "CaptionExplanation",
    "Captioner",
    "Origin",
    "Seen",
    "Telling",
    "Vocabulary",
    "Word",
    "caption_figure",
    "caption_json",
    "counted",
    "explain_caption",
    "load_captioner",
    "open_captioner",
    "tokens",
    "whole_input",
]
