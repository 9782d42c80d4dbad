"""Sketch: drawing, and what each stroke does to the answer."""
