"""Prefect's server with its page, as uvicorn starts it for `tthc serve`: the page may ask nobody but this server.

Prefect 3.8's second page asks Amplitude for its configuration whatever PREFECT_SERVER_ANALYTICS_ENABLED says (measured November 2026), and the
next version may do so elsewhere. The browser enforces what no setting does.
"""

import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from prefect.server.api.server import create_app

# Scripts and styles of the page itself, inline ones and those it makes while running, and connections to the server it came from.
POLICY = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; form-action 'self'"

STOP_SECONDS = 15  # for what the server is just answering


def make_app() -> FastAPI:
    """Prefect's application, every answer of which tells browsers to stay here; it ends with the process that started it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    app = create_app(final=True)

    @app.middleware("http")
    async def stay_here(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        answer = await call_next(request)
        answer.headers["Content-Security-Policy"] = POLICY
        return answer

    return app


def _end_with_parent() -> None:
    """Nothing is ever written to the standard input, so it ends when the other end is gone, whatever ended it.

    A `kill -9` of `tthc serve`, or a machine short of memory, left this server behind, and its port was taken for every `tthc serve` to come.
    """
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)
