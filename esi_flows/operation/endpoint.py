"""``/healthz``, ``/readyz`` and ``/metrics`` over HTTP."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from esi_flows.model.errors import ServerError

LOG = logging.getLogger(__name__)

Checks = Callable[[], Mapping[str, bool]]
"""Names of conditions, and whether they hold now. Must not wait for anything."""

_Start = Callable[[str, list[tuple[str, str]]], Any]
_CLIENT_SECONDS = 5.0
_POLL_SECONDS = 0.2
"""How often it looks whether it is to end."""


class Endpoint:
    """An HTTP server in threads of its own, as long as the block runs.

    ``/healthz`` and ``/readyz`` answer 200 where all their checks hold, else 503, with the checks
    as a JSON object.
    """

    def __init__(
        self,
        address: str,
        port: int,
        *,
        health: Checks,
        readiness: Checks,
        registry: CollectorRegistry,
    ) -> None:
        """``port`` 0 takes a free one. Raises ServerError where the address cannot be had."""
        self._checks = {"/healthz": health, "/readyz": readiness}
        self._metrics = make_wsgi_app(registry)
        try:
            family, *_, found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
            server_class = type("Server", (_Server,), {"address_family": family})
            self._server: _Server = server_class(found[:2], _Quiet)
        except OSError as error:
            raise ServerError(
                f"{address}:{port} cannot be listened on: {error.strerror}",
                hint="set listen_address and the ports in the section [operation], or --port",
            ) from error
        self._server.set_app(self._answer)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="endpoint", daemon=True
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_port)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start: _Start) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            answer: Iterable[bytes] = self._metrics(environ, start)
            return answer
        checks = self._checks.get(path)
        if checks is None:
            return _text(start, "404 Not Found", "there are /healthz, /readyz and /metrics\n")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _text(start, "405 Method Not Allowed", "GET it\n")
        found = checks()
        status = "200 OK" if all(found.values()) else "503 Service Unavailable"
        body = json.dumps({"ok": all(found.values()), "checks": dict(found)}) + "\n"
        return _text(start, status, body, "application/json")


def _text(start: _Start, status: str, body: str, kind: str = "text/plain") -> Iterable[bytes]:
    raw = body.encode()
    start(status, [("Content-Type", kind), ("Content-Length", str(len(raw)))])
    return [raw]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """As usual, but without asking DNS for the name of the host."""
        # the original looks the name up, which may take as long as DNS likes
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.warning("request not answered", extra={"client": str(client_address)}, exc_info=True)


class _Quiet(WSGIRequestHandler):
    timeout = _CLIENT_SECONDS  # whoever sends nothing must not keep a thread

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: it is asked every few seconds."""
