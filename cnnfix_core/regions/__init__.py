"""Bounding boxes, ground truth, and regions of highest density."""
