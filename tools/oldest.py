"""Print the oldest versions that pyproject.toml allows, as constraints for pip. `make test-oldest` runs this.

Of what the core needs, and of the extras with which its tests build networks and compare methods.
"""

import re
import tomllib
from pathlib import Path

EXTRAS = ("methods", "models")


def main() -> None:
    """One line for each package."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    extras = (project["optional-dependencies"][extra] for extra in EXTRAS)
    for requirement in sum(extras, project["dependencies"]):
        print(re.sub(">=", "==", requirement))


if __name__ == "__main__":
    main()
