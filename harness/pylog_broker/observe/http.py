"""The HTTP side: `/metrics` for Prometheus, `/state` as JSON, and `/`, a page that explains the broker while it runs.

Read-only, in a thread of its own. What it shows is taken on the broker's thread, through `ask`.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any

from harness.pylog_broker.observe import metrics
from harness.pylog_broker.observe.snapshot import Snapshot

logger = logging.getLogger(__name__)

ASK_SECONDS_MAX = 5.0
REQUEST_SECONDS_MAX = 10.0
THREADS_MAX = 16
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


class Window:
    """An HTTP server that shows snapshots."""

    def __init__(self, host: str, port: int, ask: Callable[[Callable[[Snapshot], None]], None]) -> None:
        """`ask(answer)` has `answer(snapshot)` called soon, on the broker's thread. Raises OSError for a busy port."""
        self._ask = ask
        self._slots = threading.BoundedSemaphore(THREADS_MAX)
        self._page = resources.files("harness.pylog_broker.observe").joinpath("page.html").read_bytes()
        self._server = _Server((host, port), self)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="pylog-http", daemon=True)

    def open(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body for a path."""
        if path == "/":
            return 200, "text/html; charset=utf-8", self._page
        if path not in ("/metrics", "/state"):
            return 404, "text/plain; charset=utf-8", b"There is /, /state and /metrics.\n"
        if not self._slots.acquire(blocking=False):
            return 503, "text/plain; charset=utf-8", b"Too many at once.\n"
        try:
            snapshot = self._snapshot()
            if snapshot is None:
                return 503, "text/plain; charset=utf-8", b"The broker did not answer in time.\n"
            if path == "/metrics":
                return 200, metrics.CONTENT_TYPE, metrics.render(snapshot)
            return 200, "application/json", json.dumps(snapshot).encode()
        finally:
            self._slots.release()

    def _snapshot(self) -> Snapshot | None:
        arrived = threading.Event()
        box: list[Snapshot] = []

        def take(snapshot: Snapshot) -> None:
            box.append(snapshot)
            arrived.set()

        self._ask(take)
        return box[0] if arrived.wait(ASK_SECONDS_MAX) else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], window: Window) -> None:
        self.window = window
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("http request from %s failed", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    timeout = REQUEST_SECONDS_MAX
    server: _Server

    def do_GET(self) -> None:
        status, content_type, body = self.server.window.answer(self.path.split("?", 1)[0])
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", _PAGE_POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        logger.debug(format, *args)
