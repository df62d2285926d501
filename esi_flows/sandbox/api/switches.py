"""The cloud's own routes: fault switches, the journal, and monitored things."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from esi_flows.sandbox.api.http import json_body
from esi_flows.sandbox.errors import CloudError, NotFound
from esi_flows.sandbox.faults import Fault, Faults
from esi_flows.sandbox.identity import Identity
from esi_flows.sandbox.journal import Journal, shown
from esi_flows.sandbox.monitor import observed


class SwitchesApi:
    """Routes under ``/sandbox`` and ``/monitor``. ``refuse`` makes the cloud deaf for seconds."""

    def __init__(
        self,
        *,
        faults: Faults,
        journal: Journal,
        identity: Identity,
        refuse: Callable[[float], None],
    ) -> None:
        self._faults = faults
        self._journal = journal
        self._identity = identity
        self._refuse = refuse

    def routes(self) -> list[Route]:
        """All routes."""
        return [
            Route("/sandbox/faults", self._on_list_faults, methods=["GET"]),
            Route("/sandbox/faults", self._on_add_fault, methods=["POST"]),
            Route("/sandbox/faults", self._on_clear_faults, methods=["DELETE"]),
            Route("/sandbox/faults/{fault_id}", self._on_remove_fault, methods=["DELETE"]),
            Route("/sandbox/requests", self._on_requests, methods=["GET"]),
            Route("/sandbox/requests", self._on_clear_requests, methods=["DELETE"]),
            Route("/monitor/v1/status", self._on_status, methods=["POST"]),
        ]

    async def _on_list_faults(self, request: Request) -> Response:
        return JSONResponse({"faults": self._faults.listed()})

    async def _on_add_fault(self, request: Request) -> Response:
        body = await json_body(request)
        kind = body.get("kind")
        if kind == "expire_tokens":
            self._identity.expire_tokens()
            return JSONResponse({"id": ""}, status_code=201)
        if kind == "refuse":
            self._refuse(_seconds(body))
            return JSONResponse({"id": ""}, status_code=201)
        return JSONResponse({"id": self._faults.add(Fault.parse(body))}, status_code=201)

    async def _on_clear_faults(self, request: Request) -> Response:
        self._faults.clear()
        return Response(status_code=204)

    async def _on_remove_fault(self, request: Request) -> Response:
        fault_id = request.path_params["fault_id"]
        if not self._faults.remove(fault_id):
            raise NotFound(f"no fault {fault_id} is set (any more)")
        return Response(status_code=204)

    async def _on_requests(self, request: Request) -> Response:
        query = request.query_params
        entries = self._journal.entries(
            method=query.get("method", ""),
            contains=query.get("path", ""),
            stack=query.get("stack", ""),
        )
        return JSONResponse({"requests": [shown(entry) for entry in entries]})

    async def _on_clear_requests(self, request: Request) -> Response:
        self._journal.clear()
        return Response(status_code=204)

    async def _on_status(self, request: Request) -> Response:
        return JSONResponse({"status": observed(await json_body(request), self._faults)})


def _seconds(body: dict[str, Any]) -> float:
    seconds = body.get("seconds")
    if (
        not isinstance(seconds, int | float)
        or isinstance(seconds, bool)
        or not 0 <= seconds <= 3600
    ):
        raise CloudError("member 'seconds' must be a number of seconds, 0 to 3600")
    return float(seconds)
