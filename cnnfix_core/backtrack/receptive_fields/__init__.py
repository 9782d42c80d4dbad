"""Receptive fields: which pixels an element can see, with exact strides, offsets and sizes."""
