"""Means of results, with bootstrap intervals, as tables."""
