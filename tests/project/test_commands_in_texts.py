"""The commands and options that the texts name exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from cnnfix_core.cli.main import _COMMANDS, main
from tools.methods_table import texts

COMMAND = re.compile(r"(?:^|[`/ ])cnnfix ([a-z][a-z-]*)((?:[^`\n\\|]|\\\n)*)", re.M)
OPTION = re.compile(r"(?<=\s)--[a-z][a-z-]*")


@cache
def named() -> list[tuple[str, str, str]]:
    """File, command, and what follows on the line."""
    return [
        (file.name, match[1], match[2])
        for file in texts()
        for code in re.findall(r"```.*?```|`[^`\n]+`", file.read_text("utf-8"), re.S)
        for match in COMMAND.finditer(code)
    ]


def test_commands_exist() -> None:
    assert len(named()) > 40
    assert [(file, command) for file, command, _ in named() if command not in _COMMANDS] == []


def test_options_exist(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for command in sorted({command for _, command, _ in named()}):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        known = set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out))
        told = [(file, option) for file, one, rest in named() if one == command for option in OPTION.findall(rest)]
        wrong += [(file, command, option) for file, option in told if option not in known]
    assert wrong == []


def test_the_command_line_page_has_every_command() -> None:
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf-8")
    assert [name for name in _COMMANDS if f"| `{name}` |" not in page] == []
