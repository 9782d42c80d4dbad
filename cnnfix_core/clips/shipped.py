"""The classifier of clips that comes with this project, and clips to try."""

from __future__ import annotations

from functools import cache

import numpy as np
from safetensors.torch import load_file

from cnnfix_core.clips.clip import Clip, clip_of
from cnnfix_core.clips.composed import FRAMES, HELD_OUT, MOTIONS, SIDE, compose_clip
from cnnfix_core.clips.model import ClipModel
from cnnfix_core.clips.network import SmallR3D
from cnnfix_core.samples import ASSETS
from cnnfix_core.zoo import Labels
from cnnfix_core.zoo.files import project_file

FOLDER = ASSETS / "clips"
NAME, TITLE = "motions", "Motions R3D"
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
LABELS = Labels(MOTIONS, ("",) * len(MOTIONS))
