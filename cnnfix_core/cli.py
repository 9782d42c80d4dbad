"""The command line: `cnnfix explain`, `cnnfix models`, `cnnfix app`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cnnfix_core.errors import CnnfixError
from cnnfix_core.presets import FOCUS, PRESETS
from cnnfix_core.zoo import DEFAULT, list_models

_APP = Path(__file__).parent.parent / "app.py"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code. Bad arguments and pictures end with 2 and one line on stderr."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except CnnfixError as error:
        print(f"cnnfix: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"cnnfix: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return 2


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is in --help."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"cnnfix: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="cnnfix", description="Which pixels made a convolutional network say what it said?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    explain = commands.add_parser("explain", help="explain one picture")
    explain.add_argument("image", metavar="IMAGE", help="a picture: PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF")
    explain.add_argument("--model", metavar="NAME", default=DEFAULT, help=f"see `cnnfix models` (default: {DEFAULT})")
    explain.add_argument("--target", metavar="CLASS", help="class number or name (default: the predicted class)")
    explain.add_argument("--rather-than", metavar="CLASS", help="explain the difference to this class")
    explain.add_argument("--preset", choices=PRESETS, default="evidence")
    explain.add_argument("--focus", choices=FOCUS, help="of the evidence preset (default: balanced)")
    explain.add_argument("--json", metavar="FILE", type=Path, help="write the result as JSON")
    explain.add_argument("--csv", metavar="FILE", type=Path, help="write the fixations as CSV")
    explain.add_argument("--figure", metavar="FILE", type=Path, help="draw fixations and Grad-CAM as a PNG picture")
    explain.set_defaults(run=_explain)

    models = commands.add_parser("models", help="list the models and where they come from")
    models.set_defaults(run=_models)

    app = commands.add_parser("app", help="open the explorer in the browser")
    app.add_argument("--port", type=_port, default=8501, help="port of the page (default: 8501)")
    app.set_defaults(run=_app)
    return parser


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, a number from 1 to 65535")
    return port


def _explain(options: argparse.Namespace) -> int:
    # Only now: PyTorch takes seconds to import, and a mistyped argument should not.
    from cnnfix_core import baselines, export, figures, images, words, zoo
    from cnnfix_core.explain import explain

    picture = images.open_picture(options.image)
    model = zoo.load_model(options.model)
    target = options.target
    if options.rather_than is not None:
        if target is None:
            target = explain(model, picture).target.index
        target = (target, options.rather_than)
    result = explain(model, picture, target, options.preset, options.focus)
    density = result.density(longest_side=figures.MAP_SIDE)
    print(words.summary(result, density))
    if options.json:
        options.json.write_text(export.as_json(result), "utf-8")
    if options.csv:
        options.csv.write_text(export.as_csv(result), "utf-8")
    if options.figure:
        rival = baselines.attribute(
            model, picture, result.asked, crops=result.preset.crops, longest_side=figures.MAP_SIDE
        )
        options.figure.write_bytes(figures.png(figures.comparison(picture, result, density, rival)))
    return 0


def _models(_: argparse.Namespace) -> int:
    for model in list_models():
        state = "ready" if model.available else "not installed"
        print(f"{model.name:20} {state:14} {model.title}; weights: {model.source}, {model.licence}")
    return 0


def _app(options: argparse.Namespace) -> int:
    if not _APP.is_file():
        raise CnnfixError("The page's files are not here: install the project from its checkout, pip install -e .")
    address = f"http://localhost:{options.port}"
    print(f"The explorer opens at {address} (stop it with Ctrl+C)", flush=True)
    command = [sys.executable, "-m", "streamlit", "run", str(_APP), f"--server.port={options.port}"]
    # Streamlit reads its settings from the folder in which it is started.
    try:
        return subprocess.run(command, cwd=_APP.parent, check=False).returncode
    except KeyboardInterrupt:
        return 0
