"""Figures, drawn with Pillow."""
