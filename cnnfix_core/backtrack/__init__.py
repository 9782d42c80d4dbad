"""Stepping through a walk: its layers in order, who led to whom, what decided each hop, and how to draw it."""
