"""A walk as the browser plays it: points that move from step to step."""
