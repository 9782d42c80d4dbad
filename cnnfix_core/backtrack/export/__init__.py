"""A walk to keep: a GIF animation and the whole trace as JSON."""
