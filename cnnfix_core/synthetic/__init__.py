"""Composed scenes: pictures drawn by a seeded program, so that the location of every object is known exactly."""

from cnnfix_core.synthetic.scene import PlacedObject, Scene
from cnnfix_core.synthetic.scenes import HELD_OUT, MARKED, SIDE, compose
from cnnfix_core.synthetic.shapes import CLASSES, UNSEEN_CLASSES

__all__ = ["CLASSES", "HELD_OUT", "MARKED", "SIDE", "UNSEEN_CLASSES", "PlacedObject", "Scene", "compose"]
