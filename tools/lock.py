"""Write requirements.lock: the versions that pip chooses today for all that the app needs. `make lock` runs this."""

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAD = """\
# What `make lock` found on {system} with Python {python}; for deployments:
# pip install -r requirements.lock && pip install --no-deps cnnfix
"""


def main() -> None:
    """Ask pip, which installs nothing, and write its answer."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        choose = ["install", "--dry-run", "--ignore-installed", "--quiet", "--report", str(report), f"{ROOT}[app]"]
        subprocess.run([sys.executable, "-m", "pip", *choose], check=True)
        chosen = [item["metadata"] for item in json.loads(report.read_text("utf-8"))["install"]]
    pins = sorted(f"{one['name'].lower()}=={one['version']}" for one in chosen if one["name"] != "cnnfix")
    python = ".".join(platform.python_version_tuple()[:2])
    head = HEAD.format(system=f"{platform.system()} {platform.machine()}", python=python)
    (ROOT / "requirements.lock").write_text(head + "\n".join(pins) + "\n", "utf-8")


if __name__ == "__main__":
    main()
