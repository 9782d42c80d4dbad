"""Backtrack in the browser: a walk as a playback, and what Python answers while it is watched."""
