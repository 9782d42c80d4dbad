"""What decided a hop: the numbers of one element, explained by the kind of its operation."""
