"""Composed scenes: pictures drawn by a seeded program, so that the place of every thing in them is known exactly."""

from cnnfix_core.scenes.compose import HELD_OUT, MARKED, SIDE, compose
from cnnfix_core.scenes.outlines import CLASSES
from cnnfix_core.scenes.scene import Scene, Thing

__all__ = ["CLASSES", "HELD_OUT", "MARKED", "SIDE", "Scene", "Thing", "compose"]
