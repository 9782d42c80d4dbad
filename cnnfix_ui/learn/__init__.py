"""Lessons: the page that lists them, and the frame that leads through one around the app's own pages."""

# The settings of a lesson in the address of every page: its name, the step, the answers so far, how it is shown. No
# page has a setting with one of these names: they would be one setting for both.
FRAME = ("lesson", "lesson_step", "answers", "display")
