"""Video: which pixels of which frames led to the prediction?"""

from cnnfix_core.modalities.video.clip import Clip, ClipError, clip_of, read_clip
from cnnfix_core.modalities.video.explained import ClipExplanation, explain_clip
from cnnfix_core.modalities.video.files import clip_animation, clip_json, clip_words
from cnnfix_core.modalities.video.model import ClipModel
from cnnfix_core.modalities.video.shipped import clip_models, clip_samples, load_clip_model

__all__ = [
    "Clip",
    "ClipError",
    "ClipExplanation",
    "ClipModel",
    "clip_animation",
    "clip_json",
    "clip_models",
    "clip_of",
    "clip_samples",
    "clip_words",
    "explain_clip",
    "load_clip_model",
    "read_clip",
]
