"""One component to choose one of several things."""
