"""Where requests come in: each is noted, and may be struck by a fault."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from esi_flows.sandbox.api.http import error_response
from esi_flows.sandbox.errors import CloudError
from esi_flows.sandbox.faults import Fault, FaultKind, Faults
from esi_flows.sandbox.journal import Entry, Journal

_OWN = "/sandbox"
"""Requests to the switches themselves are neither noted nor struck."""

Abort = Callable[[Scope, bool], None]
"""Closes the connection of a request at once; with a reset if the flag is set."""


class Gate:
    """ASGI application around the services."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        faults: Faults,
        journal: Journal,
        abort: Abort,
        clock: Callable[[], float],
    ) -> None:
        self._app = app
        self._faults = faults
        self._journal = journal
        self._abort = abort
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(_OWN):
            await self._app(scope, receive, send)
            return
        entry = self._journal.begin(
            time=self._clock(),
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
        )
        fault = self._faults.of_request(entry.method, entry.path)
        if fault is not None and fault.kind is FaultKind.DELAY:
            await asyncio.sleep(fault.seconds)
            fault = None
        await self._serve(fault, entry, scope, receive, send)

    async def _serve(
        self, fault: Fault | None, entry: Entry, scope: Scope, receive: Receive, send: Send
    ) -> None:
        state = scope.setdefault("state", {})

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
                entry.stack = str(state.get("stack") or entry.stack)
            await send(message)

        async def swallow(message: Message) -> None:
            entry.stack = str(state.get("stack") or entry.stack)

        if fault is None:
            await self._app(scope, receive, answer)
        elif fault.kind is FaultKind.STATUS:
            await _refusal(entry.path, fault)(scope, receive, answer)
        else:
            if fault.kind is FaultKind.LOST_REPLY:
                await self._app(scope, receive, swallow)
            self._abort(scope, fault.kind is FaultKind.RESET)
            await _gone(receive)


def _refusal(path: str, fault: Fault) -> ASGIApp:
    message = fault.message or f"made to answer {fault.status}"
    error = CloudError(message, status=fault.status, kind="Fault")
    headers = {}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(fault.retry_after))
    return error_response(path, error, headers)


async def _gone(receive: Receive) -> None:
    # returning before the server has noticed would make it answer 500
    while (await receive())["type"] != "http.disconnect":
        pass
