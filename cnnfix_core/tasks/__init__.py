"""Networks that say what is where: which pixels made it say that of this pixel, or of this box?"""

from cnnfix_core.tasks.detection import Detected, Detection, detect
from cnnfix_core.tasks.segmentation import Segmentation, segment

__all__ = ["Detected", "Detection", "Segmentation", "detect", "segment"]
