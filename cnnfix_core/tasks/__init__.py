"""Segmentation and detection: which pixels explain the prediction for one pixel, or for one box?"""

from cnnfix_core.tasks.detection import Detected, Detection, detect
from cnnfix_core.tasks.segmentation import Segmentation, segment

__all__ = ["Detected", "Detection", "Segmentation", "detect", "segment"]
