"""A WSGI server of the standard library, for as long as the tests are there."""

from __future__ import annotations

import os
import signal
import socketserver
import sys
import threading
import time
from types import FrameType
from typing import Any
from wsgiref import simple_server

from tests.cloud.bed.gate import CONNECTION, REFUSE, Application, Gate
from tests.cloud.bed.layout import HOST


class OneAtATime(simple_server.WSGIServer):
    """Serves one request after the other."""

    request_queue_size = 128

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # the one above asks the DNS for our name
        self.server_name, self.server_port = HOST, self.server_address[1]
        self.setup_environ()


class Threaded(socketserver.ThreadingMixIn, OneAtATime):
    """Serves each request in a thread."""

    daemon_threads = True


class _Handler(simple_server.WSGIRequestHandler):
    timeout = 30
    refuse: Any

    def get_environ(self) -> dict[str, Any]:
        return {
            **super().get_environ(),
            CONNECTION: self.connection,
            REFUSE: self.refuse,
        }

    def log_message(self, format: str, *args: Any) -> None:
        pass  # requests are noted by the gate


class Listener:
    """Listens on a port, with pauses on request."""

    def __init__(self, app: Application, port: int, kind: type[OneAtATime]) -> None:
        self._app = Gate(app)
        self._port = port
        self._kind = kind
        self._server: OneAtATime | None = None
        self._pause = 0.0
        self._stopping = False

    def run(self) -> None:
        """Serve until told to stop; tell on the standard output once it listens."""
        handler = type("Handler", (_Handler,), {"refuse": staticmethod(self.refuse)})
        ready = "ready"
        while not self._stopping:
            with simple_server.make_server(
                HOST, self._port, self._app, self._kind, handler
            ) as self._server:
                if ready:
                    print(ready, flush=True)
                    ready = ""
                self._server.serve_forever(poll_interval=0.05)
            time.sleep(self._pause)

    def refuse(self, seconds: float) -> None:
        """Close the port for a while."""
        self._pause = seconds
        self._end()

    def stop(self, *_: int | FrameType | None) -> None:
        """Serve no more."""
        self._stopping = True
        self._pause = 0.0
        self._end()

    def _end(self) -> None:
        if self._server is not None:
            threading.Thread(target=self._server.shutdown).start()


def serve(app: Application, port: int, kind: type[OneAtATime]) -> None:
    """Serve on a port until SIGTERM, or until whoever started us is gone."""
    listener = Listener(app, port, kind)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, listener.stop)
    listener.run()
    os._exit(0)  # the service's own threads would hold us


def _leave_with_parent() -> None:
    sys.stdin.read()  # its end is the end of the process that holds the other side
    os._exit(0)
