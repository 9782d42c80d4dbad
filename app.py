"""Start with `streamlit run app.py`. The pages are listed in cnnfix_ui/main.py.

The router does not live in this file because Streamlit runs the files of a pages/ folder beside the main script
on their own, without the router, until a router has run once: a first visitor who follows a deep link would see the
page without its frame.
"""

import gc
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

import cnnfix_ui
from cnnfix_core.utils import let_idle_threads_sleep
from cnnfix_ui import served
from cnnfix_ui.errors import show_script_error
from cnnfix_ui.rooms import watching
from cnnfix_ui.server import clicks, heap, uploads, widget_states
from cnnfix_ui.server.connections import Connections, nobody_is_there
from cnnfix_ui.server.headers import SafeHeaders

let_idle_threads_sleep()
uploads.keep_in_memory()
widget_states.believe_only_what_fits()
clicks.keep_all()
heap.keep_small()


def warm_up() -> None:
    """Load what the first visitor would otherwise wait for."""
    gc.disable()  # imports leave nothing to collect
    try:
        from cnnfix_ui import warm

        warm.warm_up()
    except Exception:
        logging.getLogger(__name__).exception("The warm-up failed; the first visitor will wait longer")
    gc.enable()
    # What is loaded now stays in memory, so the garbage collector need not scan it again.
    heap.freeze_when(nobody_is_there)


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Warm up in a thread; the server already answers."""
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    yield
    # All connections are closed. What still computes must not meet an interpreter that ends: PyTorch would abort.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


app = st.App(
    Path(cnnfix_ui.__file__).parent / "main.py",
    lifespan=lifespan,
    routes=[served.route, watching.route],
    middleware=[Middleware(SafeHeaders), Middleware(Connections), Middleware(uploads.Uploads)],
    on_script_error=show_script_error,
)
