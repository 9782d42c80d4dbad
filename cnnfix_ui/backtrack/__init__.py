"""Backtrack in the browser: a walk as a film, and what Python answers while it is watched."""
