"""The playback of a walk in the browser: points that move from step to step."""
