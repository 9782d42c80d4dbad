"""`cnnfix app`: the explorer in the browser."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from cnnfix_core.cli.parsing import Parser
from cnnfix_core.errors import need
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


def run(options: argparse.Namespace) -> int:
    """Start Streamlit and wait for it."""
    need("streamlit")
    from cnnfix_site import hosting

    if options.own_models:
        os.environ[hosting.OWN_MODELS] = "1"
    upload = hosting.LARGE_UPLOAD if hosting.own_models_on(options.address) else hosting.SMALL_UPLOAD
    print(f"The explorer opens at {hosting.url(options.address, options.port)} (stop it with Ctrl+C)", flush=True)
    command = [sys.executable, "-m", "streamlit", "run", str(APP), f"--server.port={options.port}"]
    command += [f"--server.address={options.address}", f"--server.maxUploadSize={upload}"]
    # Streamlit reads its settings from the working directory.
    try:
        return subprocess.run(command, cwd=APP.parent, check=False).returncode
    except KeyboardInterrupt:
        return 0


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535")
    return port
