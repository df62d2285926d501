"""Serves the pages until it is told to end, and lets go of open streams then."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence

import uvicorn

from esi_flows.catalog.types import Catalog
from esi_flows.model.errors import ServerError
from esi_flows.store.base import Store
from esi_flows.web.access import Tokens, require_loopback
from esi_flows.web.app import make_app
from esi_flows.web.folders import Folder
from esi_flows.web.hub import Hub
from esi_flows.web.live import Live

_START_SECONDS = 10.0
_STOP_SECONDS = 10.0
_GRACE_SECONDS = 3


class WebServer:
    """The pages at one address, from :meth:`start` to :meth:`stop`."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        *,
        address: str,
        port: int,
        tokens: Tokens,
        person: str,
        folders: Sequence[Folder] = (),
        acts: bool = False,
    ) -> None:
        """``port`` 0 takes a free one. Raises InvalidInput where everybody could look, ServerError
        where the address cannot be had.
        """
        if not tokens.by_name:
            require_loopback(address)
        self._socket = _bind(address, port)
        self._port = int(self._socket.getsockname()[1])
        self.live = Live(store, catalog, lambda: self._hub.tell())
        self._hub = Hub(lambda: self.live.revision)
        app = make_app(
            self.live, store, self._hub, folders=folders, tokens=tokens, person=person, acts=acts
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._serving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def is_alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Follow the store and serve; pages say so until all is known. Raises ServerError."""
        self.live.start()
        self._thread.start()
        if not self._serving.wait(_START_SECONDS):
            raise ServerError("the pages are not served")

    def stop(self) -> None:
        """End open streams, finish what is being answered, close the port."""
        self._hub.end()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        self.live.stop()
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._hub.serve_in(asyncio.get_running_loop())
        self._serving.set()
        await self._server.serve(sockets=[self._socket])


def _bind(address: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM
        )[0]
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
        # from now on who connects waits for the server instead of being refused
        sock.listen()
    except OSError as error:
        raise ServerError(
            f"{address}:{port} cannot be listened on: {error.strerror}",
            hint="set listen_address and port of [web], or --port",
        ) from error
    return sock
