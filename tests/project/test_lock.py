"""The lock file for deployments: it names everything that the app needs, in versions that it takes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement

import cnnfix_core

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def spelt_out(requirements: Iterable[str]) -> Iterator[Requirement]:
    """The requirements, with those of the project's own extras in their place."""
    for requirement in map(Requirement, requirements):
        if requirement.name == PROJECT["name"]:
            for extra in requirement.extras:
                yield from spelt_out(EXTRAS[extra])
        else:
            yield requirement


def test_the_lock_has_what_the_app_needs() -> None:
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert all(re.fullmatch(r"[a-z0-9_.-]+==[0-9][^ ]*", f"{name}=={version}") for name, version in pins.items())
    for requirement in spelt_out([*PROJECT["dependencies"], *EXTRAS["app"]]):
        assert requirement.specifier.contains(pins[requirement.name]), requirement


def test_every_requirement_has_a_lower_bound_and_a_reason() -> None:
    for requirement in spelt_out([*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)]):
        assert any(bound.operator == ">=" for bound in requirement.specifier), requirement
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    for name in ("dependencies", "app", "models", "methods", "report", "batch"):
        start = lines.index(f"{name} = [")
        block = lines[start + 1 : lines.index("]", start)]
        assert [line for line in block if "#" not in line and "cnnfix[" not in line] == [], name


def test_versions_agree() -> None:
    version = cnnfix_core.__version__
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert re.search(rf"^## \[{version}\] - \d{{4}}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
