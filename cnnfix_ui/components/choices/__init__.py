"""A component to choose one of several items."""
