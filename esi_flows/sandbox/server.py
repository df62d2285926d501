"""uvicorn in a thread: a real listener that can be closed for a while, and connections to cut."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import threading

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from esi_flows.model.errors import ServerError

LOG = logging.getLogger(__name__)

HOST = "127.0.0.1"
_START_SECONDS = 10.0
_STOP_SECONDS = 15.0
_GRACE_SECONDS = 2
_RETRY_SECONDS = 0.05

_Ends = tuple[tuple[str, int | None] | None, tuple[str, int] | None]
_connections: dict[_Ends, asyncio.Transport] = {}


class _Protocol(H11Protocol):
    """Remembers its connection, so that a request can cut the one it came on."""

    # narrower than asyncio's own, as uvicorn has it
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _connections[(self.server, self.client)] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        _connections.pop((self.server, self.client), None)
        super().connection_lost(exc)


def abort(scope: Scope, reset: bool) -> None:
    """Close the connection of a request at once, without an answer."""
    transport = _connections.get((scope["server"], scope["client"]))
    if transport is None:
        return  # the client was faster
    if reset:
        linger = struct.pack("ii", 1, 0)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


def bind(port: int, *, or_any: bool = False) -> socket.socket:
    """A listening socket on loopback. Raises ServerError for a port in use (unless any will do)."""
    # asyncio turns Nagle's algorithm off only where the protocol is said outright
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try:
            sock.bind((HOST, port))
        except OSError:
            if not or_any:
                raise
            sock.bind((HOST, 0))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        raise ServerError(
            f"port {port} cannot be listened on: {error}", hint="choose another port, or 0"
        ) from error
    return sock


class HttpServer:
    """Serves an application on a listening socket, in a thread of its own."""

    def __init__(self, app: ASGIApp, sock: socket.socket) -> None:
        self._app = app
        self._first: socket.socket | None = sock
        self.port: int = sock.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="sandbox-cloud", daemon=True)
        self._serving = threading.Event()
        self._server: uvicorn.Server | None = None
        self._pause = 0.0
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start serving. Raises ServerError where that does not come about."""
        self._thread.start()
        if not self._serving.wait(_START_SECONDS):
            raise ServerError("the sandbox cloud did not start to serve")

    def stop(self) -> None:
        """Finish the requests in hand and close the port."""
        self._stopping.set()
        self._wake()
        self._thread.join(_STOP_SECONDS)

    def refuse(self, seconds: float) -> None:
        """Close the port for a while: connections are refused, open ones closed."""
        self._pause = seconds
        self._wake()

    def _wake(self) -> None:
        if self._server is not None:
            self._server.should_exit = True

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        while not self._stopping.is_set():
            sock = self._first or await self._bound_again()
            self._first = None
            if sock is None:
                return
            self._server = uvicorn.Server(self._config())
            if self._stopping.is_set():  # told so since the loop looked
                self._server.should_exit = True
            self._serving.set()
            await self._server.serve(sockets=[sock])
            pause, self._pause = self._pause, 0.0
            if pause:
                await asyncio.to_thread(self._stopping.wait, pause)

    async def _bound_again(self) -> socket.socket | None:
        while not await asyncio.to_thread(self._stopping.wait, _RETRY_SECONDS):
            try:
                return bind(self.port)
            except ServerError as error:
                LOG.warning("port was taken meanwhile", extra={"error": error.message})
        return None

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self._app,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=120,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
