"""The site shown on this machine only: a small server on the loopback address that hands out the site's files and nothing else."""

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"


class _SiteHandler(SimpleHTTPRequestHandler):
    """Files of one folder: never a listing, never a file outside it, text always as UTF-8."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".html": "text/html; charset=utf-8"}
    server_version, sys_version = "tthc", ""

    def send_head(self) -> Any:
        """As the parent, except that a request through another name (DNS rebinding) or for what lies outside is not answered."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in (LOOPBACK, "localhost"):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        folder = Path(self.directory).resolve()
        if not Path(self.translate_path(self.path)).resolve().is_relative_to(folder):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def list_directory(self, path: Any) -> None:
        """No listing."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        """Every night's page is seen, and no file is taken for what it is not."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the parent names it
        """Nothing is logged: who looks at what is nobody's business."""


def make_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of `folder` on 127.0.0.1; port 0 takes any free one.

    Raises:
        OSError: the port is taken.
    """
    return ThreadingHTTPServer((LOOPBACK, port), partial(_SiteHandler, directory=str(folder)))
