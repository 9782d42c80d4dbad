"""`cnnfix app`: the explorer in the browser."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from pathlib import Path

from cnnfix_core.cli.parsing import Parser
from cnnfix_core.errors import CnnfixError, need
from cnnfix_site import APP


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument("--port", type=_port, default=8501, help="port of the server (default: 8501)")
    command.add_argument(
        "--address",
        default="localhost",
        metavar="ADDRESS",
        help="address to listen on: localhost (default; this machine only) or 0.0.0.0 (everyone on the network)",
    )
    command.add_argument(
        "--own-models", action="store_true", help="let visitors upload models even if the app is open to other machines"
    )
    command.add_argument(
        "--lessons", metavar="FOLDER", type=_folder, help="a folder of your own lessons: files that end in .md"
    )


def run(options: argparse.Namespace) -> int:
    """Start Streamlit; returns when it has ended."""
    need("streamlit")
    from cnnfix_site import hosting

    problem = hosting.reason_against(options.address, options.port)
    if problem:
        raise CnnfixError(problem)
    if options.own_models:
        os.environ[hosting.OWN_MODELS] = "1"
    if options.lessons:
        os.environ[hosting.LESSONS] = str(options.lessons.resolve())
    upload = hosting.LARGE_UPLOAD if hosting.own_models_on(options.address) else hosting.SMALL_UPLOAD
    print(f"The explorer opens at {hosting.url(options.address, options.port)} (stop it with Ctrl+C)", flush=True)
    others = hosting.urls_for_others(options.address, options.port)
    if others:
        print(f"Others on the network open {' or '.join(others)}", flush=True)
    _run_streamlit(
        f"--server.port={options.port}",
        f"--server.address={options.address}",
        f"--server.maxUploadSize={upload}",
        "--logger.hideWelcomeMessage=true",
    )
    return 0


def _run_streamlit(*options: str) -> None:
    """Run the server in this process, so that whatever ends the command ends the server."""
    os.chdir(APP.parent)  # where Streamlit reads its settings
    sys.path.insert(0, str(APP.parent))
    sys.argv = ["streamlit", "run", str(APP), *options]
    try:
        runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        return


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not a folder")
    return Path(text)


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535")
    return port
