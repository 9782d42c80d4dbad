"""The Compare page: a grid of maps, numbers against a box, changed pictures and networks."""
