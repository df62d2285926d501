"""Where requests come in to a real service: each is noted, and may be struck by a fault.

The switches are those of the simulated cloud, so that one test can be run on both.
"""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterable
from typing import Any

from esi_flows.sandbox.faults import Fault, FaultKind, Faults
from esi_flows.sandbox.journal import Journal, shown

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

FAULTS = Faults()
JOURNAL = Journal()

OWN = "/bed/"
CONNECTION = "bed.connection"
REFUSE = "bed.refuse"


class Gate:
    """WSGI application around the service. Its own paths begin with ``/bed/``."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path.startswith(OWN):
            return _switch(method, path, environ, start)
        entry = JOURNAL.begin(
            time=time.time(), method=method, path=path, query=environ.get("QUERY_STRING", "")
        )
        if method == "POST" and path.endswith("/stacks"):
            entry.stack = json.loads(_body(environ)).get("stack_name", "")

        def note(status: str, *rest: Any) -> Any:
            entry.status = int(status.partition(" ")[0])
            return start(status, *rest)

        fault = FAULTS.of_request(method, path)
        if fault is None:
            return self._app(environ, note)
        if fault.kind is FaultKind.STATUS:
            return _refuse(fault, note)
        if fault.kind is FaultKind.RESET:
            _cut(environ[CONNECTION], reset=True)
        if fault.kind is FaultKind.DELAY:
            time.sleep(fault.seconds)
            return self._app(environ, note)
        b"".join(self._app(environ, lambda *_: lambda _: None))
        return _cut(environ[CONNECTION], reset=False)


def _body(environ: dict[str, Any]) -> bytes:
    """The request's body, which the service can still read."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _refuse(fault: Fault, start: Callable[..., Any]) -> Iterable[bytes]:
    headers = [("Content-Type", "application/json")]
    if fault.retry_after is not None:
        headers.append(("Retry-After", str(round(fault.retry_after))))
    start(f"{fault.status} Made to fail", headers)
    body = {"code": fault.status, "error": {"message": fault.message or "made to fail"}}
    return [json.dumps(body).encode()]


def _cut(connection: socket.socket, *, reset: bool) -> Iterable[bytes]:
    """Close the connection without an answer."""
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(connection.detach())
    else:
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError  # which the server takes for a client that went away


def _switch(
    method: str, path: str, environ: dict[str, Any], start: Callable[..., Any]
) -> Iterable[bytes]:
    """The switches, and what was noted."""
    body = json.loads(_body(environ) or b"{}")
    answer: Any = None
    if path == "/bed/journal":
        answer = [shown(entry) for entry in JOURNAL.entries()]
    elif path == "/bed/refuse":
        environ[REFUSE](body["seconds"])
    elif method == "POST":
        answer = FAULTS.add(Fault.parse(body))
    else:
        FAULTS.clear()
    start("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
