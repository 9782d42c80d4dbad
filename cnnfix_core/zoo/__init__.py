"""Models: where they come from, what their classes are called, and what every kind of model shares."""

from cnnfix_core.zoo.catalogue import DEFAULT, list_models, load_model, model_info, models_here
from cnnfix_core.zoo.classifier import Classifier, LoadedNetwork
from cnnfix_core.zoo.download import DownloadProgress, project_file
from cnnfix_core.zoo.initialisation import shapes_alone
from cnnfix_core.zoo.labels import Labels, imagenet_classes, read_labels
from cnnfix_core.zoo.model import Model, ModelInfo, Task, check_model
from cnnfix_core.zoo.module_copy import in_evaluation, with_own_hooks, with_weights
from cnnfix_core.zoo.preprocessing import CHANNELS, INTERPOLATIONS, MAX_SIDE, Preprocessing, listed_channels
from cnnfix_core.zoo.provenance import SameModel, digest_of, reading_of, versions
from cnnfix_core.zoo.scores import MEANINGS, Meaning, Where, meaning_in_words, probabilities
from cnnfix_core.zoo.state_dict import State
from cnnfix_core.zoo.untrusted.apart import MAX_SECONDS
from cnnfix_core.zoo.untrusted.elsewhere import asked, asked_while, is_elsewhere
from cnnfix_core.zoo.untrusted.opening import MAX_MODEL_BYTES, FileOptions, open_own, open_tried

__all__ = [
    "CHANNELS",
    "DEFAULT",
    "INTERPOLATIONS",
    "MAX_MODEL_BYTES",
    "MAX_SECONDS",
    "MAX_SIDE",
    "MEANINGS",
    "Classifier",
    "DownloadProgress",
    "FileOptions",
    "Labels",
    "LoadedNetwork",
    "Meaning",
    "Model",
    "ModelInfo",
    "Preprocessing",
    "SameModel",
    "State",
    "Task",
    "Where",
    "asked",
    "asked_while",
    "check_model",
    "digest_of",
    "imagenet_classes",
    "in_evaluation",
    "is_elsewhere",
    "list_models",
    "listed_channels",
    "load_model",
    "meaning_in_words",
    "model_info",
    "models_here",
    "open_own",
    "open_tried",
    "probabilities",
    "project_file",
    "read_labels",
    "reading_of",
    "shapes_alone",
    "versions",
    "with_own_hooks",
    "with_weights",
]
