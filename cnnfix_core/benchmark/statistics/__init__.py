"""Means of results with bootstrap confidence intervals, as tables."""
