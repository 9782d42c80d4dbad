"""Lessons: the page that lists them, and the frame that leads through one around the app's own pages."""
