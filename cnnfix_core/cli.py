"""The command line: `cnnfix explain`, `cnnfix backtrack`, `cnnfix models`, `cnnfix coverage`, `cnnfix app`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cnnfix_core.errors import CnnfixError, ModelError
from cnnfix_core.presets import FOCUS, PRESETS
from cnnfix_core.zoo import DEFAULT, Model, list_models

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
        what = f"cannot write {error.filename}" if error.filename else "cannot write what was asked for"
        print(f"cnnfix: {what}: {error.strerror}", file=sys.stderr)
        return 2


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is in --help."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"cnnfix: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="cnnfix", description="Which pixels made a convolutional network say what it said?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    explain = commands.add_parser("explain", help="explain one picture")
    _add_question(explain)
    explain.add_argument("--json", metavar="FILE", type=Path, help="write the result as JSON")
    explain.add_argument("--csv", metavar="FILE", type=Path, help="write the fixations as CSV")
    explain.add_argument("--figure", metavar="FILE", type=Path, help="draw fixations and Grad-CAM as a PNG picture")
    explain.set_defaults(run=_explain)

    backtrack = commands.add_parser("backtrack", help="list the layers from the score back to the picture")
    _add_question(backtrack)
    backtrack.add_argument("--json", metavar="FILE", type=Path, help="write the whole walk as JSON: who came from whom")
    backtrack.add_argument("--gif", metavar="FILE", type=Path, help="draw the walk as an animated GIF")
    backtrack.set_defaults(run=_backtrack)

    models = commands.add_parser("models", help="list the models and where they come from")
    models.set_defaults(run=_models)

    coverage = commands.add_parser("coverage", help="say which operations of a network have a rule, where walks stop")
    coverage.add_argument("names", nargs="*", metavar="NAME", help="resnet50 of torchvision, timm/resnet50 of timm")
    coverage.add_argument("--all", action="store_true", help="all of torchvision's, and one of each of timm's families")
    coverage.add_argument("--markdown", metavar="FILE", type=Path, help="write the table as a page")
    coverage.set_defaults(run=_coverage)

    app = commands.add_parser("app", help="open the explorer in the browser")
    app.add_argument("--port", type=_port, default=8501, help="port of the page (default: 8501)")
    app.add_argument(
        "--address",
        default="localhost",
        metavar="ADDRESS",
        help="who can open it: localhost (the default: this machine alone), or 0.0.0.0 (everybody on the network)",
    )
    app.add_argument(
        "--own-models", action="store_true", help="let visitors send models also where other machines can open it"
    )
    app.set_defaults(run=_app)
    return parser


def _add_question(command: argparse.ArgumentParser) -> None:
    command.add_argument("image", metavar="IMAGE", help="a picture: PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF")
    _add_model(command)
    command.add_argument("--target", metavar="CLASS", help="class number or name (default: the predicted class)")
    command.add_argument("--rather-than", metavar="CLASS", help="explain the difference to this class")
    command.add_argument("--preset", choices=PRESETS, default="evidence")
    command.add_argument("--focus", choices=FOCUS, help="of the evidence preset (default: balanced)")


def _asked(options: argparse.Namespace) -> str | tuple[str | None, str] | None:
    target: str | None = options.target
    return target if options.rather_than is None else (target, options.rather_than)


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--model",
        metavar="NAME",
        default=DEFAULT,
        help=f"see `cnnfix models` (default: {DEFAULT}), or a file: .pt2, or .pth or .safetensors with --architecture",
    )
    command.add_argument("--architecture", metavar="NAME", help="whose weights the file holds: resnet50, timm/resnet50")
    command.add_argument("--labels", metavar="FILE", type=Path, help="its classes: one a line, or JSON")


def _model(options: argparse.Namespace) -> Model:
    from cnnfix_core import zoo

    path = Path(options.model)
    if not path.is_file():
        return zoo.load_model(options.model, _show_progress)
    try:
        labels = zoo.read_labels(options.labels.read_bytes()) if options.labels else None
    except OSError as error:
        raise CnnfixError(f"The labels in {options.labels} cannot be read: {error.strerror}.") from error
    return zoo.open_own(path, path.name, architecture=options.architecture, labels=labels)


def _show_progress(done: int, total: int | None) -> None:
    end = "\n" if done == total else "\r"
    of = f" of {total / 1e6:.0f}" if total else ""
    print(f"Downloading: {done / 1e6:.0f}{of} MB", end=end, file=sys.stderr, flush=True)


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, a number from 1 to 65535")
    return port


def _explain(options: argparse.Namespace) -> int:
    # Only now: PyTorch takes seconds to import, and a mistyped argument should not.
    from cnnfix_core import baselines, export, figures, images, maps, words
    from cnnfix_core.explain import explain

    picture = images.open_picture(options.image)
    model = _model(options)
    result = explain(model, picture, _asked(options), options.preset, options.focus)
    density = result.density(longest_side=maps.MAP_SIDE)
    print(words.summary(result, density))
    if options.json:
        options.json.write_text(export.as_json(result), "utf-8")
    if options.csv:
        options.csv.write_text(export.as_csv(result), "utf-8")
    if options.figure:
        rival = None
        try:
            rival = baselines.attribute(
                model, picture, result.asked, crops=result.preset.crops, longest_side=maps.MAP_SIDE
            )
        except ModelError as error:
            print(f"The figure is without Grad-CAM. {error}", file=sys.stderr)
        options.figure.write_bytes(figures.png(figures.comparison(picture, result, density, rival)))
    return 0


def _backtrack(options: argparse.Namespace) -> int:
    from cnnfix_core.backtrack import animation, layers, trace_json
    from cnnfix_core.backtrack.walked import walked
    from cnnfix_core.images import open_picture
    from cnnfix_core.presets import get_preset

    picture = open_picture(options.image)
    walk = walked(_model(options), picture, _asked(options), [get_preset(options.preset, options.focus)])
    for block in walk.path.blocks:
        step = walk.path.steps[block.first]
        print(f"{block.title:32} {layers.step_words(step, walk.trace, walk.films[0])}")
    if options.json:
        options.json.write_text(trace_json.trace_json(walk), "utf-8")
    if options.gif:
        options.gif.write_bytes(animation.gif(walk, picture))
    return 0


def _models(_: argparse.Namespace) -> int:
    for model in list_models():
        accuracy = f"{model.accuracy:4.1f} %" if model.accuracy else ""
        print(f"{model.name:20} {accuracy:6}  {model.remedy or 'Ready.'} Weights: {model.source}; {model.licence}")
    return 0


def _coverage(options: argparse.Namespace) -> int:
    from cnnfix_core import survey
    from cnnfix_core.zoo import families

    names = [*options.names, *(families.surveyed() if options.all else ())]
    if not names:
        raise CnnfixError("Name a network, such as resnet50 or timm/resnet50, or give --all.")
    rows = []
    for row in survey.survey(names):
        rows.append(row)
        print(survey.sentence(row), flush=True)
    if len(rows) == 1 and rows[0].coverage:
        print(survey.details(rows[0].coverage))
    if options.markdown:
        options.markdown.write_text(survey.markdown(rows), "utf-8")
    return int(any(row.coverage is None or not row.coverage.complete for row in rows))


def _app(options: argparse.Namespace) -> int:
    from cnnfix_ui import hosting

    if not _APP.is_file():
        raise CnnfixError("The page's files are not here: install the project from its checkout, pip install -e .")
    if options.own_models:
        os.environ[hosting.OWN_MODELS] = "1"
    upload = hosting.LARGE_UPLOAD if hosting.own_models_on(options.address) else hosting.SMALL_UPLOAD
    print(f"The explorer opens at {hosting.url(options.address, options.port)} (stop it with Ctrl+C)", flush=True)
    command = [sys.executable, "-m", "streamlit", "run", str(_APP), f"--server.port={options.port}"]
    command += [f"--server.address={options.address}", f"--server.maxUploadSize={upload}"]
    # Streamlit reads its settings from the folder in which it is started.
    try:
        return subprocess.run(command, cwd=_APP.parent, check=False).returncode
    except KeyboardInterrupt:
        return 0
