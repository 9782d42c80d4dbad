"""Pointing: which pixel, or which box, of what a network says is where."""
