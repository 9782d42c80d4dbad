"""Lessons: the page that lists them, and the frame that leads through one around the app's own pages."""

from collections.abc import Mapping

# The settings of a lesson in the address of every page: its name, the step, the answers so far, how it is shown. No
# page has a setting with one of these names: they would be one setting for both.
FRAME = ("lesson", "lesson_step", "answers", "display")
_OLDER = {"step": "lesson_step", "view": "display"}  # names that they had before


def frame_of(given: Mapping[str, str]) -> dict[str, str]:
    """The settings of the frame in an address, perhaps an older one."""
    if "lesson" in given and "lesson_step" not in given:
        given = {_OLDER.get(name, name): value for name, value in given.items()}
    return {name: given[name] for name in FRAME if name in given}
